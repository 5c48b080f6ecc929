// SPDX-License-Identifier: BSD-3-Clause
// Names and numbers in DNS messages (RFC 1035). Inside classify/ only; pure, bounded.
#pragma once

#include "dataplane/classify/name_buffer.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace foregate::dataplane {

[[nodiscard]] inline std::uint16_t dns_load16(std::span<const std::uint8_t> bytes,
                                              std::size_t at) noexcept {
    return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

[[nodiscard]] inline std::uint32_t dns_load32(std::span<const std::uint8_t> bytes,
                                              std::size_t at) noexcept {
    return static_cast<std::uint32_t>(dns_load16(bytes, at)) << 16 | dns_load16(bytes, at + 2);
}

/// Reads the name at `at` and moves `at` behind it as it stands in the message. False when it is
/// malformed, or compressed where it must not be.
[[nodiscard]] bool read_dns_name(std::span<const std::uint8_t> message, std::size_t& at,
                                 bool pointers_allowed, NameBuffer& out) noexcept;

/// Case-insensitive hash of a name, so that each owner is decoded once however long a chain is.
/// Whoever could forge a collision writes the whole answer anyway.
[[nodiscard]] bool hash_dns_name(std::span<const std::uint8_t> message, std::size_t& at,
                                 std::uint64_t& hash) noexcept;

} // namespace foregate::dataplane
