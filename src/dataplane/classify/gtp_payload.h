// SPDX-License-Identifier: BSD-3-Clause
// The IP payload that a packet of GTP's user plane carries (3GPP TS 29.281), for the names in it. Pure: bytes in, views out.
#pragma once

#include <cstdint>
#include <span>

namespace foregate::dataplane {

struct GtpPayload {
    std::span<const std::uint8_t> payload; ///< behind the inner transport header
    std::uint16_t src_port = 0;
    std::uint16_t dst_port = 0;
    std::uint8_t protocol = 0; ///< of the inner IP packet: TCP or UDP
};

/// A G-PDU with a whole inner TCP or UDP header; false for anything else, also for inner fragments.
[[nodiscard]] bool parse_gtp_payload(std::span<const std::uint8_t> datagram, GtpPayload& out) noexcept;

} // namespace foregate::dataplane
