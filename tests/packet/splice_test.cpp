// SPDX-License-Identifier: BSD-3-Clause
// Held connections through the whole worker: dialed by order, handed to a desktop, translated,
// ended.
#include "packet/gateway_rig.h"

#include <algorithm>
#include <iterator>

namespace foregate::packet_test {
namespace {

using namespace dataplane;

constexpr unsigned kFin = 0x01, kSyn = 0x02, kRst = 0x04, kAck = 0x10;
constexpr std::uint16_t kPort = 5432;
constexpr unsigned kDesktopPort = 50123;
constexpr std::uint32_t kServerIsn = 0xfffffff0U; ///< wraps within the first bytes
constexpr std::uint32_t kDesktopIsn = 777;

class PacketSplice : public GatewayTest {
protected:
    OpenHeld open_order(std::uint64_t id = 1) {
        OpenHeld o;
        o.id = id;
        o.desktop = 1;
        o.usage_class = 1;
        o.source = address(desktop);
        o.server = address(server);
        o.port = kPort;
        o.syn.mss = 1440;
        o.keepalive_ns = 0;
        o.max_age_ns = 50 * kSecond;
        return o;
    }
    PacketBuilder ip(const std::string& from, const std::string& to) {
        return from.find(':') == std::string::npos ? packet().ipv4(from, to)
                                                   : packet().ipv6(from, to);
    }
    /// A segment of the server under the held connection's own ports.
    PacketBuilder from_server() { return ip(server, desktop).tcp(kPort, held_port); }
    PacketBuilder from_desktop(unsigned port = kDesktopPort) {
        return ip(desktop, server).tcp(port, kPort);
    }
    PacketBuilder server_synack() {
        return from_server()
            .syn()
            .seq(kServerIsn)
            .ack(iss + 1)
            .window(64000)
            .options(mss(1400).nop().ws(7).nop().nop().sack());
    }
    PacketBuilder desktop_syn(unsigned port = kDesktopPort, unsigned scale = 8) {
        return from_desktop(port)
            .syn()
            .seq(kDesktopIsn)
            .options(mss(1460).nop().ws(scale).nop().nop().sack());
    }
    void dial() {
        ASSERT_TRUE(order(open_order()));
        run();
        const Frame syn = only(Side::upstream);
        ASSERT_EQ(syn.flags(), kSyn);
        held_port = static_cast<std::uint16_t>(syn.src_port());
        iss = syn.seq();
    }
    void hold() {
        dial();
        now_ns += 40 * kMs;
        send(Side::upstream, server_synack());
        const Frame ack = only(Side::upstream);
        ASSERT_EQ(ack.flags(), kAck);
        ASSERT_EQ(ack.seq(), iss + 1);
        ASSERT_EQ(ack.ack(), kServerIsn + 1);
        (void)reports<HeldReport>();
    }
    void splice() {
        hold();
        send(Side::desktop, desktop_syn());
        ASSERT_EQ(only(Side::desktop).flags(), kSyn | kAck);
        send(Side::desktop, from_desktop().seq(kDesktopIsn + 1).ack(kServerIsn + 1));
        ASSERT_EQ(only(Side::upstream).src_port(), held_port);
        (void)reports<HeldReport>();
        (void)reports<SynLearned>();
    }
    /// The only report about held connections; of the default kind when there is not exactly one.
    HeldReport only_held() {
        const auto all = reports<HeldReport>();
        EXPECT_EQ(all.size(), 1U);
        return all.empty() ? HeldReport{} : all.back();
    }

