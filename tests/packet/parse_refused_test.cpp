// SPDX-License-Identifier: BSD-3-Clause
// What ingress refuses, each under its own name, and what it leaves to the kernel: the table of docs/packets.md.
#include "packet/gateway_rig.h"

#include <rte_mbuf.h>

namespace foregate::packet_test {
namespace {

using namespace dataplane;

class ParseRefused : public GatewayTest {
protected:
    PacketBuilder up() { return packet().ipv4(kDesktop, kServer).tcp(40000, 443).syn().seq(1000); }
    void expect_drop(Side side, PacketBuilder p, DropReason why, int line) {
        expect_drop_frame(side, p.eth(port_mac(side), mac_of(p.source())).build(), why, line);
    }
    void expect_drop_frame(Side side, const Bytes& frame, DropReason why, int line) {
        const auto before = count(why);
        const auto all_before = drops();
        send(side, frame);
        EXPECT_EQ(count(why), before + 1) << "line " << line << ": " << drop_reason_name(why);
        EXPECT_EQ(drops(), all_before + 1) << "line " << line;
        EXPECT_TRUE(nothing_left()) << "line " << line;
        EXPECT_EQ(flows(), 0U) << "line " << line;
    }
    void expect_kernel(Side side, PacketBuilder p, int line) {
        if (!p.mac_given()) {
            p.eth(port_mac(side), mac_of(p.source()));
        }
        const Bytes before = p.build();
        const auto all_before = drops();
        send(side, before);
        const auto went = to_kernel(side);
        ASSERT_EQ(went.size(), 1U) << "line " << line;
        EXPECT_EQ(went[0].bytes, before) << "line " << line;
        EXPECT_TRUE(nothing_left()) << "line " << line;
        EXPECT_EQ(drops(), all_before) << "line " << line;
        EXPECT_EQ(flows(), 0U) << "line " << line;
    }
};

TEST_F(ParseRefused, BadChecksums) {
    Bytes frame = up().eth(port_mac(Side::desktop), mac_of(kDesktop)).build();
    frame[25] = static_cast<std::uint8_t>(frame[25] ^ 1);
    expect_drop_frame(Side::desktop, frame, DropReason::bad_checksum, __LINE__);
    // The transport's is the receiver's matter: it goes on as it came.
    frame = up().eth(port_mac(Side::desktop), mac_of(kDesktop)).build();
    frame[34 + 16] = static_cast<std::uint8_t>(frame[34 + 16] ^ 1);
    send(Side::desktop, frame);
    const auto passed = sent(Side::upstream);
    ASSERT_EQ(passed.size(), 1U);
    EXPECT_FALSE(passed[0].checksums_right());
}

TEST_F(ParseRefused, WhatThePortSaysOfChecksums) {
    Bytes frame = up().eth(port_mac(Side::desktop), mac_of(kDesktop)).build();
    for (const std::uint64_t flags : {RTE_MBUF_F_RX_IP_CKSUM_BAD, RTE_MBUF_F_RX_L4_CKSUM_BAD,
                                      RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_BAD}) {
        arrive_flagged(Side::desktop, frame, flags);
        run();
    }
    EXPECT_EQ(count(DropReason::bad_checksum), 3U);
    EXPECT_TRUE(nothing_left());
    arrive_flagged(Side::desktop, frame, RTE_MBUF_F_RX_IP_CKSUM_NONE | RTE_MBUF_F_RX_L4_CKSUM_NONE);
    run();
    EXPECT_EQ(only(Side::upstream).seq(), 1000U);
    frame[25] = static_cast<std::uint8_t>(frame[25] ^ 1); // not added up again where the port vouches for it
    arrive_flagged(Side::desktop, frame, RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD);
    run();
    EXPECT_EQ(sent(Side::upstream).size(), 1U);
    EXPECT_EQ(drops(), 3U);
}

TEST_F(ParseRefused, BadLengths) {
    Bytes frame = packet()
                      .ipv4(kDesktop, kServer)
                      .udp(1, 2)
                      .payload("abc")
                      .eth(port_mac(Side::desktop), mac_of(kDesktop))
                      .build();
    set16(frame, 38, 7);
    expect_drop_frame(Side::desktop, frame, DropReason::bad_length, __LINE__);
    set16(frame, 38, 12);
    expect_drop_frame(Side::desktop, frame, DropReason::bad_length, __LINE__);
    set16(frame, 16, 19);
    expect_drop_frame(Side::desktop, frame, DropReason::bad_length, __LINE__);
}

TEST_F(ParseRefused, SourceRoutesAndLongChains) {
    expect_drop(Side::desktop, up().ipv4_options({131, 7, 4, 10, 0, 0, 9, 0}), DropReason::source_route, __LINE__);
    expect_drop(Side::desktop, packet().ipv6(kDesktop6, kServer6).extension(43, Bytes{0, 0, 1, 0, 0, 0, 0}).udp(1, 2),
                DropReason::source_route, __LINE__);
    PacketBuilder chain = packet().ipv6(kDesktop6, kServer6);
    for (unsigned i = 0; i <= kMostExtensionHeaders; ++i) {
        chain.extension(60, Bytes{0, 1, 4, 0, 0, 0, 0});
    }
    expect_drop(Side::desktop, chain.udp(1, 2), DropReason::extension_headers, __LINE__);
    send(Side::desktop, up().ipv4_options({148, 4, 0, 0}));
    EXPECT_EQ(only(Side::upstream).parsed.l4_offset, 38) << "other options go along";
    send(Side::desktop, packet().ipv6(kDesktop6, kServer6).extension(0, Bytes{0, 5, 2, 0, 0, 1, 0}).udp(1, 2));
    EXPECT_EQ(only(Side::upstream).dst_port(), 2U);
}

TEST_F(ParseRefused, LandAttacks) {
    expect_drop(Side::desktop, packet().ipv4(kDesktop, kDesktop).tcp(139, 139).syn(), DropReason::land, __LINE__);
    expect_drop(Side::desktop, packet().ipv4(kDesktop, kDesktop).udp(7, 19), DropReason::land, __LINE__);
    expect_drop(Side::upstream, packet().ipv4(kOwnAddress, kOwnAddress).tcp(22, 22).syn(), DropReason::land, __LINE__);
    expect_drop(Side::desktop, packet().ipv6(kDesktop6, kDesktop6).icmp(128, 0, 1), DropReason::land, __LINE__);
}

TEST_F(ParseRefused, MartianSources) {
    for (const char* source : {"0.0.0.0", "0.1.2.3", "127.0.0.1", "224.0.0.5", "240.1.1.1", "255.255.255.255",
                               "169.254.3.4", "10.10.0.1", "10.20.0.1"}) {
        for (const Side side : {Side::desktop, Side::upstream}) {
            expect_drop(side, packet().ipv4(source, side == Side::desktop ? kServer : kDesktop).udp(1, 2),
                        DropReason::martian_source, __LINE__);
        }
        if (std::string(source) != "169.254.3.4" && source != kOwnAddress) {
            expect_drop(Side::desktop, packet().ipv4(source, kOwnAddress).udp(1, 2), DropReason::martian_source,
                        __LINE__);
        }
    }
    for (const char* source : {"::", "::1", "ff02::1", "fd00:10::ffff", "fd00:20::1"}) {
        expect_drop(Side::desktop, packet().ipv6(source, kServer6).udp(1, 2), DropReason::martian_source, __LINE__);
    }
}

TEST_F(ParseRefused, MartianDestinations) {
    for (const char* to : {"0.0.0.0", "127.0.0.1", "240.0.0.1"}) {
        expect_drop(Side::desktop, packet().ipv4(kDesktop, to).udp(1, 2), DropReason::martian_destination, __LINE__);
    }
    for (const char* to : {"::", "::1"}) {
        expect_drop(Side::desktop, packet().ipv6(kDesktop6, to).udp(1, 2), DropReason::martian_destination, __LINE__);
    }
}

TEST_F(ParseRefused, FirstStepsOfAHostGoToTheKernel) {
    const Mac everybody{0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    const Mac own = mac_of(kDesktop);
    expect_kernel(Side::desktop, packet().eth(everybody, own).ipv4("0.0.0.0", "255.255.255.255").udp(68, 67), __LINE__);
    expect_kernel(Side::desktop,
                  packet().eth({0x33, 0x33, 0xff, 0, 0, 1}, own).ipv6("::", "ff02::1:ff00:1").icmp(135, 0).payload_of_size(16),
                  __LINE__);
    expect_kernel(Side::desktop, packet().eth({1, 0, 0x5e, 0, 0, 22}, own).ipv4("0.0.0.0", "224.0.0.22").protocol(2)
                                     .payload_of_size(16), __LINE__);
    const Bytes forged = packet().eth(everybody, own).ipv4("127.0.0.1", "255.255.255.255").udp(1, 2).build();
    expect_drop_frame(Side::desktop, forged, DropReason::martian_source, __LINE__);
}

TEST_F(ParseRefused, MulticastBroadcastAndLinkLocal) {
    expect_kernel(Side::desktop, packet().eth({1, 0, 0x5e, 0, 0, 251}, mac_of(kDesktop)).ipv4(kDesktop, "224.0.0.251")
                                     .udp(5353, 5353), __LINE__);
    expect_kernel(Side::desktop, packet().ipv4(kDesktop, "239.1.2.3").udp(1, 2), __LINE__);
    expect_kernel(Side::desktop, packet().ipv4(kDesktop, "169.254.169.254").tcp(1, 80).syn(), __LINE__);
    expect_kernel(Side::desktop, packet().ipv6("fe80::1", kServer6).udp(1, 2), __LINE__); // beyond its scope
    expect_kernel(Side::desktop, packet().ipv6("fe80::1", "fe80::2").udp(1, 2), __LINE__);
    // To one host, but in a frame to all: a router must not forward it.
    expect_kernel(Side::desktop, packet().eth({0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, mac_of(kDesktop))
                                     .ipv4(kDesktop, kServer).udp(1, 2), __LINE__);
}

TEST_F(ParseRefused, TransportsWithoutPortsAreFlowsByAddress) {
    for (const unsigned protocol : {4U, 41U, 47U, 50U, 51U, 89U, 103U, 132U}) { // GRE, ESP, OSPF, SCTP, tunnels
        send(Side::desktop, packet().ipv4(kDesktop, kServer).protocol(protocol).payload_of_size(64));
        EXPECT_EQ(only(Side::upstream).parsed.protocol, protocol);
        send(Side::upstream, packet().ipv4(kServer, kDesktop).protocol(protocol).payload_of_size(64));
        EXPECT_EQ(only(Side::desktop).parsed.protocol, protocol);
    }
    EXPECT_EQ(flows(), 8U) << "both directions of one are one";
    send(Side::desktop, packet().ipv6(kDesktop6, kServer6).extension(51, Bytes{4, 0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 2, 3, 4, 5,
                                                                          6, 7, 8, 9, 10, 11, 12, 13}).tcp(5, 6).syn());
    EXPECT_EQ(only(Side::upstream).dst_port(), 6U) << "behind an authentication header";
    EXPECT_EQ(drops(), 0U);
}

// --- addresses of virtual routers ---

class ParseAcceptedMac : public ParseRefused {
protected:
    ParseAcceptedMac() { settings.ports[0].accept_macs = {{0, 0, 0x5e, 0, 1, 10}, {0, 0, 0x5e, 0, 2, 10}}; }
};

TEST_F(ParseAcceptedMac, IsOursOnThatPort) {
    for (const std::uint8_t family : {std::uint8_t{1}, std::uint8_t{2}}) {
        send(Side::desktop, up().eth({0, 0, 0x5e, 0, family, 10}, mac_of(kDesktop)));
        EXPECT_EQ(only(Side::upstream).seq(), 1000U);
    }
    EXPECT_EQ(flows(), 1U);
    send(Side::desktop, packet().eth({0, 0, 0x5e, 0, 1, 10}, mac_of(kDesktop)).ipv4(kDesktop, kOwnAddress).icmp(8, 0, 1));
    const auto went = to_kernel(Side::desktop);
    ASSERT_EQ(went.size(), 1U);
    EXPECT_EQ(went[0].dst_mac(), (Mac{0, 0, 0x5e, 0, 1, 10})) << "for the kernel's interface of that address";
    EXPECT_EQ(drops(), 0U);
}

TEST_F(ParseAcceptedMac, NoOther) {
    send(Side::desktop, up().eth({0, 0, 0x5e, 0, 1, 11}, mac_of(kDesktop)));
    send(Side::upstream, packet().eth({0, 0, 0x5e, 0, 1, 10}, mac_of(kServer)).ipv4(kServer, kDesktop).udp(1, 2));
    EXPECT_EQ(count(DropReason::other_host), 2U);
    EXPECT_TRUE(nothing_left());
}

} // namespace
} // namespace foregate::packet_test
