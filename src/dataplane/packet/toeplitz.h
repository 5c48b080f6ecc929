// SPDX-License-Identifier: BSD-3-Clause
// The Toeplitz hash by which network interfaces choose a receive queue, computed in software. Pure.
// Microsoft, "RSS hashing functions"; the periodic key: Woo and Park, "Scalable TCP session monitoring with symmetric
// receive-side scaling" (KAIST, 2012).
#pragma once

#include "dataplane/packet/ip_address.h"

#include <array>
#include <cstdint>
#include <cstring>
#include <span>

namespace foregate::dataplane {

/// Of any input under any key; the key has four bytes more than the input at least. A bit at a time: for checks and tests.
[[nodiscard]] constexpr std::uint32_t toeplitz_hash(std::span<const std::uint8_t> key,
                                                    std::span<const std::uint8_t> input) noexcept {
    std::uint64_t window = 0; // the key's next 40 bits
    for (std::size_t i = 0; i < 5; ++i) {
        window = window << 8 | (i < key.size() ? key[i] : 0U);
    }
    std::uint32_t hash = 0;
    for (std::size_t i = 0; i < input.size(); ++i) {
        for (unsigned bit = 0; bit < 8; ++bit) {
            if ((input[i] & (0x80U >> bit)) != 0) {
                hash ^= static_cast<std::uint32_t>(window >> (8 - bit));
            }
        }
        window = (window << 8 | (i + 5 < key.size() ? key[i + 5] : 0U)) & 0xffffffffffULL;
    }
    return hash;
}

/// The hash of the two addresses of a packet, IPv4 or IPv6, under a key that repeats one 16-bit pattern: the same for both
/// directions, whatever the order in which the interface takes them.
class SymmetricToeplitz {
public:
    static constexpr std::uint16_t kPattern = 0x6d5a;

    /// The key as it is given to an interface.
    static constexpr void fill_key(std::span<std::uint8_t> key) noexcept {
        for (std::size_t i = 0; i < key.size(); ++i) {
            key[i] = static_cast<std::uint8_t>(i % 2 == 0 ? kPattern >> 8 : kPattern & 0xff);
        }
    }

    constexpr SymmetricToeplitz() noexcept {
        for (unsigned byte = 0; byte < 256; ++byte) {
            first_[byte] = of_word(static_cast<std::uint16_t>(byte << 8));
            second_[byte] = of_word(static_cast<std::uint16_t>(byte));
        }
    }

    /// Every 16-bit word of the input meets the same bits of the key, so their exclusive or tells all; the prefixes of
    /// v4-mapped addresses cancel out.
    [[nodiscard]] std::uint32_t operator()(const IpAddress& a, const IpAddress& b) const noexcept {
        std::uint64_t words[4];
        std::memcpy(words, a.bytes.data(), 16);
        std::memcpy(words + 2, b.bytes.data(), 16);
        std::uint64_t all = words[0] ^ words[1] ^ words[2] ^ words[3];
        all ^= all >> 32;
        all ^= all >> 16;
        std::uint8_t bytes[2];
        const auto word = static_cast<std::uint16_t>(all);
        std::memcpy(bytes, &word, 2); // in the order of the wire
        const auto half = static_cast<std::uint16_t>(first_[bytes[0]] ^ second_[bytes[1]]);
        return static_cast<std::uint32_t>(half) << 16 | half;
    }

private:
    static constexpr std::uint16_t of_word(std::uint16_t word) noexcept {
        std::uint16_t hash = 0;
        std::uint16_t pattern = kPattern;
        for (unsigned bit = 0; bit < 16; ++bit) {
            if ((word & (0x8000U >> bit)) != 0) {
                hash ^= pattern;
            }
            pattern = static_cast<std::uint16_t>(pattern << 1 | pattern >> 15);
        }
        return hash;
    }

    std::array<std::uint16_t, 256> first_{};
    std::array<std::uint16_t, 256> second_{};
};

} // namespace foregate::dataplane
