// SPDX-License-Identifier: BSD-3-Clause
#include "control/usage/destination_text.h"

#include <gtest/gtest.h>

namespace foregate::control {
namespace {

using Kind = DestinationParts::Kind;

TEST(DestinationText, ReadsEveryForm) {
    const auto name = parse_destination("DB.Lab:5432");
    ASSERT_TRUE(name);
    EXPECT_EQ(name->kind, Kind::name);
    EXPECT_EQ(name->name, "db.lab");
    EXPECT_EQ(name->port, 5432);
    EXPECT_EQ(parse_destination("10.0.0.5:443")->kind, Kind::address);
    EXPECT_EQ(parse_destination("10.0.0.0/24:443")->kind, Kind::prefix);
    EXPECT_EQ(parse_destination("[2001:db8::1]:443")->kind, Kind::address);
    EXPECT_EQ(parse_destination("[2001:db8::/64]:443")->kind, Kind::prefix);
    EXPECT_EQ(parse_destination("[2001:db8::1]:443")->prefix.address.to_string(), "2001:db8::1");
}

TEST(DestinationText, RefusesTheRest) {
    for (const char* bad :
         {"other", "db.lab", "db.lab:", ":443", "db.lab:65536", "db.lab:-1", "db.lab:44x",
          "2001:db8::1:443x", "2001:db8::1", "[10.0.0.1]:443", "[db.lab]:443", "10.0.0.1/24:443",
          "a b:80", "a/b:80", ".lab:80", "", "db,lab:80"}) {
        EXPECT_FALSE(parse_destination(bad)) << bad;
    }
}

TEST(DestinationText, WritesWhatItReads) {
    for (const char* text : {"db.lab:5432", "10.0.0.5:443", "10.0.0.0/24:443", "[2001:db8::1]:443",
                             "[2001:db8::/64]:0"}) {
        const auto parts = parse_destination(text);
        ASSERT_TRUE(parts) << text;
        const std::string back =
            parts->kind == Kind::name      ? format_destination(parts->name, parts->port)
            : parts->kind == Kind::address ? format_destination(parts->prefix.address, parts->port)
                                           : format_destination(parts->prefix, parts->port);
        EXPECT_EQ(back, text);
    }
    DestinationSpec spec;
    spec.name = "DB.lab";
    spec.port = 5432;
    EXPECT_EQ(format_destination(spec), "db.lab:5432");
    spec.address = *IpAddress::parse("2001:db8::1");
    EXPECT_EQ(format_destination(spec), "[2001:db8::1]:5432");
}

} // namespace
} // namespace foregate::control
