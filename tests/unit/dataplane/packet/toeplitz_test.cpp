// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/device/owner_rule.h"
#include "dataplane/packet/toeplitz.h"

#include <array>
#include <gtest/gtest.h>
#include <random>
#include <string>
#include <vector>

namespace foregate::dataplane {
namespace {

/// Microsoft's "Verifying the RSS hash calculation": the key and the table of results.
constexpr std::array<std::uint8_t, 40> kVerificationKey{
    0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb,
    0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa};

struct Known {
    const char* source;
    std::uint16_t source_port;
    const char* destination;
    std::uint16_t destination_port;
    std::uint32_t of_addresses;
    std::uint32_t with_ports;
};

constexpr Known kKnown[]{
    {"66.9.149.187", 2794, "161.142.100.80", 1766, 0x323e8fc2, 0x51ccc178},
    {"199.92.111.2", 14230, "65.69.140.83", 4739, 0xd718262a, 0xc626b0ea},
    {"24.19.198.95", 12898, "12.22.207.184", 38024, 0xd2d0a5de, 0x5c2b394a},
    {"38.27.205.30", 48228, "209.142.163.6", 2217, 0x82989176, 0xafc7327f},
    {"153.39.163.191", 44251, "202.188.127.2", 1303, 0x5d1809c5, 0x10e828a2},
    {"3ffe:2501:200:1fff::7", 2794, "3ffe:2501:200:3::1", 1766, 0x2cc18cd5, 0x40207d3d},
    {"3ffe:501:8::260:97ff:fe40:efab", 14230, "ff02::1", 4739, 0x0f0c461c, 0xdde51bbf},
    {"3ffe:1900:4545:3:200:f8ff:fe21:67cf", 44251, "fe80::200:f8ff:fe21:67cf", 38024, 0x4b61e985, 0x02d1feef},
};

void append(std::vector<std::uint8_t>& input, const IpAddress& a) {
    input.insert(input.end(), a.bytes.begin() + (a.is_v4() ? 12 : 0), a.bytes.end());
}

std::vector<std::uint8_t> addresses(const IpAddress& source, const IpAddress& destination) {
    std::vector<std::uint8_t> input;
    append(input, source);
    append(input, destination);
    return input;
}

TEST(Toeplitz, VerificationSuite) {
    for (const Known& known : kKnown) {
        auto input = addresses(*IpAddress::parse(known.source), *IpAddress::parse(known.destination));
        EXPECT_EQ(toeplitz_hash(kVerificationKey, input), known.of_addresses) << known.source;
        for (const std::uint16_t port : {known.source_port, known.destination_port}) {
            input.push_back(static_cast<std::uint8_t>(port >> 8));
            input.push_back(static_cast<std::uint8_t>(port));
        }
        EXPECT_EQ(toeplitz_hash(kVerificationKey, input), known.with_ports) << known.source;
    }
}

TEST(Toeplitz, TheFastFormEqualsTheLongOneInBothDirections) {
    std::array<std::uint8_t, 40> key{};
    SymmetricToeplitz::fill_key(key);
    const SymmetricToeplitz fast;
    std::mt19937 random(7);
    std::vector<std::pair<IpAddress, IpAddress>> pairs;
    for (const Known& known : kKnown) {
        pairs.emplace_back(*IpAddress::parse(known.source), *IpAddress::parse(known.destination));
    }
    for (int i = 0; i < 500; ++i) {
        pairs.emplace_back(IpAddress::from_v4(static_cast<std::uint32_t>(random())),
                           IpAddress::from_v4(static_cast<std::uint32_t>(random())));
        IpAddress a;
        IpAddress b;
        for (std::size_t k = 0; k < 16; ++k) {
            a.bytes[k] = static_cast<std::uint8_t>(random());
            b.bytes[k] = static_cast<std::uint8_t>(random());
        }
        pairs.emplace_back(a, b);
    }
    for (const auto& [a, b] : pairs) {
        const std::uint32_t expected = toeplitz_hash(key, addresses(a, b));
        ASSERT_EQ(toeplitz_hash(key, addresses(b, a)), expected) << a.to_string() << ' ' << b.to_string();
        ASSERT_EQ(fast(a, b), expected) << a.to_string() << ' ' << b.to_string();
        ASSERT_EQ(fast(b, a), expected) << a.to_string() << ' ' << b.to_string();
    }
}

TEST(OwnerRule, IsSymmetricAndUsesEveryWorkerForAFleet) {
    for (const unsigned workers : {1U, 2U, 3U, 4U, 7U}) {
        for (const OwnerRule& rule : {OwnerRule::by_interface(workers), OwnerRule::by_seed(workers, 42)}) {
            std::vector<unsigned> flows(workers);
            const IpAddress server = *IpAddress::parse("203.0.113.9");
            constexpr std::uint32_t kDesktops = 4096;
            for (std::uint32_t i = 0; i < kDesktops; ++i) {
                const IpAddress desktop = IpAddress::from_v4(0x0a0a0000 + i);
                const unsigned owner = rule.owner(desktop, server);
                ASSERT_LT(owner, workers);
                ASSERT_EQ(rule.owner(server, desktop), owner);
                ++flows[owner];
            }
            for (const unsigned count : flows) { // 64 buckets over 7 workers: 9 or 10 of them each
                EXPECT_GT(count * workers, kDesktops * 3 / 4) << workers << " workers";
                EXPECT_LT(count * workers, kDesktops * 5 / 4) << workers << " workers";
            }
        }
    }
}

} // namespace
} // namespace foregate::dataplane
