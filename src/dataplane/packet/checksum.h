// SPDX-License-Identifier: BSD-3-Clause
// Internet checksums: whole sums for packets we build, incremental updates (RFC 1624) for packets we translate.
#pragma once

#include "dataplane/packet/ip_address.h"
#include "dataplane/packet/parse.h"

#include <cstdint>

namespace foregate::dataplane {

/// One's complement sum of `length` bytes added to `sum` (unfolded, host order of big-endian words).
[[nodiscard]] inline std::uint32_t checksum_add(const std::uint8_t* p, std::uint32_t length,
                                                std::uint32_t sum) noexcept {
    for (; length >= 2; p += 2, length -= 2) {
        sum += load_be16(p);
    }
    if (length != 0) {
        sum += static_cast<std::uint32_t>(p[0]) << 8;
    }
    return sum;
}

[[nodiscard]] inline std::uint16_t checksum_fold(std::uint32_t sum) noexcept {
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}

/// RFC 1624 eqn. 3: the checksum after a 16-bit word changed from `before` to `after`.
[[nodiscard]] inline std::uint16_t checksum_update16(std::uint16_t checksum, std::uint16_t before,
                                                     std::uint16_t after) noexcept {
    std::uint32_t sum = static_cast<std::uint16_t>(~checksum);
    sum += static_cast<std::uint16_t>(~before);
    sum += after;
    return checksum_fold(sum);
}

[[nodiscard]] inline std::uint16_t checksum_update32(std::uint16_t checksum, std::uint32_t before,
                                                     std::uint32_t after) noexcept {
    const auto half = checksum_update16(checksum, static_cast<std::uint16_t>(before >> 16),
                                        static_cast<std::uint16_t>(after >> 16));
    return checksum_update16(half, static_cast<std::uint16_t>(before), static_cast<std::uint16_t>(after));
}

/// Checksum of a TCP, UDP or ICMPv6 message of `length` bytes whose own checksum field is zero.
[[nodiscard]] inline std::uint16_t transport_checksum(const IpAddress& src, const IpAddress& dst,
                                                      std::uint8_t protocol, const std::uint8_t* message,
                                                      std::uint32_t length) noexcept {
    const bool v4 = src.is_v4();
    const std::uint32_t skip = v4 ? 12 : 0;
    std::uint32_t sum = checksum_add(src.bytes.data() + skip, 16 - skip, 0);
    sum = checksum_add(dst.bytes.data() + skip, 16 - skip, sum);
    return checksum_fold(checksum_add(message, length, sum + protocol + length));
}

} // namespace foregate::dataplane
