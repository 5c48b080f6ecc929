// SPDX-License-Identifier: BSD-3-Clause
// SipHash-2-4 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012): the keyed function
// behind sequence numbers (RFC 6528) and source ports (RFC 6056). Pure; any thread.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace foregate::dataplane {

using SecretKey = std::array<std::uint8_t, 16>;

namespace siphash_detail {

inline std::uint64_t load_le64(const std::uint8_t* p, std::size_t n) noexcept {
    std::uint64_t v = 0;
    for (std::size_t i = 0; i < n; ++i) {
        v |= static_cast<std::uint64_t>(p[i]) << (8 * i);
    }
    return v;
}

struct State {
    std::uint64_t v0, v1, v2, v3;

    void round() noexcept {
        v0 += v1;
        v1 = std::rotl(v1, 13) ^ v0;
        v0 = std::rotl(v0, 32);
        v2 += v3;
        v3 = std::rotl(v3, 16) ^ v2;
        v0 += v3;
        v3 = std::rotl(v3, 21) ^ v0;
        v2 += v1;
        v1 = std::rotl(v1, 17) ^ v2;
        v2 = std::rotl(v2, 32);
    }
    void absorb(std::uint64_t m) noexcept {
        v3 ^= m;
        round();
        round();
        v0 ^= m;
    }
};

} // namespace siphash_detail

[[nodiscard]] inline std::uint64_t siphash24(const SecretKey& key, const std::uint8_t* data,
                                             std::size_t length) noexcept {
    using siphash_detail::load_le64;
    const std::uint64_t k0 = load_le64(key.data(), 8);
    const std::uint64_t k1 = load_le64(key.data() + 8, 8);
    siphash_detail::State s{k0 ^ 0x736f6d6570736575ULL, k1 ^ 0x646f72616e646f6dULL,
                            k0 ^ 0x6c7967656e657261ULL, k1 ^ 0x7465646279746573ULL};
    std::size_t at = 0;
    for (; at + 8 <= length; at += 8) {
        s.absorb(load_le64(data + at, 8));
    }
    s.absorb(load_le64(data + at, length - at) | static_cast<std::uint64_t>(length) << 56);
    s.v2 ^= 0xff;
    for (int i = 0; i < 4; ++i) {
        s.round();
    }
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

} // namespace foregate::dataplane
