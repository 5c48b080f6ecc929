// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/threat/address_table.h"

#include <gtest/gtest.h>

#include <random>
#include <stdexcept>
#include <vector>

namespace foregate::dataplane {
namespace {

/// What the table has to agree with: every prefix looked at, the longest first listed wins.
std::uint32_t naive_lookup(const std::vector<AddressTableEntry>& entries,
                           const IpAddress& address) {
    std::uint32_t value = AddressTable::kNone;
    int longest = -1;
    for (const AddressTableEntry& entry : entries) {
        if (entry.prefix.contains(address) && entry.prefix.length > longest) {
            longest = entry.prefix.length;
            value = entry.value;
        }
    }
    return value;
}

AddressTableEntry entry(const char* text, std::uint32_t value) {
    return {*IpPrefix::parse(text), value};
}

IpAddress at(const char* text) {
    return *IpAddress::parse(text);
}

TEST(AddressTable, EmptyMatchesNothing) {
    const AddressTable table;
    EXPECT_EQ(table.lookup(at("0.0.0.0")), AddressTable::kNone);
    EXPECT_EQ(table.lookup(at("::")), AddressTable::kNone);
    EXPECT_TRUE(table.empty());
}

TEST(AddressTable, LongestPrefixWinsAndFirstOfEqualOnes) {
    const std::vector<AddressTableEntry> entries{
        entry("203.0.113.0/24", 1), entry("203.0.113.128/25", 2), entry("203.0.113.200", 3),
        entry("203.0.113.0/24", 4), entry("2001:db8::/32", 5),    entry("2001:db8:1::/48", 6),
        entry("2001:db8:1::9", 7),  entry("2001:db8:1::9", 8)};
    const AddressTable table(entries);
    EXPECT_EQ(table.lookup(at("203.0.113.127")), 1U);
    EXPECT_EQ(table.lookup(at("203.0.113.128")), 2U);
    EXPECT_EQ(table.lookup(at("203.0.113.200")), 3U);
    EXPECT_EQ(table.lookup(at("203.0.113.255")), 2U);
    EXPECT_EQ(table.lookup(at("203.0.114.0")), AddressTable::kNone);
    EXPECT_EQ(table.lookup(at("203.0.112.255")), AddressTable::kNone);
    EXPECT_EQ(table.lookup(at("2001:db8::1")), 5U);
    EXPECT_EQ(table.lookup(at("2001:db8:1::1")), 6U);
    EXPECT_EQ(table.lookup(at("2001:db8:1::9")), 7U);
    EXPECT_EQ(table.lookup(at("2001:db9::")), AddressTable::kNone);
    EXPECT_EQ(table.size(), 6U);
}

TEST(AddressTable, FamiliesDoNotMix) {
    // ::/1 would contain every v4-mapped address if the 128-bit form were all that counted.
    const std::vector<AddressTableEntry> entries{entry("::/1", 1), entry("::/0", 2)};
    const AddressTable table(entries);
    EXPECT_EQ(table.lookup(at("192.0.2.1")), AddressTable::kNone);
    EXPECT_EQ(table.lookup(at("2001:db8::1")), 1U);
    EXPECT_EQ(table.lookup(at("ff02::1")), 2U);
    const std::vector<AddressTableEntry> four{entry("0.0.0.0/0", 3)};
    const AddressTable only_v4(four);
    EXPECT_EQ(only_v4.lookup(at("0.0.0.0")), 3U);
    EXPECT_EQ(only_v4.lookup(at("255.255.255.255")), 3U);
    EXPECT_EQ(only_v4.lookup(at("2001:db8::1")), AddressTable::kNone);
}

TEST(AddressTable, EdgesOfTheAddressSpace) {
    const std::vector<AddressTableEntry> entries{entry("255.255.255.255", 1),
                                                 entry("255.255.255.0/24", 2), entry("0.0.0.0", 3),
                                                 entry("0.0.0.0/8", 4), entry("128.0.0.0/1", 5)};
    const AddressTable table(entries);
    EXPECT_EQ(table.lookup(at("255.255.255.255")), 1U);
    EXPECT_EQ(table.lookup(at("255.255.255.254")), 2U);
    EXPECT_EQ(table.lookup(at("255.255.254.255")), 5U);
    EXPECT_EQ(table.lookup(at("0.0.0.0")), 3U);
    EXPECT_EQ(table.lookup(at("0.255.255.255")), 4U);
    EXPECT_EQ(table.lookup(at("1.0.0.0")), AddressTable::kNone);
}

TEST(AddressTable, RefusesTheValueThatMeansNone) {
    const std::vector<AddressTableEntry> entries{entry("192.0.2.1", AddressTable::kNone)};
    EXPECT_THROW(AddressTable{entries}, std::invalid_argument);
}

/// Addresses near the prefixes, where mistakes would be.
std::vector<IpAddress> probes_around(const IpPrefix& prefix, std::mt19937_64& random) {
    std::vector<IpAddress> probes{prefix.address};
    IpAddress last = prefix.address;
    for (unsigned bit = prefix.bits128(); bit < 128; ++bit) {
        last.bytes[bit / 8] = static_cast<std::uint8_t>(last.bytes[bit / 8] | 0x80U >> bit % 8);
    }
    probes.push_back(last);
    for (IpAddress neighbour : {prefix.address, last}) {
        const int step = neighbour == last ? 1 : 255; // +1 or -1 on the last byte
        neighbour.bytes[15] = static_cast<std::uint8_t>(neighbour.bytes[15] + step);
        probes.push_back(neighbour);
    }
    IpAddress inside = prefix.address;
    for (unsigned bit = prefix.bits128(); bit < 128; ++bit) {
        if (random() % 2 == 0) {
            inside.bytes[bit / 8] =
                static_cast<std::uint8_t>(inside.bytes[bit / 8] | 0x80U >> bit % 8);
        }
    }
    probes.push_back(inside);
    return probes;
}

TEST(AddressTable, AgreesWithALinearSearch) {
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
        std::mt19937_64 random(seed);
        std::vector<AddressTableEntry> entries;
        std::vector<IpAddress> probes;
        for (std::uint32_t i = 0; i < 400; ++i) {
            IpPrefix prefix;
            if (random() % 3 != 0) {
                // Few distinct upper bits, so that prefixes nest and touch.
                const auto v4 = static_cast<std::uint32_t>(random() & 0x03010307U) |
                                static_cast<std::uint32_t>(random() % 4 == 0 ? 0xc0000000U : 0U);
                prefix = {IpAddress::from_v4(v4), static_cast<std::uint8_t>(random() % 33)};
            } else {
                std::array<std::uint8_t, 16> wire{0x20, 0x01};
                for (std::size_t byte = 2; byte < 16; ++byte) {
                    wire[byte] = static_cast<std::uint8_t>(random() & 0x81U);
                }
                prefix = {IpAddress::from_v6_wire(wire.data()),
                          static_cast<std::uint8_t>(random() % 129)};
                if (prefix.network().address.is_v4() || prefix.length < 3) {
                    continue; // cleared down to another family's shape
                }
            }
            prefix = prefix.network();
            entries.push_back({prefix, i});
            for (const IpAddress& probe : probes_around(prefix, random)) {
                probes.push_back(probe);
            }
        }
        const AddressTable table(entries);
        for (const IpAddress& probe : probes) {
            ASSERT_EQ(table.lookup(probe), naive_lookup(entries, probe))
                << probe.to_string() << " with seed " << seed;
        }
        for (int i = 0; i < 2000; ++i) {
            const IpAddress probe = IpAddress::from_v4(static_cast<std::uint32_t>(random()));
            ASSERT_EQ(table.lookup(probe), naive_lookup(entries, probe)) << probe.to_string();
        }
    }
}

} // namespace
} // namespace foregate::dataplane
