// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/classify/gtp_payload.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace foregate::dataplane {
namespace {

using namespace std::string_literals;

const std::string kIpv4Udp = "\x45\x00\x00\x1f\x00\x00\x00\x00\x40\x11\x00\x00\x0a\x00\x00\x01\x0a\x00\x00\x02"s
                             "\xd9\x03\x00\x35\x00\x0b\x00\x00"s + "abc";
const std::string kIpv6Tcp = "\x60\x00\x00\x00\x00\x16\x06\x40"s + std::string(32, '\x20') +
                             "\xc0\x00\x00\x50\x00\x00\x00\x01\x00\x00\x00\x00\x50\x18\x00\x00\x00\x00\x00\x00hi"s;

/// What was parsed last: a GtpPayload points into it.
std::string parsed;

bool parse(std::string_view datagram, GtpPayload& out) {
    parsed = datagram;
    return parse_gtp_payload({reinterpret_cast<const std::uint8_t*>(parsed.data()), parsed.size()}, out);
}

std::string text(const GtpPayload& gtp) {
    return {reinterpret_cast<const char*>(gtp.payload.data()), gtp.payload.size()};
}

TEST(GtpPayload, APlainHeader) {
    GtpPayload gtp;
    ASSERT_TRUE(parse("\x30\xff\x00\x1f\x00\x00\x00\x01"s + kIpv4Udp, gtp));
    EXPECT_EQ(gtp.protocol, 17);
    EXPECT_EQ(gtp.src_port, 55555);
    EXPECT_EQ(gtp.dst_port, 53);
    EXPECT_EQ(text(gtp), "abc");
}

TEST(GtpPayload, SequenceNumberAndExtensions) {
    GtpPayload gtp;
    ASSERT_TRUE(parse("\x32\xff\x00\x2a\x00\x00\x00\x01\x00\x07\x00\x00"s + kIpv6Tcp, gtp));
    EXPECT_EQ(gtp.protocol, 6);
    EXPECT_EQ(gtp.dst_port, 80);
    EXPECT_EQ(text(gtp), "hi");
    ASSERT_TRUE(parse("\x34\xff\x00\x27\x00\x00\x00\x01\x00\x00\x00\x85\x01\x10\x09\x00"s + kIpv4Udp, gtp));
    EXPECT_EQ(text(gtp), "abc");
}

TEST(GtpPayload, WhatIsNoUserDataIsNone) {
    GtpPayload gtp;
    EXPECT_FALSE(parse("", gtp));
    EXPECT_FALSE(parse("\x32\x01\x00\x04\x00\x00\x00\x00\x00\x07\x00\x00"s, gtp)); // an echo request
    EXPECT_FALSE(parse("\x48\xff\x00\x1f\x00\x00\x00\x01"s + kIpv4Udp, gtp));      // version 2
    EXPECT_FALSE(parse("\x34\xff\x00\x27\x00\x00\x00\x01\x00\x00\x00\x85\x00\x10\x09\x00"s + kIpv4Udp, gtp));
    EXPECT_FALSE(parse("\x30\xff\x00\x1f\x00\x00\x00\x01"s + kIpv4Udp.substr(0, 24), gtp));
    std::string fragment = "\x30\xff\x00\x1f\x00\x00\x00\x01"s + kIpv4Udp;
    fragment[8 + 6] = '\x20';
    EXPECT_FALSE(parse(fragment, gtp));
    EXPECT_TRUE(gtp.payload.empty());
}

} // namespace
} // namespace foregate::dataplane
