// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/classify/name_buffer.h"

#include <gtest/gtest.h>

#include <string>

namespace foregate::dataplane {
namespace {

NameBuffer named(const std::string& text) {
    NameBuffer name;
    assign_name({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, name);
    return name;
}

TEST(NameBuffer, FoldsCaseAndStripsTrailingDots) {
    EXPECT_EQ(named("WWW.Example.COM").view(), "www.example.com");
    EXPECT_EQ(named("example.com.").view(), "example.com");
    EXPECT_EQ(named("example.com..").view(), "example.com");
    EXPECT_TRUE(named("...").empty());
    EXPECT_TRUE(named("").empty());
    EXPECT_FALSE(named("a_b-c.example").odd);
}

TEST(NameBuffer, ReplacesBytesThatCouldBreakARecord) {
    const NameBuffer name = named(std::string("a\nb\0c d.example", 15));
    EXPECT_EQ(name.view(), "a?b?c?d.example");
    EXPECT_TRUE(name.odd);
    EXPECT_TRUE(named("m\xc3\xbcller.example").odd);
}

TEST(NameBuffer, KeepsTheEndOfATooLongName) {
    const NameBuffer fits = named(std::string(241, 'a') + ".evil.example"); // 254
    EXPECT_EQ(fits.length, kMaxNameLength);
    EXPECT_TRUE(fits.odd);
    EXPECT_TRUE(fits.view().ends_with(".evil.example"));
    EXPECT_FALSE(named(std::string(240, 'a') + ".evil.example").odd); // 253
}

} // namespace
} // namespace foregate::dataplane
