// SPDX-License-Identifier: BSD-3-Clause
// Does a desktop's SYN fit what was already agreed upstream in its name? Pure; any thread.
// Rules: Linux SYNPROXY (nf_synproxy_core) and RFC 7323, 2018, 5925, 8684, 7413; each mismatch that
// cannot be mended by header translation alone falls back to the desktop's own connection.
#pragma once

#include "dataplane/packet/tcp_options.h"
#include "dataplane/splice/held.h"

#include <cstdint>

namespace foregate::dataplane {

/// What the handshake upstream agreed on.
struct AgreedOptions {
    std::uint16_t announced_mss = 0; ///< ours, in the SYN upstream
    std::uint16_t server_mss = 0;    ///< the server's, with the default of RFC 9293 filled in
    std::uint8_t our_scale = kNoWindowScale;    ///< both are present or none
    std::uint8_t server_scale = kNoWindowScale; ///< at most 14
    bool sack = false;
    bool timestamps = false;
};

/// `SpliceFallback::none` when the SYN fits. `promised_bytes` is how far beyond the server's first
/// byte the window advertised upstream reaches; `syn_window` is the (unscaled) window of the SYN.
[[nodiscard]] SpliceFallback match_options(const AgreedOptions& agreed, const TcpOptions& syn,
                                           bool ipv6, std::uint16_t syn_window,
                                           std::uint32_t promised_bytes) noexcept;

/// MSS that counts when a SYN has no MSS option (RFC 9293 3.7.1).
[[nodiscard]] constexpr std::uint16_t default_mss(bool ipv6) noexcept {
    return ipv6 ? std::uint16_t{1220} : std::uint16_t{536};
}

} // namespace foregate::dataplane
