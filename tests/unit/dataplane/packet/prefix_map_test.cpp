// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/packet/prefix_map.h"

#include <gtest/gtest.h>

#include <random>

namespace foregate::dataplane {
namespace {

using Entries = std::vector<std::pair<IpPrefix, int>>;

IpPrefix prefix(const char* text) {
    return *IpPrefix::parse_interface(text);
}
int found(const PrefixMap<int>& map, const char* text) {
    const int* value = map.find(*IpAddress::parse(text));
    return value == nullptr ? -1 : *value;
}

TEST(PrefixMapTest, EmptyFindsNothing) {
    const PrefixMap<int> none;
    EXPECT_TRUE(none.empty());
    EXPECT_EQ(found(none, "10.0.0.1"), -1);
    const PrefixMap<int> also_none(Entries{});
    EXPECT_TRUE(also_none.empty());
    EXPECT_EQ(found(also_none, "::1"), -1);
}

TEST(PrefixMapTest, TheLongestWins) {
    const PrefixMap<int> map(Entries{{prefix("10.0.0.0/8"), 8},
                                     {prefix("10.1.0.0/16"), 16},
                                     {prefix("10.1.2.3/32"), 32},
                                     {prefix("0.0.0.0/0"), 0},
                                     {prefix("2001:db8::/32"), 132},
                                     {prefix("2001:db8::1/128"), 228}});
    EXPECT_FALSE(map.empty());
    EXPECT_EQ(found(map, "10.1.2.3"), 32);
    EXPECT_EQ(found(map, "10.1.2.4"), 16);
    EXPECT_EQ(found(map, "10.2.2.3"), 8);
    EXPECT_EQ(found(map, "11.0.0.1"), 0);
    EXPECT_EQ(found(map, "2001:db8::1"), 228);
    EXPECT_EQ(found(map, "2001:db8::2"), 132);
    EXPECT_EQ(found(map, "2001:db9::2"), -1) << "the IPv4 default route is not for IPv6";
}

TEST(PrefixMapTest, HostBitsAreClearedAndTheLastOfEqualsWins) {
    const PrefixMap<int> map(Entries{
        {prefix("10.0.0.9/24"), 1}, {prefix("10.0.0.0/24"), 2}, {prefix("10.0.0.1/24"), 3}});
    EXPECT_EQ(found(map, "10.0.0.200"), 3);
}

TEST(PrefixMapTest, AgreesWithLookingAtEveryPrefix) {
    std::mt19937 random(6);
    // Few distinct high bits, so that prefixes nest; and lengths from all over.
    const auto any_address = [&random](bool v4) {
        IpAddress a = IpAddress::from_v4(static_cast<std::uint32_t>(random()));
        if (v4) {
            a.bytes[12] = static_cast<std::uint8_t>(10 + random() % 2);
            a.bytes[13] = static_cast<std::uint8_t>(random() % 4);
            return a;
        }
        for (std::size_t i = 0; i < 16; ++i) {
            a.bytes[i] = i < 2 ? std::uint8_t{0x20}
                               : static_cast<std::uint8_t>(random() % (i < 12 ? 2 : 256));
        }
        return a;
    };
    for (int round = 0; round < 20; ++round) {
        Entries entries;
        for (int i = 0; i < 300; ++i) {
            const bool v4 = i % 2 == 0;
            const auto length = static_cast<std::uint8_t>(random() % (v4 ? 33 : 129));
            entries.emplace_back(IpPrefix{any_address(v4), length}, i);
        }
        const PrefixMap<int> map(entries);
        for (int probe = 0; probe < 1000; ++probe) {
            const IpAddress a = probe % 10 == 0 ? entries[random() % entries.size()].first.address
                                                : any_address(probe % 2 == 0);
            int expected = -1;
            int longest = -1;
            for (const auto& [candidate, value] : entries) {
                if (candidate.contains(a) && candidate.length >= longest) { // of equals the last
                    longest = candidate.length;
                    expected = value;
                }
            }
            const int* value = map.find(a);
            ASSERT_EQ(value == nullptr ? -1 : *value, expected) << a.to_string();
        }
    }
}

} // namespace
} // namespace foregate::dataplane
