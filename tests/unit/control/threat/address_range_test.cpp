// SPDX-License-Identifier: BSD-3-Clause
#include "control/threat/address_range.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace foregate::control {
namespace {

using dataplane::IpAddress;

std::string prefixes_text(const std::string& range) {
    const auto parsed = parse_range(range);
    if (!parsed) {
        return "none";
    }
    std::string text;
    for (const auto& prefix : prefixes_of(*parsed)) {
        text += (text.empty() ? "" : " ") + prefix.to_string();
    }
    return text;
}

TEST(AddressRange, BecomesTheFewestPrefixes) {
    EXPECT_EQ(prefixes_text("203.0.113.0-203.0.113.255"), "203.0.113.0/24");
    EXPECT_EQ(prefixes_text("203.0.113.1 - 203.0.113.6"),
              "203.0.113.1/32 203.0.113.2/31 203.0.113.4/31 203.0.113.6/32");
    EXPECT_EQ(prefixes_text("0.0.0.0-255.255.255.255"), "0.0.0.0/0");
    EXPECT_EQ(prefixes_text("255.255.255.255-255.255.255.255"), "255.255.255.255/32");
    EXPECT_EQ(prefixes_text("2001:db8::-2001:db8::1:0"), "2001:db8::/112 2001:db8::1:0/128");
    EXPECT_EQ(prefixes_text("001.002.003.004-001.002.003.005"), "1.2.3.4/31");
}

TEST(AddressRange, WhatIsNone) {
    for (const char* text : {"", "-", "1.2.3.4", "1.2.3.4-", "1.2.3.9-1.2.3.4",
                             "1.2.3.4-2001:db8::1", "a-b", "1.2.3.4-1.2.3.256",
                             "::-ffff::", "1.2.3.-1.2.3.4", "1..3.4-1.2.3.4", "1.2.3.4.-1.2.3.5"}) {
        EXPECT_EQ(prefixes_text(text), "none") << text;
    }
}

TEST(AddressRange, CoversExactlyTheRange) {
    std::mt19937 random(7);
    for (int i = 0; i < 2000; ++i) {
        const std::uint32_t a = static_cast<std::uint32_t>(random());
        const std::uint32_t b = i % 2 == 0 ? static_cast<std::uint32_t>(random())
                                           : a + static_cast<std::uint32_t>(random() % 1000);
        const AddressRange range{IpAddress::from_v4(std::min(a, b)),
                                 IpAddress::from_v4(std::max(a, b))};
        std::uint64_t next = range.first.v4();
        for (const auto& prefix : prefixes_of(range)) {
            ASSERT_EQ(prefix.address.v4(), next);
            ASSERT_EQ(prefix.network(), prefix);
            next += std::uint64_t{1} << (32U - prefix.length);
        }
        ASSERT_EQ(next, std::uint64_t{range.last.v4()} + 1);
    }
}

} // namespace
} // namespace foregate::control
