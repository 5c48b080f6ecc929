// SPDX-License-Identifier: BSD-3-Clause
// Whether a datagram begins with a QUIC long header (RFC 8999, RFC 9000, RFC 9369, and the versions before them) or with
// Google's own header of before. Pure: bytes in, answer out.
#pragma once

#include <cstdint>
#include <span>

namespace foregate::dataplane {

enum class QuicLook : std::uint8_t {
    none,
    google,      ///< gQUIC's public header (Q009 to Q043) with its version
    long_header, ///< of a version that is known
    negotiation, ///< version negotiation
};

[[nodiscard]] QuicLook look_at_quic(std::span<const std::uint8_t> payload) noexcept;

} // namespace foregate::dataplane