    std::string desktop = kDesktop, server = kServer;
    std::uint16_t held_port = 0;
    std::uint32_t iss = 0;
};

TEST_F(PacketSplice, DialedAsTheDesktopWould) {
    ASSERT_TRUE(order(open_order()));
    run();
    const Frame syn = only(Side::upstream);
    EXPECT_EQ(syn.src(), kDesktop);
    EXPECT_EQ(syn.dst(), kServer);
    EXPECT_EQ(syn.dst_port(), kPort);
    EXPECT_EQ(syn.flags(), kSyn);
    EXPECT_EQ(syn.ttl(), 127U);
    EXPECT_EQ(syn.options().mss, 1440);
    EXPECT_EQ(syn.options().window_scale, 8);
    EXPECT_TRUE(syn.options().sack_permitted);
    EXPECT_EQ(syn.dst_mac(), mac_of(kServer));
    EXPECT_EQ(syn.src_mac(), port_mac(Side::upstream));
    EXPECT_EQ(count(Counter::held_dialed), 1U);
    EXPECT_TRUE(nothing_left());

    held_port = static_cast<std::uint16_t>(syn.src_port());
    iss = syn.seq();
    now_ns += 40 * kMs;
    send(Side::upstream, server_synack());
    EXPECT_EQ(only(Side::upstream).ack(), kServerIsn + 1);
    EXPECT_TRUE(nothing_left()) << "the desktop knows nothing of it";
    const HeldReport report = only_held();
    EXPECT_EQ(report.event, HeldEvent::established);
    EXPECT_EQ(report.id, 1U);
    EXPECT_EQ(report.rtt_us, 40'000U);
}

TEST_F(PacketSplice, EndToEnd) {
    hold();
    now_ns += 20 * kSecond;
    send(Side::desktop, desktop_syn());
    EXPECT_TRUE(sent(Side::upstream).empty()) << "the SYN is answered here";
    const Frame synack = only(Side::desktop);
    EXPECT_EQ(synack.src(), kServer);
    EXPECT_EQ(synack.src_port(), kPort);
    EXPECT_EQ(synack.dst_port(), kDesktopPort);
    EXPECT_EQ(synack.flags(), kSyn | kAck);
    EXPECT_EQ(synack.seq(), kServerIsn) << "the server's own";
    EXPECT_EQ(synack.ack(), kDesktopIsn + 1);
    EXPECT_EQ(synack.options().window_scale, 7);
    EXPECT_EQ(synack.dst_mac(), mac_of(kDesktop));
    EXPECT_EQ(synack.src_mac(), port_mac(Side::desktop));
    EXPECT_EQ(only_held().event, HeldEvent::splice_begun);

    send(Side::desktop, from_desktop().seq(kDesktopIsn + 1).ack(kServerIsn + 1));
    const Frame ack = only(Side::upstream);
    EXPECT_EQ(ack.src_port(), held_port);
    EXPECT_EQ(ack.seq(), iss + 1);
    EXPECT_EQ(ack.ack(), kServerIsn + 1);
    EXPECT_EQ(ack.ttl(), 63U);
    EXPECT_EQ(only_held().event, HeldEvent::spliced);
    EXPECT_EQ(count(Counter::splices), 1U);

    send(Side::desktop,
         from_desktop().seq(kDesktopIsn + 1).ack(kServerIsn + 1).psh().payload("select 1"));
    const Frame query = only(Side::upstream);
    EXPECT_EQ(query.src_port(), held_port);
    EXPECT_EQ(query.seq(), iss + 1);
    EXPECT_EQ(query.text(), "select 1");

    send(Side::upstream,
         from_server().seq(kServerIsn + 1).ack(iss + 9).psh().payload("one row of it"));
    const Frame row = only(Side::desktop);
    EXPECT_EQ(row.src_port(), kPort);
    EXPECT_EQ(row.dst_port(), kDesktopPort);
    EXPECT_EQ(row.seq(), kServerIsn + 1);
    EXPECT_EQ(row.ack(), kDesktopIsn + 9);
    EXPECT_EQ(row.text(), "one row of it");
    EXPECT_EQ(row.ttl(), 63U);

    // Both ends finish.
    send(Side::desktop, from_desktop().seq(kDesktopIsn + 9).ack(kServerIsn + 14).fin());
    const Frame fin = only(Side::upstream);
    EXPECT_EQ(fin.flags(), kFin | kAck);
    EXPECT_EQ(fin.seq(), iss + 9);
    EXPECT_EQ(fin.ack(), kServerIsn + 14);
    send(Side::upstream, from_server().seq(kServerIsn + 14).ack(iss + 10).fin());
    const Frame other_fin = only(Side::desktop);
    EXPECT_EQ(other_fin.ack(), kDesktopIsn + 10);
    send(Side::desktop, from_desktop().seq(kDesktopIsn + 10).ack(kServerIsn + 15));
    EXPECT_EQ(only(Side::upstream).ack(), kServerIsn + 15);

    const HeldReport end = only_held();
    EXPECT_EQ(end.event, HeldEvent::splice_ended);
    EXPECT_EQ(end.close, HeldClose::finished);
    EXPECT_EQ(end.bytes_up, 8U);
    EXPECT_EQ(end.bytes_down, 13U);
    EXPECT_EQ(flows(), 2U);
    pass(20 * kSecond);
    sweep_flows();
    EXPECT_EQ(flows(), 0U) << "released and aged";
    EXPECT_EQ(drops(), 0U) << "what the gateway answers itself is not lost";
    EXPECT_EQ(count(Counter::answered_here), 2U) << "the server's SYN-ACK and the desktop's SYN";
    EXPECT_TRUE(nothing_left());
    EXPECT_EQ(worker().desktop(1).connections.read(), 1U);
}

TEST_F(PacketSplice, V6) {
    desktop = kDesktop6;
    server = kServer6;
    hold();
    send(Side::desktop, desktop_syn());
    const Frame synack = only(Side::desktop);
    EXPECT_EQ(synack.src(), kServer6);
    EXPECT_EQ(synack.seq(), kServerIsn);
    send(Side::desktop, from_desktop().seq(kDesktopIsn + 1).ack(kServerIsn + 1).payload("hi"));
    const Frame up = only(Side::upstream);
    EXPECT_EQ(up.src_port(), held_port);
    EXPECT_EQ(up.seq(), iss + 1);
    send(Side::upstream, from_server().seq(kServerIsn + 1).ack(iss + 3).payload("ho"));
    EXPECT_EQ(only(Side::desktop).ack(), kDesktopIsn + 3);
}

TEST_F(PacketSplice, FlowsShowTheDesktopsSideOnly) {
    splice();
    send(Side::desktop, from_desktop().seq(kDesktopIsn + 1).ack(kServerIsn + 1).payload("1234"));
    send(Side::upstream, from_server().seq(kServerIsn + 1).ack(iss + 5).payload("56"));
    const auto views = view_flows(1);
    ASSERT_EQ(views.size(), 1U);
    EXPECT_TRUE(views[0].spliced);
    EXPECT_EQ(views[0].desktop_port, kDesktopPort);
    EXPECT_EQ(views[0].server_port, kPort);
    EXPECT_EQ(views[0].tcp, TcpPhase::established);
    EXPECT_EQ(views[0].packets_up, 3U); // SYN, ACK, data
    EXPECT_EQ(views[0].packets_down, 1U);
    EXPECT_EQ(views[0].app, AppType::database);
    EXPECT_EQ(view_flows(2).size(), 0U);
}

TEST_F(PacketSplice, DesktopDrawsTheHeldPortItself) {
    hold();
    send(Side::desktop, desktop_syn(held_port));
    EXPECT_EQ(only(Side::desktop).dst_port(), held_port);
    EXPECT_TRUE(nothing_left());
    send(Side::desktop,
         from_desktop(held_port).seq(kDesktopIsn + 1).ack(kServerIsn + 1).payload("abc"));
    const Frame up = only(Side::upstream);
    EXPECT_EQ(up.src_port(), held_port);
    EXPECT_EQ(up.seq(), iss + 1);
    send(Side::upstream, from_server().seq(kServerIsn + 1).ack(iss + 4).payload("def"));
    const Frame down = only(Side::desktop);
    EXPECT_EQ(down.dst_port(), held_port);
    EXPECT_EQ(down.ack(), kDesktopIsn + 4);
    EXPECT_EQ(flows(), 1U) << "one five-tuple on both sides";
    EXPECT_EQ(count(Counter::splices), 1U);
}

TEST_F(PacketSplice, DesktopDrawsTheHeldPortAndDoesNotFit) {
    hold();
    send(Side::desktop, desktop_syn(held_port, 7));
    const auto up = sent(Side::upstream);
    ASSERT_EQ(up.size(), 2U) << "a reset of what was held, and then the SYN";
    EXPECT_TRUE(up[0].flags() & kRst);
    EXPECT_EQ(up[0].seq(), iss + 1);
    EXPECT_EQ(up[1].flags(), kSyn);
    EXPECT_EQ(up[1].seq(), kDesktopIsn);
    EXPECT_TRUE(up[0].checksums_right() && up[1].checksums_right());
    // From here on an ordinary connection.
    send(Side::upstream, from_server().syn().seq(42).ack(kDesktopIsn + 1));
    EXPECT_EQ(only(Side::desktop).seq(), 42U);
    send(Side::desktop, from_desktop(held_port).seq(kDesktopIsn + 1).ack(43).payload("x"));
    EXPECT_EQ(only(Side::upstream).seq(), kDesktopIsn + 1);
    EXPECT_EQ(flows(), 1U);
}

TEST_F(PacketSplice, SynThatDoesNotFitGoesThroughAndTheConnectionStaysHeld) {
    hold();
    send(Side::desktop, desktop_syn(kDesktopPort, 7));
    const Frame syn = only(Side::upstream);
    EXPECT_EQ(syn.src_port(), kDesktopPort);
    EXPECT_EQ(syn.seq(), kDesktopIsn);
    EXPECT_EQ(syn.ttl(), 63U);
    EXPECT_TRUE(nothing_left());
    const HeldReport report = only_held();
    EXPECT_EQ(report.event, HeldEvent::fallback);
    EXPECT_EQ(report.fallback, SpliceFallback::window_scale);
    EXPECT_EQ(count(Counter::splice_fallbacks), 1U);
    send(Side::upstream,
         ip(server, desktop).tcp(kPort, kDesktopPort).syn().seq(1).ack(kDesktopIsn + 1));
    EXPECT_EQ(only(Side::desktop).seq(), 1U);

    send(Side::desktop, desktop_syn(50999));
    EXPECT_EQ(only(Side::desktop).seq(), kServerIsn);
    EXPECT_TRUE(nothing_left());
}

TEST_F(PacketSplice, AnotherDesktopDoesNotGetIt) {
    hold();
    send(Side::desktop, packet()
                            .ipv4(kTwinDesktop, server)
                            .tcp(kDesktopPort, kPort)
                            .syn()
                            .options(mss(1460).nop().ws(8).nop().nop().sack()));
    EXPECT_EQ(only(Side::upstream).src(), kTwinDesktop);
    EXPECT_TRUE(nothing_left());
}

TEST_F(PacketSplice, FragmentationNeededIsToldInTheDesktopsTerms) {
    splice();
    send(Side::desktop,
         from_desktop().seq(kDesktopIsn + 1).ack(kServerIsn + 1).payload_of_size(1400));
    only(Side::upstream);
    const Bytes too_long = packet()
                               .ipv4(kDesktop, kServer)
                               .tcp(held_port, kPort)
                               .seq(iss + 1)
                               .ack(kServerIsn + 1)
                               .payload_of_size(1400)
                               .ip_packet();
    const Bytes quote(too_long.begin(), too_long.begin() + 28);
    send(Side::upstream, packet().ipv4(kRouter, kDesktop).icmp(3, 4, 1300).payload(quote));
    const Frame told = only(Side::desktop);
    EXPECT_EQ(told.src(), kRouter);
    EXPECT_EQ(told.parsed.icmp_type, 3);
    EXPECT_EQ(told.half(told.parsed.l4_offset + 6U), 1300U);
    const Bytes inside = told.payload();
    ASSERT_EQ(inside.size(), 28U);
    EXPECT_EQ(inside[20] * 256U + inside[21], kDesktopPort);
    EXPECT_EQ(told.word(told.parsed.payload_offset + 24U), kDesktopIsn + 1);
    EXPECT_TRUE(nothing_left());
}

/// Packets that the kernel will answer with an ICMP error go there as their sender sent them, or the error would quote
/// ports that the sender does not know.
TEST_F(PacketSplice, WhatTheKernelAnswersIsNotTranslated) {
    splice();
    send(Side::upstream, from_server().seq(kServerIsn + 1).ack(iss + 1).payload("x").ttl(1));
    auto went = to_kernel(Side::upstream);
    ASSERT_EQ(went.size(), 1U);
    EXPECT_EQ(went[0].dst_port(), held_port);
    EXPECT_TRUE(went[0].checksums_right());
    send(Side::desktop, from_desktop().seq(kDesktopIsn + 1).ack(kServerIsn + 1).payload("x").ttl(1));
    went = to_kernel(Side::desktop);
    ASSERT_EQ(went.size(), 1U);
    EXPECT_EQ(went[0].src_port(), kDesktopPort);
    EXPECT_EQ(went[0].seq(), kDesktopIsn + 1);
    EXPECT_TRUE(nothing_left());
    // Lost on the way, as far as the connection knows: the same again passes.
    send(Side::upstream, from_server().seq(kServerIsn + 1).ack(iss + 1).payload("x"));
    EXPECT_EQ(only(Side::desktop).dst_port(), kDesktopPort);
    send(Side::desktop, from_desktop().seq(kDesktopIsn + 1).ack(kServerIsn + 2).payload("x"));
    EXPECT_EQ(only(Side::upstream).src_port(), held_port);
    EXPECT_EQ(drops(), 0U);
}

TEST_F(PacketSplice, LaterFragmentsPassAsTheyAre) {
    splice();
    const Bytes data(2000, 'd');
    const Bytes whole = from_desktop().seq(kDesktopIsn + 1).ack(kServerIsn + 1).payload(data).ip_packet();
    const auto part = [&](std::size_t from, std::size_t to, unsigned field) {
        Bytes out(whole.begin(), whole.begin() + 20);
        set16(out, 2, static_cast<unsigned>(20 + to - from));
        set16(out, 6, field);
        set16(out, 10, 0);
        set16(out, 10, ones_complement_sum(out));
        out.insert(out.end(), whole.begin() + 20 + static_cast<std::ptrdiff_t>(from),
                   whole.begin() + 20 + static_cast<std::ptrdiff_t>(to));
        Bytes frame = packet().eth(port_mac(Side::desktop), mac_of(kDesktop)).ethertype(0x0800).payload(out).build();
        return frame;
    };
    send(Side::desktop, part(0, 1200, 0x2000));
    send(Side::desktop, part(1200, 2020, 150));
    const auto out = sent(Side::upstream);
    ASSERT_EQ(out.size(), 2U);
    EXPECT_EQ(out[0].src_port(), held_port);
    EXPECT_TRUE(out[1].parsed.later_fragment);
    EXPECT_EQ(out[1].payload(), Bytes(820, 'd'));
    // Together they are the translated segment, with its checksum right.
    Bytes message(out[0].bytes.begin() + 34, out[0].bytes.end());
    message.insert(message.end(), out[1].bytes.begin() + 34, out[1].bytes.end());
    EXPECT_EQ(ones_complement_sum(with_pseudo_header(address(kDesktop), address(kServer), 6, message)), 0);
    EXPECT_EQ(drops(), 0U);
}

class PacketSpliceSmallUpstream : public PacketSplice {
protected:
    PacketSpliceSmallUpstream() {
        settings.ports[0].mtu = 1500;
        settings.ports[1].mtu = 1300;
    }
};

TEST_F(PacketSpliceSmallUpstream, TooLongToGoOn) {
    splice();
    send(Side::desktop, from_desktop().seq(kDesktopIsn + 1).ack(kServerIsn + 1).payload_of_size(1400));
    const auto went = to_kernel(Side::desktop);
    ASSERT_EQ(went.size(), 1U);
    EXPECT_EQ(went[0].src_port(), kDesktopPort) << "the ICMP error will quote what the desktop sent";
    // What may be cut is translated first: the kernel forwards the pieces.
    send(Side::desktop,
         from_desktop().seq(kDesktopIsn + 1).ack(kServerIsn + 1).payload_of_size(1400).fragment_field(0));
    const auto cut = to_kernel(Side::desktop);
    ASSERT_EQ(cut.size(), 1U);
    EXPECT_EQ(cut[0].src_port(), held_port);
    EXPECT_TRUE(cut[0].checksums_right());
    EXPECT_TRUE(nothing_left());
}

TEST_F(PacketSpliceSmallUpstream, SegmentsAreOfferedToFit) {
    ASSERT_TRUE(order(open_order()));
    run();
    EXPECT_EQ(only(Side::upstream).options().mss, 1260);
}

TEST_F(PacketSplice, IcmpErrorAboutWhatIsHeldDoesNotReachTheDesktop) {
    dial();
    const Bytes syn =
        packet().ipv4(kDesktop, kServer).tcp(held_port, kPort).syn().seq(iss).ip_packet();
    send(Side::upstream,
         packet().ipv4(kRouter, kDesktop).icmp(3, 1).payload(Bytes(syn.begin(), syn.begin() + 28)));
    EXPECT_TRUE(sent(Side::desktop).empty());
    EXPECT_EQ(only_held().fail, HeldFailure::icmp);
}

TEST_F(PacketSplice, RefusedAndForgotten) {
    dial();
    send(Side::upstream, from_server().rst().seq(0).ack(iss + 1));
    const HeldReport report = only_held();
    EXPECT_EQ(report.event, HeldEvent::failed);
    EXPECT_EQ(report.fail, HeldFailure::refused);
    EXPECT_TRUE(nothing_left());
    sweep_flows();
    EXPECT_EQ(flows(), 0U);
    send(Side::desktop, desktop_syn());
    EXPECT_EQ(only(Side::upstream).seq(), kDesktopIsn);
}

TEST_F(PacketSplice, ServerClosesWhatIsHeld) {
    hold();
    send(Side::upstream, from_server().fin().seq(kServerIsn + 1).ack(iss + 1));
    EXPECT_TRUE(sent(Side::desktop).empty());
    bool closed = false;
    for (const HeldReport& r : reports<HeldReport>()) {
        closed = closed || (r.event == HeldEvent::closed && r.close == HeldClose::server_fin);
    }
    EXPECT_TRUE(closed);
    sent(Side::upstream);
    send(Side::desktop, desktop_syn());
    EXPECT_EQ(only(Side::upstream).seq(), kDesktopIsn) << "nothing is held any more";
}

TEST_F(PacketSplice, ClosedByOrder) {
    hold();
    ASSERT_TRUE(order(CloseHeldOfDesktop{2, CloseScope::held_only}));
    run();
    EXPECT_TRUE(nothing_left()) << "another desktop's";
    ASSERT_TRUE(order(CloseHeldToServer{address(kServer), kPort, CloseScope::held_only}));
    run();
    const Frame fin = only(Side::upstream);
    EXPECT_EQ(fin.flags() & (kFin | kRst), kFin);
    EXPECT_EQ(fin.seq(), iss + 1);
}

TEST_F(PacketSplice, LogoutEndsASpliceAtBothEnds) {
    splice();
    ASSERT_TRUE(order(CloseHeldOfDesktop{1, CloseScope::all}));
    run();
    const Frame up = only(Side::upstream);
    EXPECT_TRUE(up.flags() & kRst);
    EXPECT_EQ(up.src_port(), held_port);
    EXPECT_EQ(up.seq(), iss + 1);
    const Frame down = only(Side::desktop);
    EXPECT_TRUE(down.flags() & kRst);
    EXPECT_EQ(down.dst_port(), kDesktopPort);
    EXPECT_EQ(down.seq(), kServerIsn + 1);
}

TEST_F(PacketSplice, NeighbourNotYetResolvedIsTheKernels) {
    server = kSilentServer;
    ASSERT_TRUE(order(open_order()));
    run();
    EXPECT_TRUE(sent(Side::upstream).empty());
    const auto up_the_twin = to_kernel(Side::desktop);
    ASSERT_EQ(up_the_twin.size(), 1U)
        << "as if the desktop had sent it: the kernel asks for the neighbour and forwards";
    EXPECT_EQ(up_the_twin[0].dst(), kSilentServer);
    EXPECT_EQ(up_the_twin[0].dst_mac(), port_mac(Side::desktop));
    EXPECT_EQ(up_the_twin[0].src_mac(), mac_of(kDesktop));
    EXPECT_TRUE(up_the_twin[0].checksums_right());
}

TEST_F(PacketSplice, ListedServerIsStoppedAlthoughAConnectionIsHeld) {
    hold();
    tables.threats = {listed_prefix(kServer)};
    publish();
    send(Side::desktop, desktop_syn());
    EXPECT_EQ(only(Side::desktop).flags(), kRst | kAck);
    EXPECT_TRUE(nothing_left());
    EXPECT_EQ(count(DropReason::threat_address), 1U);
}

TEST_F(PacketSplice, ListedNameInASpliceResetsBothEndsInTheirOwnSequence) {
    tables.threats = {listed_name("evil.example")};
    publish();
    splice();
    send(Side::desktop, from_desktop()
                            .seq(kDesktopIsn + 1)
                            .ack(kServerIsn + 1)
                            .payload(tls_client_hello("evil.example")));
    const Frame to_server = only(Side::upstream);
    EXPECT_TRUE(to_server.flags() & kRst);
    EXPECT_EQ(to_server.src_port(), held_port);
    EXPECT_EQ(to_server.seq(), iss + 1);
    EXPECT_EQ(to_server.parsed.payload_length, 0);
    const Frame to_desktop = only(Side::desktop);
    EXPECT_TRUE(to_desktop.flags() & kRst);
    EXPECT_EQ(to_desktop.dst_port(), kDesktopPort);
    EXPECT_EQ(to_desktop.seq(), kServerIsn + 1);
    EXPECT_EQ(reports<ThreatMatched>().size(), 1U);
}

TEST_F(PacketSplice, ACutStopsASplice) {
    splice();
    tables.desktop(kDesktop).state = SecondaryState::cut;
    publish();
    send(Side::desktop, from_desktop().seq(kDesktopIsn + 1).ack(kServerIsn + 1).payload("x"));
    send(Side::upstream, from_server().seq(kServerIsn + 1).ack(iss + 1).payload("y"));
    EXPECT_TRUE(nothing_left());
    EXPECT_EQ(count(DropReason::secondary_cut), 2U);
}

TEST_F(PacketSplice, SegmentsAfterTheEndAreOrdinary) {
    splice();
    send(Side::desktop, from_desktop().rst().seq(kDesktopIsn + 1));
    EXPECT_TRUE(only(Side::upstream).flags() & kRst);
    pass(20 * kSecond);
    sweep_flows();
    EXPECT_EQ(flows(), 0U);
    send(Side::desktop, desktop_syn());
    EXPECT_EQ(only(Side::upstream).seq(), kDesktopIsn) << "the same port again, its own connection";
}

class PacketSpliceRestart : public PacketSplice {
protected:
    void SetUp() override {
        PacketSplice::SetUp();
        records.resize(settings.held_per_worker);
        worker().take_over(records, {}, now_ns);
    }
    /// As a new process would: what can be used, copied before the new records are kept.
    void kill_and_restart() {
        std::vector<SpliceRecord> left;
        std::copy_if(records.begin(), records.end(), std::back_inserter(left), usable);
        records.assign(records.size(), SpliceRecord{});
        restart(records, left);
    }

    std::vector<SpliceRecord> records;
};

TEST_F(PacketSpliceRestart, SpliceGoesOnInBothDirections) {
    for (const bool v6 : {false, true}) {
        desktop = v6 ? kDesktop6 : kDesktop;
        server = v6 ? kServer6 : kServer;
        splice();
        send(Side::desktop, from_desktop().seq(kDesktopIsn + 1).ack(kServerIsn + 1).payload("select 1"));
        only(Side::upstream);
        kill_and_restart();
        EXPECT_EQ(count(Counter::splices_taken_over), 1U);
        EXPECT_EQ(count(Counter::splices_left_behind), 0U);
        EXPECT_TRUE(nothing_left());
        // The server speaks first; then the desktop sends again what was lost with the process.
        send(Side::upstream, from_server().seq(kServerIsn + 1).ack(iss + 1).payload("row"));
        const Frame down = only(Side::desktop);
        EXPECT_EQ(down.dst_port(), kDesktopPort);
        EXPECT_EQ(down.ack(), kDesktopIsn + 1);
        EXPECT_EQ(down.text(), "row");
        send(Side::desktop, from_desktop().seq(kDesktopIsn + 1).ack(kServerIsn + 4).payload("select 1"));
        const Frame up = only(Side::upstream);
        EXPECT_EQ(up.src_port(), held_port);
        EXPECT_EQ(up.seq(), iss + 1);
        EXPECT_EQ(up.ack(), kServerIsn + 4);
        const auto views = view_flows(1);
        ASSERT_EQ(views.size(), 1U);
        EXPECT_TRUE(views[0].spliced);
        EXPECT_EQ(views[0].packets_up, 1U);
        // A second time, and then to the end.
        kill_and_restart();
        send(Side::desktop, from_desktop().seq(kDesktopIsn + 9).ack(kServerIsn + 4).fin());
        EXPECT_EQ(only(Side::upstream).seq(), iss + 9);
        send(Side::upstream, from_server().seq(kServerIsn + 4).ack(iss + 10).fin());
        only(Side::desktop);
        send(Side::desktop, from_desktop().seq(kDesktopIsn + 10).ack(kServerIsn + 5));
        only(Side::upstream);
        EXPECT_EQ(only_held().close, HeldClose::finished);
        pass(20 * kSecond);
        sweep_flows();
        EXPECT_EQ(flows(), 0U);
        EXPECT_EQ(drops(), 0U);
    }
}

TEST_F(PacketSpliceRestart, WhatWasHeldIsResetAtTheServer) {
    hold();
    kill_and_restart();
    pass(20 * kMs, 5 * kMs);
    const Frame reset = only(Side::upstream);
    EXPECT_TRUE(reset.flags() & kRst);
    EXPECT_EQ(reset.src_port(), held_port);
    EXPECT_EQ(reset.seq(), iss + 1);
    EXPECT_TRUE(nothing_left());
    EXPECT_EQ(count(Counter::splices_left_behind), 1U);
    send(Side::desktop, desktop_syn());
    EXPECT_EQ(only(Side::upstream).seq(), kDesktopIsn) << "nothing is held";
}

TEST_F(PacketSpliceRestart, ADesktopThatIsNoLongerKnownIsReset) {
    splice();
    tables.desktops.erase(kDesktop);
    tables.desktops.erase("10.10.1.0/24");
    publish();
    kill_and_restart();
    pass(20 * kMs, 5 * kMs);
    EXPECT_EQ(count(Counter::splices_taken_over), 0U);
    const Frame asked_up = only(Side::upstream);
    EXPECT_EQ(asked_up.flags(), kAck);
    EXPECT_EQ(asked_up.src_port(), held_port);
    const Frame asked_down = only(Side::desktop);
    EXPECT_EQ(asked_down.flags(), kAck);
    EXPECT_EQ(asked_down.dst_port(), kDesktopPort);
    send(Side::upstream, from_server().seq(kServerIsn + 1).ack(iss + 1));
    const Frame up = only(Side::upstream);
    EXPECT_TRUE(up.flags() & kRst);
    EXPECT_EQ(up.seq(), iss + 1);
    send(Side::desktop, from_desktop().seq(kDesktopIsn + 1).ack(kServerIsn + 1));
    const Frame down = only(Side::desktop);
    EXPECT_TRUE(down.flags() & kRst);
    EXPECT_EQ(down.seq(), kServerIsn + 1);
    pass(40 * kSecond);
    EXPECT_TRUE(nothing_left());
    sweep_flows();
    EXPECT_EQ(flows(), 0U);
}

TEST_F(PacketSplice, ServerThatResetsTheFirstFlightGetsItOnAFreshConnection) {
    splice();
    send(Side::desktop, from_desktop().seq(kDesktopIsn + 1).ack(kServerIsn + 1).payload("GET /"));
    only(Side::upstream);
    send(Side::upstream, from_server().rst().seq(kServerIsn + 1));
    const Frame syn = only(Side::upstream);
    EXPECT_EQ(syn.flags(), kSyn);
    EXPECT_EQ(syn.src_port(), held_port);
    EXPECT_TRUE(nothing_left()) << "the desktop does not notice";
    iss = syn.seq();
    send(Side::upstream, server_synack().seq(0x4000));
    EXPECT_EQ(only(Side::upstream).ack(), 0x4001U);
    EXPECT_EQ(count(Counter::splices_replayed), 1U);
    send(Side::desktop, from_desktop().seq(kDesktopIsn + 1).ack(kServerIsn + 1).payload("GET /"));
    const Frame again = only(Side::upstream);
    EXPECT_EQ(again.seq(), iss + 1);
    EXPECT_EQ(again.ack(), 0x4001U);
    EXPECT_EQ(again.text(), "GET /");
    send(Side::upstream, from_server().seq(0x4001).ack(iss + 6).payload("page"));
    const Frame page = only(Side::desktop);
    EXPECT_EQ(page.seq(), kServerIsn + 1);
    EXPECT_EQ(page.ack(), kDesktopIsn + 6);
    EXPECT_EQ(drops(), 0U);
    EXPECT_EQ(count(Counter::splices), 1U);
}

} // namespace
} // namespace foregate::packet_test
