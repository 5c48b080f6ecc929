// SPDX-License-Identifier: BSD-3-Clause
// What is routed: fields, next hop and checksums; and what is left to the kernel instead.
#include "packet/gateway_rig.h"

namespace foregate::packet_test {
namespace {

using namespace dataplane;

class PacketForward : public GatewayTest {
protected:
    PacketBuilder up() { return packet().ipv4(kDesktop, kServer).tcp(40000, 443).syn().seq(1000); }
    PacketBuilder down() {
        return packet().ipv4(kServer, kDesktop).tcp(443, 40000).syn().ack(1001).seq(9);
    }
};

TEST_F(PacketForward, V4UpAndDown) {
    send(Side::desktop, up().options(mss(1460).sack().ts(1, 0).nop().ws(7)));
    const Frame out = only(Side::upstream);
    EXPECT_EQ(out.src(), kDesktop);
    EXPECT_EQ(out.dst(), kServer);
    EXPECT_EQ(out.src_port(), 40000U);
    EXPECT_EQ(out.dst_port(), 443U);
    EXPECT_EQ(out.seq(), 1000U);
    EXPECT_EQ(out.ttl(), 63U);
    EXPECT_EQ(out.options().window_scale, 7);
    EXPECT_EQ(out.dst_mac(), mac_of(kServer));
    EXPECT_EQ(out.src_mac(), port_mac(Side::upstream));

    send(Side::upstream, down());
    const Frame back = only(Side::desktop);
    EXPECT_EQ(back.src(), kServer);
    EXPECT_EQ(back.ack(), 1001U);
    EXPECT_EQ(back.ttl(), 63U);
    EXPECT_EQ(back.dst_mac(), mac_of(kDesktop));
    EXPECT_EQ(back.src_mac(), port_mac(Side::desktop));

    EXPECT_EQ(flows(), 1U);
    EXPECT_EQ(count(Counter::received), 2U);
    EXPECT_EQ(count(Counter::forwarded), 2U);
    EXPECT_EQ(drops(), 0U);
    EXPECT_TRUE(nothing_left());
}

TEST_F(PacketForward, V6UpAndDown) {
    send(Side::desktop, packet().ipv6(kDesktop6, kServer6).udp(5000, 4433).payload("question"));
    const Frame out = only(Side::upstream);
    EXPECT_EQ(out.dst(), kServer6);
    EXPECT_EQ(out.ttl(), 63U);
    EXPECT_EQ(out.text(), "question");
    EXPECT_EQ(out.dst_mac(), mac_of(kServer6));
    send(Side::upstream, packet().ipv6(kServer6, kDesktop6).udp(4433, 5000).payload("answer"));
    EXPECT_EQ(only(Side::desktop).text(), "answer");
    EXPECT_EQ(flows(), 1U);
    EXPECT_EQ(drops(), 0U);
}

TEST_F(PacketForward, ByTheRouterWhereThereIsOne) {
    send(Side::desktop, packet().ipv4(kDesktop, kFarServer).tcp(40000, 443).syn());
    EXPECT_EQ(only(Side::upstream).dst_mac(), mac_of(kRouter));
}

TEST_F(PacketForward, EveryTransportAndNone) {
    send(Side::desktop, packet().ipv4(kDesktop, kServer).icmp(8, 0, 0x00070001).payload("ping"));
    EXPECT_EQ(only(Side::upstream).parsed.icmp_type, 8);
    send(Side::upstream, packet().ipv4(kServer, kDesktop).icmp(0, 0, 0x00070001).payload("ping"));
    EXPECT_EQ(only(Side::desktop).parsed.icmp_type, 0);
    EXPECT_EQ(flows(), 1U) << "an echo and its answer are one flow";
    send(Side::desktop, packet().ipv4(kDesktop, kServer).protocol(50).payload_of_size(64)); // ESP
    EXPECT_EQ(only(Side::upstream).parsed.protocol, 50);
    send(Side::desktop,
         packet().ipv6(kDesktop6, kServer6).icmp(128, 0, 0x00070001).payload("ping"));
    EXPECT_EQ(only(Side::upstream).parsed.icmp_type, 128);
}

TEST_F(PacketForward, FragmentsPassAndShortFramesLoseNothing) {
    send(Side::desktop, packet()
                            .ipv4(kDesktop, kServer)
                            .udp(6000, 6001)
                            .payload_of_size(64)
                            .fragment_field(0x2000));
    EXPECT_EQ(sent(Side::upstream).size(), 1U);
    send(Side::desktop,
         packet().ipv4(kDesktop, kServer).protocol(17).payload_of_size(64).fragment_field(0x0009));
    const auto later = sent(Side::upstream);
    ASSERT_EQ(later.size(), 1U);
    EXPECT_TRUE(later[0].parsed.later_fragment);
    send(Side::desktop, up().padding(6)); // a frame of less than 60 bytes, as a switch pads it
    EXPECT_EQ(only(Side::upstream).parsed.ip_length, 40);
    EXPECT_EQ(drops(), 0U);
}

TEST_F(PacketForward, OneFrameInSeveralBuffersIsJoined) {
    const Bytes frame =
        up().eth(port_mac(Side::desktop), mac_of(kDesktop)).payload_of_size(1400).build();
    for (const std::size_t first : {std::size_t{20}, std::size_t{60}, frame.size() - 1}) {
        arrive_in_parts(Side::desktop, frame, first);
        run();
        EXPECT_EQ(only(Side::upstream).parsed.payload_length, 1400);
    }
}

TEST_F(PacketForward, ABurstKeepsItsOrder) {
    for (std::uint32_t i = 0; i < 100; ++i) {
        arrive(Side::desktop,
               packet().ipv4(kDesktop, kServer).udp(7000, 7001).payload(Bytes(4, std::uint8_t(i))));
    }
    run();
    const auto all = sent(Side::upstream);
    ASSERT_EQ(all.size(), 100U);
    for (std::uint32_t i = 0; i < 100; ++i) {
        EXPECT_EQ(all[i].payload()[0], i);
    }
}

// --- to the kernel ---

class PacketToKernel : public PacketForward {
protected:
    /// Goes up the twin as it came, and nowhere else.
    void expect_kernel(Side side, PacketBuilder p) {
        p.eth(port_mac(side), mac_of(p.source()));
        const Bytes before = p.build();
        send(side, before);
        const auto up_the_twin = to_kernel(side);
        ASSERT_EQ(up_the_twin.size(), 1U);
        EXPECT_EQ(up_the_twin[0].bytes, before);
        EXPECT_TRUE(nothing_left());
        EXPECT_EQ(drops(), 0U);
        EXPECT_EQ(count(Counter::to_kernel), ++expected_);
    }
    std::uint64_t expected_ = 0;
};

TEST_F(PacketToKernel, TtlAtItsEnd) {
    expect_kernel(Side::desktop, up().ttl(1));
    expect_kernel(Side::desktop, up().ttl(0));
    expect_kernel(Side::desktop, packet().ipv6(kDesktop6, kServer6).tcp(1, 2).syn().ttl(1));
    send(Side::desktop, up().ttl(2));
    EXPECT_EQ(only(Side::upstream).ttl(), 1U);
}

TEST_F(PacketToKernel, LongerThanTheNextLink) {
    settings.ports[1].mtu = 1500;
    send(Side::desktop, up().payload_of_size(1460));
    EXPECT_EQ(only(Side::upstream).parsed.ip_length, 1500);
    expect_kernel(Side::desktop, up().payload_of_size(1461));
}

TEST_F(PacketToKernel, NeighbourNotYetResolved) {
    expect_kernel(Side::desktop, packet().ipv4(kDesktop, kSilentServer).tcp(40000, 80).syn());
    tables.neighbours[address(kSilentServer)] = mac_of(kSilentServer);
    publish();
    send(Side::desktop, packet().ipv4(kDesktop, kSilentServer).tcp(40000, 80).syn());
    EXPECT_EQ(only(Side::upstream).dst_mac(), mac_of(kSilentServer));
}

TEST_F(PacketToKernel, NoRoute) {
    std::erase_if(tables.routes, [](const auto& r) { return r.first.length == 0; });
    publish();
    expect_kernel(Side::desktop, packet().ipv4(kDesktop, kFarServer).tcp(40000, 80).syn());
}

TEST_F(PacketToKernel, OwnAddresses) {
    expect_kernel(Side::desktop, packet().ipv4(kDesktop, kOwnAddress).icmp(8, 0, 1));
    expect_kernel(Side::desktop, packet().ipv6(kDesktop6, kOwnAddress6).tcp(40000, 22).syn());
    expect_kernel(Side::upstream, packet().ipv4(kServer, "10.20.0.1").udp(1, 2));
    EXPECT_EQ(flows(), 0U) << "the kernel's own traffic makes no flow";
}

TEST_F(PacketToKernel, ArpNeighbourDiscoveryMulticast) {
    const Mac everybody{0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    expect_kernel(Side::desktop, packet().ethertype(0x0806).payload_of_size(46)); // an ARP answer
    const Bytes question =
        packet().eth(everybody, mac_of(kDesktop)).ethertype(0x0806).payload_of_size(46).build();
    send(Side::desktop, question);
    ASSERT_EQ(to_kernel(Side::desktop).size(), 1U);
    ++expected_;
    expect_kernel(Side::desktop,
                  packet().ipv6(kDesktop6, kOwnAddress6).icmp(135, 0).payload_of_size(16));
    expect_kernel(Side::desktop,
                  packet().ipv6(kDesktop6, kServer6).icmp(136, 0).payload_of_size(16));
    expect_kernel(Side::desktop, packet().ipv6("fe80::1", "ff02::2").icmp(133, 0).ttl(255));
    expect_kernel(Side::upstream,
                  packet().ipv4(kServer, "224.0.0.18").protocol(112).payload_of_size(20));
}

TEST_F(PacketToKernel, AsManyAsASourceMaySend) {
    // 10 a second, and 256 at once (the rig's settings); another source has its own.
    for (int i = 0; i < 300; ++i) {
        send(Side::desktop, packet().ipv4(kDesktop, kOwnAddress).icmp(8, 0, 1));
    }
    EXPECT_EQ(to_kernel(Side::desktop).size(), 257U);
    EXPECT_EQ(count(DropReason::kernel_rate), 43U);
    send(Side::desktop, packet().ipv4(kTwinDesktop, kOwnAddress).icmp(8, 0, 1));
    EXPECT_EQ(to_kernel(Side::desktop).size(), 1U);
    now_ns += kSecond;
    for (int i = 0; i < 20; ++i) {
        send(Side::desktop, packet().ipv4(kDesktop, kOwnAddress).icmp(8, 0, 1));
    }
    EXPECT_EQ(to_kernel(Side::desktop).size(), 10U);
}

// --- refused ---

class PacketRefused : public PacketForward {
protected:
    void expect_drop(Side side, const Bytes& frame, DropReason why, int line) {
        const auto before = count(why);
        const auto all_before = drops();
        send(side, frame);
        EXPECT_EQ(count(why), before + 1) << "line " << line << ": " << drop_reason_name(why);
        EXPECT_EQ(drops(), all_before + 1) << "line " << line;
        EXPECT_TRUE(nothing_left()) << "line " << line;
    }
    Bytes framed(PacketBuilder p, Side side = Side::desktop) {
        return p.eth(port_mac(side), mac_of(p.source())).build();
    }
};

TEST_F(PacketRefused, TruncatedAndImpossibleHeaders) {
    const Bytes good = framed(up().options(mss(1460)).payload("x"));
    for (std::size_t length = 14; length < good.size(); ++length) {
        expect_drop(Side::desktop,
                    Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length)),
                    DropReason::truncated, __LINE__);
    }
    Bytes bad = good;
    bad[14] = 0x65; // version 6 in an IPv4 frame
    expect_drop(Side::desktop, bad, DropReason::bad_header, __LINE__);
    bad = good;
    bad[14] = 0x44; // a header of 16 bytes
    expect_drop(Side::desktop, bad, DropReason::bad_header, __LINE__);
    bad = good;
    bad[34 + 12] = 0x40; // a TCP header of 16 bytes
    expect_drop(Side::desktop, bad, DropReason::bad_header, __LINE__);
    expect_drop(
        Side::desktop,
        framed(packet().ipv6(kDesktop6, kServer6).extension(0, Bytes{255, 0, 0, 0, 0, 0, 0})),
        DropReason::truncated, __LINE__);
    EXPECT_EQ(flows(), 0U);
}

TEST_F(PacketRefused, SourceThatNoClassCovers) {
    const Bytes frame = framed(packet().ipv4("10.99.0.1", kServer).tcp(1, 2).syn());
    expect_drop(Side::desktop, frame, DropReason::unknown_desktop, __LINE__);
    tables.allow_unknown = true;
    publish();
    send(Side::desktop, frame);
    EXPECT_EQ(only(Side::upstream).src(), "10.99.0.1");
}

TEST_F(PacketRefused, DesktopsAddressFromUpstream) {
    expect_drop(Side::upstream,
                framed(packet().ipv4(kDesktop, kTwinDesktop).tcp(1, 2).syn(), Side::upstream),
                DropReason::spoofed_source, __LINE__);
    // Also in the middle of a connection that the desktop itself has begun.
    send(Side::desktop, up());
    only(Side::upstream);
    expect_drop(Side::upstream, framed(up().payload("forged"), Side::upstream),
                DropReason::spoofed_source, __LINE__);
}

TEST_F(PacketRefused, ServersAddressFromADesktop) {
    send(Side::desktop, up());
    only(Side::upstream);
    expect_drop(Side::desktop, framed(down()), DropReason::unknown_desktop, __LINE__);
    send(Side::upstream, down());
    only(Side::desktop);
}

TEST_F(PacketRefused, FramesForOtherMachines) {
    const Bytes flooded = up().eth(mac_of(kRouter), mac_of(kDesktop)).build();
    expect_drop(Side::desktop, flooded, DropReason::other_host, __LINE__);
    EXPECT_EQ(flows(), 0U);
}

TEST_F(PacketRefused, DesktopsAmongThemselvesAreRouted) {
    send(Side::desktop, packet().ipv4(kDesktop, kOtherDesktop).tcp(40000, 445).syn());
    EXPECT_EQ(only(Side::desktop).dst_mac(), mac_of(kOtherDesktop));
    send(Side::desktop, packet().ipv4(kOtherDesktop, kDesktop).tcp(445, 40000).syn().ack(1));
    EXPECT_EQ(only(Side::desktop).dst_mac(), mac_of(kDesktop));
    EXPECT_EQ(flows(), 1U);
}

// --- a small flow table ---

class PacketTableFull : public GatewayTest {
protected:
    PacketTableFull() { settings.flows_per_worker = 64; }
};

TEST_F(PacketTableFull, RefusesNewFlowsAndServesTheOld) {
    for (unsigned i = 0; i < 64; ++i) {
        send(Side::desktop, packet().ipv4(kDesktop, kServer).udp(10000 + i, 9));
    }
    const auto made = sent(Side::upstream).size();
    const auto refused = count(DropReason::flow_table_full);
    EXPECT_EQ(made + refused, 64U);
    EXPECT_EQ(made, flows());
    EXPECT_GE(made, 60U); // both buckets of a key can be full a little earlier than the table
    for (unsigned i = 0; i < 200; ++i) {
        send(Side::desktop, packet().ipv4(kDesktop, kServer).udp(20000 + i, 9));
    }
    EXPECT_EQ(flows(), 64U);
    EXPECT_GE(count(DropReason::flow_table_full), 199U);
    sent(Side::upstream);
    send(Side::desktop, packet().ipv4(kDesktop, kServer).udp(10000, 9));
    EXPECT_EQ(sent(Side::upstream).size(), 1U);
    pass(121 * kSecond, 10 * kSecond); // UDP flows age after two minutes
    sweep_flows();
    EXPECT_EQ(flows(), 0U);
    EXPECT_EQ(count(Counter::flows_expired), 64U);
    send(Side::desktop, packet().ipv4(kDesktop, kServer).udp(30000, 9));
    EXPECT_EQ(sent(Side::upstream).size(), 1U);
}

} // namespace
} // namespace foregate::packet_test
