// SPDX-License-Identifier: BSD-3-Clause
// IPv4 and IPv6 addresses and prefixes in one 128-bit shape, used by every table and by both planes.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace foregate::dataplane {

/// An address in network byte order; IPv4 is kept v4-mapped (::ffff:a.b.c.d), so one key shape serves both.
struct IpAddress {
    std::array<std::uint8_t, 16> bytes{};

    static constexpr std::array<std::uint8_t, 12> kV4Prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

    /// `host_order` as in 0x0a000001 for 10.0.0.1.
    static IpAddress from_v4(std::uint32_t host_order) noexcept {
        IpAddress a;
        std::memcpy(a.bytes.data(), kV4Prefix.data(), kV4Prefix.size());
        a.bytes[12] = static_cast<std::uint8_t>(host_order >> 24);
        a.bytes[13] = static_cast<std::uint8_t>(host_order >> 16);
        a.bytes[14] = static_cast<std::uint8_t>(host_order >> 8);
        a.bytes[15] = static_cast<std::uint8_t>(host_order);
        return a;
    }
    /// `four` points at 4 bytes in network order (as in a packet).
    static IpAddress from_v4_wire(const void* four) noexcept {
        IpAddress a;
        std::memcpy(a.bytes.data(), kV4Prefix.data(), kV4Prefix.size());
        std::memcpy(a.bytes.data() + 12, four, 4);
        return a;
    }
    /// `sixteen` points at 16 bytes in network order.
    static IpAddress from_v6_wire(const void* sixteen) noexcept {
        IpAddress a;
        std::memcpy(a.bytes.data(), sixteen, 16);
        return a;
    }
    /// "10.0.0.1" or "2001:db8::1"; nullopt for anything else (no zone, no brackets, no spaces).
    static std::optional<IpAddress> parse(std::string_view text);
    /// Two words in host order, the more significant one first.
    static IpAddress from_words(std::uint64_t high, std::uint64_t low) noexcept {
        IpAddress a;
        const std::uint64_t words[2] = {__builtin_bswap64(high), __builtin_bswap64(low)};
        std::memcpy(a.bytes.data(), words, sizeof words);
        return a;
    }

    [[nodiscard]] bool is_v4() const noexcept {
        std::uint64_t high;
        std::uint32_t middle;
        std::memcpy(&high, bytes.data(), sizeof high);
        std::memcpy(&middle, bytes.data() + 8, sizeof middle);
        return high == 0 && middle == __builtin_bswap32(0x0000ffffU);
    }
    /// Only meaningful when is_v4(): host order.
    [[nodiscard]] std::uint32_t v4() const noexcept {
        return static_cast<std::uint32_t>(bytes[12]) << 24 | static_cast<std::uint32_t>(bytes[13]) << 16 |
               static_cast<std::uint32_t>(bytes[14]) << 8 | static_cast<std::uint32_t>(bytes[15]);
    }
    [[nodiscard]] const std::uint8_t* v4_wire() const noexcept { return bytes.data() + 12; }
    [[nodiscard]] std::string to_string() const;

    /// Two words, without a call.
    bool operator==(const IpAddress& other) const noexcept {
        return ((word(0) ^ other.word(0)) | (word(8) ^ other.word(8))) == 0;
    }
    /// By the bytes in order; compared as two big-endian words, without a call.
    std::strong_ordering operator<=>(const IpAddress& other) const noexcept {
        const auto order = word(0) <=> other.word(0);
        return order != 0 ? order : word(8) <=> other.word(8);
    }

    /// The eight bytes from `at` (0 or 8) on as a number in host order.
    [[nodiscard]] std::uint64_t word(unsigned at) const noexcept {
        std::uint64_t value;
        std::memcpy(&value, bytes.data() + at, sizeof value);
        return __builtin_bswap64(value);
    }
};

/// `a` without every bit from bit `bits` (0..128) on.
[[nodiscard]] inline IpAddress masked(const IpAddress& a, unsigned bits) noexcept {
    const std::uint64_t high = bits == 0 ? 0 : bits >= 64 ? ~0ULL : ~0ULL << (64 - bits);
    const std::uint64_t low = bits <= 64 ? 0 : bits >= 128 ? ~0ULL : ~0ULL << (128 - bits);
    return IpAddress::from_words(a.word(0) & high, a.word(8) & low);
}

/// A prefix; `length` counts bits of the address family's own form (0..32 for IPv4, 0..128 for IPv6).
struct IpPrefix {
    IpAddress address{};
    std::uint8_t length = 0;

    /// "10.0.0.0/8", "2001:db8::/32" or a bare address (full length). Host bits that are set are an error (nullopt).
    static std::optional<IpPrefix> parse(std::string_view text);
    /// As parse(), but host bits may be set, as in an interface address ("10.0.0.1/8"): they are kept.
    static std::optional<IpPrefix> parse_interface(std::string_view text);

    [[nodiscard]] bool is_v4() const noexcept { return address.is_v4(); }
    /// Length in bits of the 128-bit form: IPv4 lengths are offset by 96.
    [[nodiscard]] unsigned bits128() const noexcept { return is_v4() ? 96U + length : length; }
    [[nodiscard]] bool contains(const IpAddress& a) const noexcept;
    [[nodiscard]] bool overlaps(const IpPrefix& other) const noexcept;
    /// The same prefix with host bits cleared.
    [[nodiscard]] IpPrefix network() const noexcept { return IpPrefix{masked(address, bits128()), length}; }
    [[nodiscard]] std::string to_string() const;

    auto operator<=>(const IpPrefix&) const noexcept = default;
};

/// 64-bit hash of an address under a secret seed: two rounds of 64x64->128 multiply folding, as in wyhash's mixing step
/// (public domain).
[[nodiscard]] inline std::uint64_t hash_address(const IpAddress& a, std::uint64_t seed) noexcept {
    std::uint64_t high;
    std::uint64_t low;
    std::memcpy(&high, a.bytes.data(), 8);
    std::memcpy(&low, a.bytes.data() + 8, 8);
    __extension__ using Wide = unsigned __int128;
    const auto fold = [](std::uint64_t x, std::uint64_t y) noexcept {
        const auto product = static_cast<Wide>(x) * y;
        return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
    };
    return fold(fold(high ^ seed ^ 0xa0761d6478bd642fULL, low ^ 0xe7037ed1a0b428dbULL) ^ seed, 0x8ebc6af09c88c6e3ULL);
}

struct IpAddressHash {
    std::size_t operator()(const IpAddress& a) const noexcept { return hash_address(a, 0x9e3779b97f4a7c15ULL); }
};

} // namespace foregate::dataplane
