// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/packet/ip_address.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace foregate::dataplane {
namespace {

TEST(IpAddressTest, TextOfBothFamilies) {
    EXPECT_EQ(IpAddress::parse("10.0.0.1")->v4(), 0x0a000001U);
    EXPECT_EQ(IpAddress::from_v4(0xc0000201).to_string(), "192.0.2.1");
    EXPECT_TRUE(IpAddress::parse("10.0.0.1")->is_v4());
    EXPECT_EQ(IpAddress::parse("2001:DB8:0::1")->to_string(), "2001:db8::1");
    EXPECT_FALSE(IpAddress::parse("2001:db8::1")->is_v4());
    const std::uint8_t wire[4]{192, 0, 2, 7};
    EXPECT_EQ(IpAddress::from_v4_wire(wire).to_string(), "192.0.2.7");
    EXPECT_EQ(IpAddress::from_v4_wire(wire).v4_wire()[3], 7);
}

TEST(IpAddressTest, RefusesWhatIsNotAnAddress) {
    for (const char* text : {"", "10.0.0", "10.0.0.256", "10.0.0.1.2", "010.0.0.1", " 10.0.0.1",
                             "10.0.0.1 ", "1:2", "fe80::1%eth0", "[::1]", "::1::2", "10.0.0.1/8",
                             "host", "1111:2222:3333:4444:5555:6666:7777:8888:9999"}) {
        EXPECT_FALSE(IpAddress::parse(text).has_value()) << text;
    }
    EXPECT_FALSE(IpAddress::parse(std::string_view("10.0.0.1\0x", 10)).has_value());
}

TEST(IpAddressTest, AV4MappedTextIsTheV4Address) {
    EXPECT_EQ(*IpAddress::parse("::ffff:10.0.0.1"), *IpAddress::parse("10.0.0.1"));
}

TEST(IpAddressTest, EveryAddressComesBackFromItsText) {
    std::mt19937 random(4);
    for (int i = 0; i < 5000; ++i) {
        IpAddress a = IpAddress::from_v4(static_cast<std::uint32_t>(random()));
        if (i % 2 == 0) {
            for (auto& b : a.bytes) {
                b = random() % 3 == 0 ? std::uint8_t{0} : static_cast<std::uint8_t>(random());
            }
        }
        EXPECT_EQ(IpAddress::parse(a.to_string()), a);
    }
}

TEST(IpAddressTest, OrderIsNumerical) {
    EXPECT_LT(*IpAddress::parse("9.255.255.255"), *IpAddress::parse("10.0.0.0"));
    EXPECT_LT(*IpAddress::parse("10.0.0.1"), *IpAddress::parse("2001:db8::"))
        << "v4-mapped addresses stand low";
}

TEST(IpAddressTest, HashDependsOnEveryByteAndOnTheSeed) {
    const IpAddress a = *IpAddress::parse("2001:db8::1");
    std::set<std::uint64_t> seen{hash_address(a, 1), hash_address(a, 2)};
    for (std::size_t i = 0; i < 16; ++i) {
        IpAddress other = a;
        other.bytes[i] ^= 1;
        seen.insert(hash_address(other, 1));
    }
    EXPECT_EQ(seen.size(), 18U);
}

TEST(IpPrefixTest, TextAndItsErrors) {
    EXPECT_EQ(IpPrefix::parse("10.0.0.0/8")->to_string(), "10.0.0.0/8");
    EXPECT_EQ(IpPrefix::parse("10.0.0.1")->length, 32);
    EXPECT_EQ(IpPrefix::parse("2001:db8::1")->length, 128);
    EXPECT_EQ(IpPrefix::parse("0.0.0.0/0")->bits128(), 96U);
    EXPECT_EQ(IpPrefix::parse("2001:db8::/32")->bits128(), 32U);
    for (const char* text :
         {"10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0.0/8/8",
          "10.0.0.0/8 ", "2001:db8::/129", "2001:db8::1/64", "/8", "10.0.0.0/+8"}) {
        EXPECT_FALSE(IpPrefix::parse(text).has_value()) << text;
    }
    EXPECT_EQ(IpPrefix::parse_interface("10.0.0.1/8")->to_string(), "10.0.0.1/8");
    EXPECT_EQ(IpPrefix::parse_interface("10.0.0.1/8")->network().to_string(), "10.0.0.0/8");
}

TEST(IpPrefixTest, Contains) {
    const auto holds = [](const char* prefix, const char* a) {
        return IpPrefix::parse(prefix)->contains(*IpAddress::parse(a));
    };
    EXPECT_TRUE(holds("10.10.0.0/15", "10.11.255.255"));
    EXPECT_FALSE(holds("10.10.0.0/15", "10.12.0.0"));
    EXPECT_TRUE(holds("0.0.0.0/0", "255.255.255.255"));
    EXPECT_FALSE(holds("0.0.0.0/0", "2001:db8::1"));
    EXPECT_FALSE(holds("::/0", "10.0.0.1"))
        << "families are apart, although one key shape serves both";
    EXPECT_TRUE(holds("::/0", "ffff::"));
    EXPECT_TRUE(holds("2001:db8::/61", "2001:db8:0:7::"));
    EXPECT_FALSE(holds("2001:db8::/61", "2001:db8:0:8::"));
    EXPECT_TRUE(holds("192.0.2.7/32", "192.0.2.7"));
    EXPECT_FALSE(holds("192.0.2.7/32", "192.0.2.6"));
}

TEST(IpPrefixTest, OverlapsBothWays) {
    const auto overlap = [](const char* a, const char* b) {
        const bool one = IpPrefix::parse(a)->overlaps(*IpPrefix::parse(b));
        EXPECT_EQ(one, IpPrefix::parse(b)->overlaps(*IpPrefix::parse(a))) << a << " " << b;
        return one;
    };
    EXPECT_TRUE(overlap("10.0.0.0/8", "10.1.0.0/16"));
    EXPECT_TRUE(overlap("10.0.0.0/8", "10.0.0.0/8"));
    EXPECT_FALSE(overlap("10.0.0.0/9", "10.128.0.0/9"));
    EXPECT_FALSE(overlap("0.0.0.0/0", "::/0"));
    EXPECT_FALSE(overlap("::/0", "10.0.0.0/8"));
}

TEST(IpPrefixTest, ContainsAgreesWithBitsOneByOne) {
    std::mt19937 random(5);
    const auto bit = [](const IpAddress& a, unsigned i) {
        return a.bytes[i / 8] >> (7 - i % 8) & 1;
    };
    for (int round = 0; round < 20'000; ++round) {
        const bool v4 = round % 2 == 0;
        IpAddress a = IpAddress::from_v4(static_cast<std::uint32_t>(random()));
        if (!v4) {
            for (auto& b : a.bytes) {
                b = static_cast<std::uint8_t>(random());
            }
        }
        IpAddress b = a;
        const auto flipped = static_cast<unsigned>((v4 ? 96 : 0) + random() % (v4 ? 32 : 128));
        b.bytes[flipped / 8] =
            static_cast<std::uint8_t>(b.bytes[flipped / 8] ^ 0x80 >> flipped % 8);
        const IpPrefix prefix{a, static_cast<std::uint8_t>(random() % (v4 ? 33 : 129))};
        bool equal = true;
        for (unsigned i = 0; i < prefix.bits128(); ++i) {
            equal = equal && bit(a, i) == bit(b, i);
        }
        EXPECT_EQ(prefix.contains(b), equal) << prefix.to_string() << " " << b.to_string();
    }
}

} // namespace
} // namespace foregate::dataplane
