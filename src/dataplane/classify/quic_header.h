// SPDX-License-Identifier: BSD-3-Clause
// The headers and versions of QUIC on the wire. Inside classify/ only; pure, any thread.
#pragma once

#include "dataplane/classify/quic_crypto.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace foregate::dataplane {

/// How packets of a version look and are protected.
enum class QuicDialect : std::uint8_t {
    ietf,        ///< encrypted Initial packets that carry TLS
    crypto,      ///< Q050: encrypted the same way, but the CRYPTO stream carries a CHLO
    plain,       ///< Q044 to Q049: long header, CHLO in the clear
    negotiation, ///< version 0: the server lists the versions it speaks
    reserved,    ///< a version that only provokes a negotiation, or a draft without known keys
    unknown,
};

[[nodiscard]] QuicDialect quic_dialect(std::uint32_t version) noexcept;

/// Null for dialects that are not encrypted, and for versions whose keys are unknown. For reserved
/// versions a guess: what clients were seen to use with them.
[[nodiscard]] const QuicKeyRecipe* quic_key_recipe(std::uint32_t version) noexcept;

struct QuicLongHeader {
    std::uint32_t version = 0;
    QuicDialect dialect = QuicDialect::unknown;
    bool initial = false;
    std::span<const std::uint8_t> destination_id;
    std::size_t number_at = 0; ///< of the packet number
    std::size_t end = 0;       ///< of the packet within the datagram
};

/// Reads the long header that `bytes` begins with. False when it is none, or when its lengths do
/// not fit.
[[nodiscard]] bool read_quic_long_header(std::span<const std::uint8_t> bytes,
                                         QuicLongHeader& out) noexcept;

/// Reads a variable-length integer (RFC 9000, section 16) and moves `at` behind it; false when it
/// is cut off.
[[nodiscard]] bool read_quic_varint(std::span<const std::uint8_t> bytes, std::size_t& at,
                                    std::uint64_t& value) noexcept;

} // namespace foregate::dataplane
