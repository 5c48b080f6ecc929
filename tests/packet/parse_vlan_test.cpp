// SPDX-License-Identifier: BSD-3-Clause
// VLAN tags: a port's own are taken away and put on again, others are refused.
#include "packet/gateway_rig.h"

#include <rte_mbuf.h>

namespace foregate::packet_test {
namespace {

using namespace dataplane;

class ParseVlan : public GatewayTest {
protected:
    ParseVlan(std::vector<std::uint16_t> desktop, std::vector<std::uint16_t> upstream) {
        settings.ports[0].vlan = std::move(desktop);
        settings.ports[1].vlan = std::move(upstream);
    }
    PacketBuilder up() {
        return packet().eth(port_mac(Side::desktop), mac_of(kDesktop)).ipv4(kDesktop, kServer).tcp(40000, 443).syn();
    }
    PacketBuilder arp() {
        return packet()
            .eth({0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, mac_of(kDesktop))
            .ethertype(0x0806)
            .payload_of_size(46);
    }
    void expect_other_vlan(Side side, const PacketBuilder& p, int line) {
        const auto before = count(DropReason::other_vlan);
        send(side, p.build());
        EXPECT_EQ(count(DropReason::other_vlan), before + 1) << "line " << line;
        EXPECT_TRUE(nothing_left()) << "line " << line;
    }
};

class ParseVlanNone : public ParseVlan {
protected:
    ParseVlanNone() : ParseVlan({}, {}) {}
};

TEST_F(ParseVlanNone, PriorityTagsAreTakenOthersNot) {
    const Bytes priority_only = up().vlan(0xe000).build();
    send(Side::desktop, priority_only);
    const Frame out = only(Side::upstream);
    EXPECT_EQ(out.parsed.vlan_count, 0);
    EXPECT_EQ(out.parsed.l3_offset, 14);
    send(Side::desktop, arp().vlan(0).build());
    const auto went = to_kernel(Side::desktop);
    ASSERT_EQ(went.size(), 1U);
    EXPECT_EQ(went[0].bytes, arp().build());
    expect_other_vlan(Side::desktop, up().vlan(10), __LINE__);
    expect_other_vlan(Side::desktop, up().vlan(0).vlan(10), __LINE__);
    expect_other_vlan(Side::desktop, arp().vlan(10), __LINE__);
    expect_other_vlan(Side::desktop, up().vlan(0).vlan(0).vlan(0), __LINE__);
}

class ParseVlanOne : public ParseVlan {
protected:
    ParseVlanOne() : ParseVlan({10}, {}) {}
};

TEST_F(ParseVlanOne, TakenAwayAndPutOn) {
    send(Side::desktop, up().vlan(0x6000 | 10).build());
    const Frame out = only(Side::upstream);
    EXPECT_EQ(out.parsed.vlan_count, 0);
    EXPECT_EQ(out.dst_mac(), mac_of(kServer));
    EXPECT_EQ(out.parsed.tcp_flags, tcp_syn);
    send(Side::upstream, packet().ipv4(kServer, kDesktop).tcp(443, 40000).syn().ack(1).payload("hello"));
    const Frame back = only(Side::desktop);
    EXPECT_EQ(back.parsed.vlan_count, 1);
    EXPECT_EQ(back.parsed.vlan[0], 10);
    EXPECT_EQ(back.half(12), 0x8100U);
    EXPECT_EQ(back.dst_mac(), mac_of(kDesktop));
    EXPECT_EQ(back.src_mac(), port_mac(Side::desktop));
    EXPECT_EQ(back.text(), "hello");
    EXPECT_EQ(flows(), 1U);
}

TEST_F(ParseVlanOne, OthersAreRefused) {
    expect_other_vlan(Side::desktop, up(), __LINE__);
    expect_other_vlan(Side::desktop, up().vlan(11), __LINE__);
    expect_other_vlan(Side::desktop, up().vlan(0), __LINE__);
    expect_other_vlan(Side::desktop, up().vlan(10).vlan(10), __LINE__);
    expect_other_vlan(Side::desktop, arp(), __LINE__);
    expect_other_vlan(Side::upstream, packet().eth(port_mac(Side::upstream), mac_of(kServer)).vlan(10)
                                          .ipv4(kServer, kDesktop).udp(1, 2), __LINE__);
}

TEST_F(ParseVlanOne, TheKernelSeesAndSendsUntaggedFrames) {
    send(Side::desktop, arp().vlan(10).build());
    const auto went = to_kernel(Side::desktop);
    ASSERT_EQ(went.size(), 1U);
    EXPECT_EQ(went[0].bytes, arp().build());
    send(Side::desktop, packet().eth(port_mac(Side::desktop), mac_of(kDesktop)).vlan(10).ipv4(kDesktop, kOwnAddress)
                            .icmp(8, 0, 1).build());
    ASSERT_EQ(to_kernel(Side::desktop).size(), 1U);
    const Bytes answer = packet().eth(mac_of(kDesktop), port_mac(Side::desktop)).ipv4(kOwnAddress, kDesktop)
                             .icmp(0, 0, 1).build();
    from_kernel(Side::desktop, answer);
    run();
    const Frame back = only(Side::desktop);
    EXPECT_EQ(back.parsed.vlan_count, 1);
    EXPECT_EQ(back.parsed.vlan[0], 10);
    EXPECT_EQ(back.parsed.icmp_type, 0);
}

TEST_F(ParseVlanOne, WhatTheGatewaySendsItselfIsTagged) {
    tables.threats = {listed_prefix("203.0.113.0/24")};
    publish();
    send(Side::desktop, packet().eth(port_mac(Side::desktop), mac_of(kDesktop)).vlan(10).ipv4(kDesktop, kFarServer)
                            .tcp(40000, 443).syn().build());
    const Frame reset = only(Side::desktop);
    EXPECT_EQ(reset.parsed.vlan_count, 1);
    EXPECT_NE(reset.flags() & tcp_rst, 0U);
}

TEST_F(ParseVlanOne, ATagThatThePortHasTakenOut) {
    arrive_flagged(Side::desktop, up().build(), RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED, 10);
    run();
    EXPECT_EQ(only(Side::upstream).parsed.vlan_count, 0);
    arrive_flagged(Side::desktop, up().build(), RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED, 11);
    run();
    EXPECT_EQ(count(DropReason::other_vlan), 1U);
    EXPECT_TRUE(nothing_left());
}

class ParseVlanTwo : public ParseVlan {
protected:
    ParseVlanTwo() : ParseVlan({100, 10}, {20}) {}
};

TEST_F(ParseVlanTwo, ProviderAndCustomer) {
    send(Side::desktop, up().vlan(100, 0x88a8).vlan(10).build());
    const Frame out = only(Side::upstream);
    EXPECT_EQ(out.parsed.vlan_count, 1);
    EXPECT_EQ(out.parsed.vlan[0], 20);
    send(Side::desktop, up().vlan(100).vlan(10).build()); // two customer tags are taken as well
    only(Side::upstream);
    send(Side::upstream, packet().eth(port_mac(Side::upstream), mac_of(kServer)).vlan(20).ipv4(kServer, kDesktop)
                             .tcp(443, 40000).syn().ack(1).build());
    const Frame back = only(Side::desktop);
    EXPECT_EQ(back.half(12), 0x88a8U);
    EXPECT_EQ(back.half(16), 0x8100U);
    ASSERT_EQ(back.parsed.vlan_count, 2);
    EXPECT_EQ(back.parsed.vlan[0], 100);
    EXPECT_EQ(back.parsed.vlan[1], 10);
    expect_other_vlan(Side::desktop, up().vlan(10, 0x88a8).vlan(100), __LINE__);
    expect_other_vlan(Side::desktop, up().vlan(100), __LINE__);
}

class ParseVlanWorkers : public GatewayTest {
protected:
    ParseVlanWorkers() : GatewayTest(2) { settings.ports[0].vlan = {10}; }
};

TEST_F(ParseVlanWorkers, ARedirectedPacketHasLostItsTags) {
    const unsigned wrong = 1 - owner(kDesktop, kServer);
    arrive(Side::desktop, packet().eth(port_mac(Side::desktop), mac_of(kDesktop)).vlan(10).ipv4(kDesktop, kServer)
                              .tcp(1, 2).syn(), wrong);
    run();
    EXPECT_EQ(only(Side::upstream).parsed.vlan_count, 0);
    EXPECT_EQ(count(Counter::redirected), 1U);
    EXPECT_EQ(drops(), 0U);
}

} // namespace
} // namespace foregate::packet_test
