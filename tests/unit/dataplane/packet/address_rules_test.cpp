// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/packet/address_rules.h"
#include "packet/packet_builder.h"

#include <gtest/gtest.h>

namespace foregate::dataplane {
namespace {

using packet_test::address;

ParsedPacket between(const char* src, const char* dst) {
    ParsedPacket p;
    p.src = address(src);
    p.dst = address(dst);
    p.ip_version = p.dst.is_v4() ? 4 : 6;
    p.protocol = kProtoUdp;
    return p;
}

AddressRule rule(const char* src, const char* dst) { return judge_addresses(between(src, dst)); }

TEST(AddressRulesTest, HostsAndOthers) {
    for (const char* host : {"1.0.0.1", "10.0.0.1", "126.255.255.255", "128.0.0.1", "169.253.1.1", "169.255.1.1",
                             "223.255.255.255"}) {
        EXPECT_TRUE(is_host(address(host), 4)) << host;
    }
    for (const char* other : {"0.0.0.0", "0.1.2.3", "127.0.0.1", "127.255.0.1", "169.254.0.1", "224.0.0.1",
                              "239.1.2.3", "240.0.0.1", "255.255.255.255"}) {
        EXPECT_FALSE(is_host(address(other), 4)) << other;
    }
    for (const char* host : {"2001:db8::1", "fd00::1", "fec0::1", "64:ff9b::1", "fe00::1"}) {
        EXPECT_TRUE(is_host(address(host), 6)) << host;
    }
    for (const char* other : {"::", "::1", "::7f00:1", "fe80::1", "febf::1", "ff02::1", "ff0e::1"}) {
        EXPECT_FALSE(is_host(address(other), 6)) << other;
    }
}

TEST(AddressRulesTest, Land) {
    EXPECT_EQ(rule("10.0.0.1", "10.0.0.1"), AddressRule::land);
    EXPECT_EQ(rule("fd00::1", "fd00::1"), AddressRule::land);
    EXPECT_EQ(rule("127.0.0.1", "127.0.0.1"), AddressRule::land);
}

TEST(AddressRulesTest, SourcesThatNobodyCanHave) {
    for (const char* source : {"0.0.0.0", "0.0.0.1", "127.0.0.1", "224.0.0.1", "239.255.255.250", "240.0.0.1",
                               "255.255.255.255"}) {
        EXPECT_EQ(rule(source, "10.0.0.1"), AddressRule::martian_source) << source;
        EXPECT_EQ(rule(source, "224.0.0.251"), AddressRule::martian_source) << source;
    }
    EXPECT_EQ(rule("169.254.1.1", "10.0.0.1"), AddressRule::martian_source) << "link-local is not forwarded";
    EXPECT_EQ(rule("169.254.1.1", "224.0.0.251"), AddressRule::kernel);
    for (const char* source : {"::", "::1", "::10.0.0.1", "ff02::1", "ff0e::1"}) {
        EXPECT_EQ(rule(source, "2001:db8::1"), AddressRule::martian_source) << source;
        EXPECT_EQ(rule(source, "ff02::fb"), AddressRule::martian_source) << source;
    }
}

TEST(AddressRulesTest, WhoHasNoAddressYet) {
    ParsedPacket discover = between("0.0.0.0", "255.255.255.255");
    discover.dst_port = 67;
    EXPECT_EQ(judge_addresses(discover), AddressRule::kernel);
    discover.dst_port = 68;
    EXPECT_EQ(judge_addresses(discover), AddressRule::martian_source);
    ParsedPacket report = between("0.0.0.0", "224.0.0.22");
    report.protocol = 2;
    EXPECT_EQ(judge_addresses(report), AddressRule::kernel);
    ParsedPacket solicitation = between("::", "ff02::1:ff00:1");
    solicitation.protocol = kProtoIcmpv6;
    EXPECT_EQ(judge_addresses(solicitation), AddressRule::kernel);
    solicitation.dst = address("2001:db8::1");
    EXPECT_EQ(judge_addresses(solicitation), AddressRule::martian_source);
}

TEST(AddressRulesTest, Destinations) {
    for (const char* to : {"224.0.0.1", "239.1.2.3", "255.255.255.255", "169.254.169.254"}) {
        EXPECT_EQ(rule("10.0.0.1", to), AddressRule::kernel) << to;
    }
    for (const char* to : {"0.0.0.0", "0.1.1.1", "127.0.0.1", "240.0.0.1", "255.255.255.254"}) {
        EXPECT_EQ(rule("10.0.0.1", to), AddressRule::martian_destination) << to;
    }
    for (const char* to : {"ff02::1", "ff0e::1", "fe80::1"}) {
        EXPECT_EQ(rule("fd00::1", to), AddressRule::kernel) << to;
    }
    for (const char* to : {"::", "::1", "::10.0.0.1"}) {
        EXPECT_EQ(rule("fd00::1", to), AddressRule::martian_destination) << to;
    }
    EXPECT_EQ(rule("fe80::1", "2001:db8::1"), AddressRule::kernel) << "which tells the sender";
    EXPECT_EQ(rule("10.0.0.1", "10.0.0.2"), AddressRule::ordinary);
    EXPECT_EQ(rule("fd00::1", "2001:db8::1"), AddressRule::ordinary);
}

} // namespace
} // namespace foregate::dataplane
