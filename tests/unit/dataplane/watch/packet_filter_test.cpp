// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/watch/packet_filter.h"

#include "dataplane/packet/parse.h"
#include "dataplane/watch/flow_frame.h"

#include <gtest/gtest.h>

namespace foregate::dataplane {
namespace {

IpAddress at(const char* text) { return *IpAddress::parse(text); }

std::string problem_of(const std::string& expression) {
    try {
        const PacketFilter filter(expression);
    } catch (const std::invalid_argument& problem) {
        return problem.what();
    }
    return {};
}

TEST(PacketFilter, NothingMatchesEverything) {
    EXPECT_TRUE(PacketFilter().matches_all());
    EXPECT_TRUE(PacketFilter("  ").matches_all());
    const std::uint8_t frame[1] = {0};
    EXPECT_TRUE(PacketFilter("").matches(frame));
}

TEST(PacketFilter, ChoosesFrames) {
    const auto web = flow_frame(at("10.10.1.1"), 40000, at("10.20.0.80"), 443, kProtoTcp);
    const auto dns = flow_frame(at("10.10.1.1"), 40000, at("10.20.0.53"), 53, kProtoUdp);
    const auto six = flow_frame(at("fd00:10::1"), 40000, at("fd00:20::80"), 443, kProtoTcp);
    const PacketFilter https("tcp port 443");
    EXPECT_FALSE(https.matches_all());
    EXPECT_TRUE(https.matches(web));
    EXPECT_TRUE(https.matches(six));
    EXPECT_FALSE(https.matches(dns));
    EXPECT_TRUE(PacketFilter("host fd00:20::80").matches(six));
    EXPECT_TRUE(PacketFilter("net 10.20.0.0/24 and udp").matches(dns));
    EXPECT_FALSE(PacketFilter("src host 10.20.0.80").matches(web));
    EXPECT_TRUE(PacketFilter("tcp[tcpflags] & tcp-ack != 0").matches(web));
}

TEST(PacketFilter, AFieldBeyondTheKeptBytesDoesNotMatch) {
    const auto web = flow_frame(at("10.10.1.1"), 40000, at("10.20.0.80"), 443, kProtoTcp);
    const PacketFilter https("tcp port 443");
    for (std::uint32_t kept = 0; kept < 38; ++kept) { // the destination port ends there
        const std::vector<std::uint8_t> part(web.begin(), web.begin() + kept); // so that a read beyond it is seen
        EXPECT_FALSE(https.matches(part.data(), kept, static_cast<std::uint32_t>(web.size()))) << kept;
    }
    EXPECT_TRUE(https.matches(web.data(), 38, static_cast<std::uint32_t>(web.size())));
}

TEST(PacketFilter, ServicesAreKnownByName) {
    const auto web = flow_frame(at("10.10.1.1"), 40000, at("10.20.0.80"), 80, kProtoTcp);
    EXPECT_TRUE(PacketFilter("tcp port http").matches(web));
    EXPECT_TRUE(PacketFilter("port (https or http)").matches(web));
    EXPECT_TRUE(PacketFilter("ip proto \\tcp").matches(web));
}

TEST(PacketFilter, NamesAreNotLookedUp) {
    EXPECT_EQ(word_to_look_up("host www.example.com"), "www.example.com");
    EXPECT_EQ(word_to_look_up("tcp port 443 and host localhost"), "localhost");
    EXPECT_EQ(word_to_look_up("tcp port 443 or localhost"), "") << "the language goes on with the last word: a port's name";
    EXPECT_EQ(word_to_look_up("net intranet"), "intranet");
    EXPECT_EQ(word_to_look_up("host 3com.example"), "3com.example");
    EXPECT_EQ(word_to_look_up("ip host \\mail"), "\\mail");
    EXPECT_EQ(word_to_look_up("port https and not host fd00::1"), "");
    EXPECT_EQ(word_to_look_up("ether host 02:00:00:00:00:01 or ip6 multicast"), "");
    EXPECT_EQ(word_to_look_up("len > 0x40"), "");
    EXPECT_NE(problem_of("host www.example.com").find("not looked up"), std::string::npos);
}

TEST(PacketFilter, SaysWhatIsWrong) {
    EXPECT_NE(problem_of("tcp port").find("syntax error"), std::string::npos);
    EXPECT_NE(problem_of("port 70000").find("70000"), std::string::npos);
    EXPECT_FALSE(problem_of(std::string(PacketFilter::kMostText + 1, '(')).empty());
    EXPECT_FALSE(problem_of(std::string("tcp\0or udp", 10)).empty());
    EXPECT_NE(problem_of("ip6 protochain 6").find("loop"), std::string::npos);
}

TEST(FlowFrame, AFlowMatchesInOneOfItsDirections) {
    const PacketFilter from_server("src host 10.20.0.80 and tcp src port 443");
    EXPECT_TRUE(matches_flow(from_server, at("10.10.1.1"), 40000, at("10.20.0.80"), 443, kProtoTcp));
    EXPECT_FALSE(matches_flow(from_server, at("10.10.1.1"), 40000, at("10.20.0.80"), 80, kProtoTcp));
    EXPECT_TRUE(matches_flow(PacketFilter("icmp6"), at("fd00:10::1"), 0, at("fd00:20::80"), 0, kProtoIcmpv6));
    EXPECT_TRUE(matches_flow(PacketFilter("icmp"), at("10.10.1.1"), 7, at("10.20.0.80"), 7, kProtoIcmp));
    EXPECT_TRUE(matches_flow(PacketFilter("proto 47"), at("10.10.1.1"), 0, at("10.20.0.80"), 0, 47));
}

TEST(FlowFrame, TheParserReadsIt) {
    for (const bool v6 : {false, true}) {
        const IpAddress from = at(v6 ? "fd00:10::1" : "10.10.1.1");
        const IpAddress to = at(v6 ? "fd00:20::80" : "10.20.0.80");
        const auto frame = flow_frame(from, 40000, to, 443, kProtoUdp);
        ParsedPacket parsed;
        ASSERT_EQ(parse(frame.data(), static_cast<std::uint32_t>(frame.size()), parsed), ParseResult::ip);
        EXPECT_EQ(parsed.src, from);
        EXPECT_EQ(parsed.dst, to);
        EXPECT_EQ(parsed.dst_port, 443);
    }
}

} // namespace
} // namespace foregate::dataplane
