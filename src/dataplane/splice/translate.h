// SPDX-License-Identifier: BSD-3-Clause
// Header translation between the desktop's view of a spliced connection and the server's. Only
// sequence numbers of the desktop's direction, its timestamps and its port differ; the server's own
// sequence numbers and timestamps pass unchanged, unless the splice was moved to a connection that
// the desktop does not know of. Checksums are updated incrementally (RFC 1624),
// so damage to the payload stays visible end to end. Pure; hot path; in place.
#pragma once

#include "dataplane/packet/parse.h"
#include "dataplane/packet/tcp_options.h"

#include <cstdint>

namespace foregate::dataplane {

/// What differs between the two views of one splice.
struct SpliceTerms {
    std::uint32_t seq_delta = 0; ///< upstream SEQ = desktop's SEQ + this (mod 2^32)
    std::uint32_t ts_delta = 0;  ///< upstream TSval = desktop's TSval + this
    std::uint32_t ts_floor = 0;  ///< at first the desktop's first TSval: no echo goes below it
    // Of the server's direction; not 0 only where a splice was moved to a fresh connection.
    std::uint32_t server_delta = 0;    ///< upstream SEQ = the desktop's view of it + this
    std::uint32_t server_ts_delta = 0; ///< upstream TSval = the desktop's view of it + this
    std::uint16_t held_port = 0;
    std::uint16_t desktop_port = 0; ///< 0: not spliced
    std::uint16_t server_port = 0;
    bool timestamps = false; ///< negotiated
    bool sack = false;       ///< negotiated
};

/// What the tracker needs to know of a segment, in the view of its sender before translation.
struct SegmentFacts {
    std::uint32_t seq = 0;
    std::uint32_t ack = 0;
    std::uint32_t length = 0; ///< payload plus SYN plus FIN
    std::uint16_t window = 0;
    std::uint8_t flags = 0;
    std::uint32_t ts_val = 0; ///< 0 when there is none
};

/// `tcp` is the TCP header, header length `header` bytes (as parsed). False: the options are
/// damaged and nothing was changed. `ts_val` becomes the sender's TSval if there is one. To the
/// desktop, the floor of echoes is moved along, so that it stays within half the number space of a
/// long life.
[[nodiscard]] bool translate_to_server(std::uint8_t* tcp, unsigned header, const SpliceTerms& terms,
                                       std::uint32_t& ts_val) noexcept;
[[nodiscard]] bool translate_to_desktop(std::uint8_t* tcp, unsigned header, SpliceTerms& terms,
                                        std::uint32_t& ts_val) noexcept;

[[nodiscard]] SegmentFacts segment_facts(const std::uint8_t* tcp,
                                         const ParsedPacket& packet) noexcept;

/// Sequence comparison modulo 2^32.
[[nodiscard]] constexpr bool seq_before(std::uint32_t a, std::uint32_t b) noexcept {
    return static_cast<std::int32_t>(a - b) < 0;
}
[[nodiscard]] constexpr bool seq_at_or_before(std::uint32_t a, std::uint32_t b) noexcept {
    return static_cast<std::int32_t>(a - b) <= 0;
}

} // namespace foregate::dataplane
