// SPDX-License-Identifier: BSD-3-Clause
#include "control/config/destination_spec.h"

#include <gtest/gtest.h>

namespace foregate::control {
namespace {

TEST(ConfigDestination, ThreeForms) {
    const auto name = parse_destination_spec("DB.lab.:5432").value;
    ASSERT_TRUE(name);
    EXPECT_EQ(name->name, "db.lab");
    EXPECT_FALSE(name->address);
    EXPECT_EQ(name->port, 5432);
    EXPECT_EQ(name->to_string(), "db.lab:5432");

    const auto four = parse_destination_spec("1.2.3.4:80").value;
    ASSERT_TRUE(four && four->address);
    EXPECT_EQ(four->name, "");
    EXPECT_EQ(four->to_string(), "1.2.3.4:80");

    const auto six = parse_destination_spec("[2001:DB8::1]:443").value;
    ASSERT_TRUE(six && six->address);
    EXPECT_EQ(six->to_string(), "[2001:db8::1]:443");
}

TEST(ConfigDestination, SaysWhatIsWrong) {
    const std::string expected = ", expected name:port, 192.0.2.1:port or [2001:db8::1]:port";
    EXPECT_EQ(parse_destination_spec("db.lab").problem, "\"db.lab\" has no port" + expected);
    EXPECT_EQ(parse_destination_spec("[fd00::1]").problem, "\"[fd00::1]\" has no port" + expected);
    EXPECT_EQ(parse_destination_spec("fd00::1").problem,
              "\"fd00::1\" has an IPv6 address without brackets" + expected);
    EXPECT_EQ(parse_destination_spec("[1.2.3.4]:80").problem,
              "\"[1.2.3.4]:80\" has no IPv6 address in its brackets" + expected);
    EXPECT_EQ(parse_destination_spec("*.lab:80").problem,
              "\"*.lab:80\" is neither a host name nor an address" + expected);
    EXPECT_EQ(parse_destination_spec("1.2.3.400:80").problem,
              "\"1.2.3.400:80\" is neither a host name nor an address" + expected);
    EXPECT_EQ(parse_destination_spec("db.lab:0").problem,
              "\"db.lab:0\" has no valid port, expected a port 1..65535 after the last colon");
    EXPECT_EQ(parse_destination_spec("db.lab:65536").problem,
              "\"db.lab:65536\" has no valid port, expected a port 1..65535 after the last colon");
    for (const char* text :
         {"", ":", ":80", "[:80", "[]:80", "]:80", "a..b:80", "-a.b:80", "a b:80", "a.b:080"}) {
        EXPECT_FALSE(parse_destination_spec(text).value) << text;
    }
    EXPECT_FALSE(parse_destination_spec(std::string(64, 'a') + ".lab:80").value);
    EXPECT_TRUE(parse_destination_spec(std::string(63, 'a') + ".lab:80").value);
}

} // namespace
} // namespace foregate::control
