// SPDX-License-Identifier: BSD-3-Clause
// ICMP and ICMPv6 errors quote the packet they complain about. Path MTU discovery works through a
// splice only if the quote is translated too: ports and sequence numbers, not only addresses.
// Pure; bounds-checked; in place.
#pragma once

#include "dataplane/packet/ip_address.h"
#include "dataplane/packet/parse.h"

#include <cstdint>
#include <optional>

namespace foregate::dataplane {

enum class IcmpErrorKind : std::uint8_t {
    unreachable,    ///< destination, port, administratively prohibited
    packet_too_big, ///< or fragmentation needed
    other,          ///< time exceeded, parameter problem
};

/// The TCP packet quoted in an ICMP error. Offsets count from the start of the frame.
struct IcmpQuote {
    IcmpErrorKind kind = IcmpErrorKind::other;
    IpAddress src{};
    IpAddress dst{};
    std::uint16_t src_port = 0;
    std::uint16_t dst_port = 0;
    std::uint32_t seq = 0;
    std::uint16_t icmp_offset = 0;
    std::uint16_t tcp_offset = 0;
    std::uint16_t tcp_bytes = 0; ///< quoted, at least 8
};

/// nullopt: not an ICMP error, or what it quotes is not the start of a TCP packet.
[[nodiscard]] std::optional<IcmpQuote> parse_icmp_quote(const std::uint8_t* frame,
                                                        const ParsedPacket& packet) noexcept;

/// New values of the quoted header's fields; what lies behind the quote's end is left out.
/// Timestamps are edited where the whole header is quoted (they are no part of any check that is
/// known, but what is quoted should be what was sent).
struct QuoteEdit {
    std::uint16_t src_port = 0;
    std::uint16_t dst_port = 0;
    std::uint32_t seq_add = 0;
    std::uint32_t ack_add = 0;
    std::uint32_t ts_val_add = 0;
    std::uint32_t ts_ecr_add = 0;
};

/// Edits the quote and keeps the quoted TCP checksum (if quoted) and the ICMP checksum right.
void edit_icmp_quote(std::uint8_t* frame, const IcmpQuote& quote, const QuoteEdit& edit) noexcept;

} // namespace foregate::dataplane
