// SPDX-License-Identifier: BSD-3-Clause
// Building whole TCP/IP packets that the gateway itself sends (dialing, acknowledging, replaying,
// resetting). Pure; any thread; no allocation. Ethernet is the caller's.
#pragma once

#include "dataplane/packet/ip_address.h"
#include "dataplane/packet/tcp_options.h"

#include <array>
#include <cstdint>

namespace foregate::dataplane {

/// Order of the options in a SYN, as the desktop's own operating system would write them.
enum class OptionOrder : std::uint8_t {
    linux_like,   ///< mss, sack permitted, timestamps, nop, window scale
    windows_like, ///< mss, nop, window scale, nop, nop, sack permitted (timestamps last)
};

inline constexpr unsigned kMaxSegmentPayload = 1460;
/// Room that build_tcp_frame may fill: IPv6 header, TCP header with all options, payload.
inline constexpr unsigned kMaxBuiltBytes = 40 + 60 + kMaxSegmentPayload;

/// Options to write. MSS, window scale and SACK permitted are written in SYN segments only.
struct SegmentOptions {
    std::uint16_t mss = 0; ///< 0: absent
    std::uint8_t window_scale = kNoWindowScale;
    bool sack_permitted = false;
    bool timestamps = false;
    OptionOrder order = OptionOrder::linux_like;
    std::uint32_t ts_val = 0;
    std::uint32_t ts_ecr = 0;
};

/// One TCP segment to be sent. Ports, seq, ack and window are in host order.
struct SegmentSpec {
    IpAddress src{};
    IpAddress dst{}; ///< same family as src
    std::uint16_t src_port = 0;
    std::uint16_t dst_port = 0;
    std::uint32_t seq = 0;
    std::uint32_t ack = 0;
    std::uint16_t window = 0;  ///< the field as written: already scaled
    std::uint8_t flags = 0;    ///< TcpFlag bits
    std::uint8_t ttl = 64;     ///< or hop limit
    bool dont_fragment = true; ///< IPv4 only
    bool to_desktop = false;   ///< leaves by the desktop port, otherwise by the upstream port
    std::uint16_t ip_id = 0;   ///< IPv4 identification
    SegmentOptions options{};
    std::uint16_t payload_length = 0; ///< at most kMaxSegmentPayload
    std::array<std::uint8_t, kMaxSegmentPayload>
        payload; ///< only payload_length bytes are meaningful
};

/// Bytes of TCP options that `options` takes in a segment with `flags`; a multiple of 4.
[[nodiscard]] unsigned tcp_options_length(const SegmentOptions& options,
                                          std::uint8_t flags) noexcept;

/// Writes the IP packet (v4 or v6 by spec.src) with full checksums to `out`, the first byte after
/// the Ethernet header, at least kMaxBuiltBytes long. Returns its length in bytes.
unsigned build_tcp_frame(const SegmentSpec& spec, std::uint8_t* out) noexcept;

} // namespace foregate::dataplane
