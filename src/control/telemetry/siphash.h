// SPDX-License-Identifier: BSD-3-Clause
// SipHash-2-4, a keyed hash that cannot be inverted or predicted without its 128-bit key. Pure.
// Source: J.-P. Aumasson, D. J. Bernstein, "SipHash: a fast short-input PRF", INDOCRYPT 2012, with
// its test values.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace foregate::control {

using SipKey = std::array<std::uint8_t, 16>;

namespace siphash_detail {

inline std::uint64_t little_endian(const std::uint8_t* bytes, std::size_t count) {
    std::uint64_t out = 0;
    for (std::size_t i = 0; i < count; ++i) {
        out |= static_cast<std::uint64_t>(bytes[i]) << (8 * i);
    }
    return out;
}

struct State {
    std::uint64_t a, b, c, d;

    void rounds(int count) {
        for (int i = 0; i < count; ++i) {
            a += b;
            c += d;
            b = std::rotl(b, 13) ^ a;
            d = std::rotl(d, 16) ^ c;
            a = std::rotl(a, 32);
            c += b;
            a += d;
            b = std::rotl(b, 17) ^ c;
            d = std::rotl(d, 21) ^ a;
            c = std::rotl(c, 32);
        }
    }
    void absorb(std::uint64_t word) {
        d ^= word;
        rounds(2);
        a ^= word;
    }
};

} // namespace siphash_detail

[[nodiscard]] inline std::uint64_t siphash24(const SipKey& key, std::string_view text) {
    using siphash_detail::little_endian;
    const std::uint64_t k0 = little_endian(key.data(), 8);
    const std::uint64_t k1 = little_endian(key.data() + 8, 8);
    siphash_detail::State s{k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d,
                            k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573};
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(text.data());
    const std::size_t whole = text.size() / 8 * 8;
    for (std::size_t i = 0; i < whole; i += 8) {
        s.absorb(little_endian(bytes + i, 8));
    }
    s.absorb(static_cast<std::uint64_t>(text.size()) << 56 |
             little_endian(bytes + whole, text.size() - whole));
    s.c ^= 0xff;
    s.rounds(4);
    return s.a ^ s.b ^ s.c ^ s.d;
}

} // namespace foregate::control
