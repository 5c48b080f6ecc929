// SPDX-License-Identifier: BSD-3-Clause
// What the state of a desktop's secondary interface does to its packets.
#include "packet/gateway_rig.h"

namespace foregate::packet_test {
namespace {

using namespace dataplane;

class PacketSecondary : public GatewayTest {
protected:
    void set_state(SecondaryState state, const std::string& who = kDesktop) {
        tables.desktop(who).state = state;
        publish();
    }
    PacketBuilder up() { return packet().ipv4(kDesktop, kServer).tcp(40000, 443); }
    PacketBuilder down() { return packet().ipv4(kServer, kDesktop).tcp(443, 40000); }
};

TEST_F(PacketSecondary, CutStopsBothDirectionsAtOnceAlsoOfLiveFlows) {
    send(Side::desktop, up().syn());
    send(Side::upstream, down().syn().ack(1));
    EXPECT_EQ(sent(Side::upstream).size() + sent(Side::desktop).size(), 2U);
    set_state(SecondaryState::cut);
    send(Side::desktop, up().ack(1).payload("up"));
    send(Side::upstream, down().ack(1).payload("down"));
    send(Side::desktop,
         packet().ipv4(kDesktop, kServer).udp(5000, 53).payload(dns_query(1, "a.example")));
    EXPECT_TRUE(nothing_left());
    EXPECT_EQ(count(DropReason::secondary_cut), 3U);
    EXPECT_EQ(reports<DesktopSeen>().size(), 0U)
        << "only the control core restores what it has cut";
    // Another desktop of the same class goes on.
    send(Side::desktop, packet().ipv4(kTwinDesktop, kServer).tcp(40000, 443).syn());
    EXPECT_EQ(only(Side::upstream).src(), kTwinDesktop);

    set_state(SecondaryState::open);
    send(Side::desktop, up().ack(1).payload("up"));
    EXPECT_EQ(only(Side::upstream).text(), "up");
    send(Side::upstream, down().ack(1).payload("down"));
    EXPECT_EQ(only(Side::desktop).text(), "down");
}

TEST_F(PacketSecondary, IdleCutIsOpenedByActivityAndNotByKeepAlives) {
    send(Side::desktop, up().syn());
    send(Side::upstream, down().syn().ack(1));
    sent(Side::upstream);
    sent(Side::desktop);
    set_state(SecondaryState::idle_cut);

    send(Side::desktop, up().ack(1));                    // a bare ACK
    send(Side::desktop, up().ack(1).payload_of_size(1)); // a TCP keep-alive with its one byte
    send(Side::upstream,
         down().ack(1).payload("news")); // what the server does is not the desktop's activity
    EXPECT_TRUE(nothing_left());
    EXPECT_EQ(count(DropReason::secondary_cut), 3U);
    EXPECT_EQ(reports<DesktopSeen>().size(), 0U);

    send(Side::desktop, up().ack(1).payload("typed"));
    EXPECT_EQ(only(Side::upstream).text(), "typed");
    const auto seen = reports<DesktopSeen>();
    ASSERT_EQ(seen.size(), 1U);
    EXPECT_EQ(seen[0].desktop, 1U);
    EXPECT_EQ(seen[0].usage_class, 1);
    EXPECT_EQ(seen[0].address.to_string(), kDesktop);
}

TEST_F(PacketSecondary, NoSessionIsForwardedAndReportedOnceASecond) {
    set_state(SecondaryState::no_session);
    for (int i = 0; i < 5; ++i) {
        send(Side::desktop, packet().ipv4(kDesktop, kServer).udp(5000, 6000).payload("hello"));
    }
    send(Side::upstream, packet().ipv4(kServer, kDesktop).udp(6000, 5000).payload("answer"));
    EXPECT_EQ(sent(Side::upstream).size(), 5U);
    EXPECT_EQ(sent(Side::desktop).size(), 1U);
    EXPECT_EQ(reports<DesktopSeen>().size(), 1U);
    now_ns += 999 * kMs;
    send(Side::desktop, packet().ipv4(kDesktop, kServer).udp(5000, 6000));
    EXPECT_EQ(reports<DesktopSeen>().size(), 0U);
    now_ns += kMs;
    send(Side::desktop, packet().ipv4(kDesktop, kServer).udp(5000, 6000));
    EXPECT_EQ(reports<DesktopSeen>().size(), 1U);
}

TEST_F(PacketSecondary, EachAddressWithoutANumberIsReported) {
    set_state(SecondaryState::no_session, "10.10.1.0/24");
    for (const char* who : {"10.10.1.50", "10.10.1.51", "10.10.1.52"}) {
        send(Side::desktop, packet().ipv4(who, kServer).tcp(40000, 443).syn());
        send(Side::desktop, packet().ipv4(who, kServer).tcp(40001, 443).syn());
    }
    const auto seen = reports<DesktopSeen>();
    ASSERT_EQ(seen.size(), 3U);
    EXPECT_EQ(seen[0].desktop, 0U);
    EXPECT_EQ(seen[0].usage_class, 1);
    EXPECT_EQ(seen[1].address.to_string(), "10.10.1.51");
    EXPECT_EQ(sent(Side::upstream).size(), 6U);
}

TEST_F(PacketSecondary, LiveFiguresOfADesktop) {
    send(Side::desktop, up().syn());
    const auto at_syn = worker().desktop(1).last_activity_ms.read();
    EXPECT_EQ(at_syn, now_ns / kMs);
    now_ns += 5 * kSecond;
    send(Side::upstream, down().syn().ack(1));
    send(Side::desktop, up().ack(1));
    send(Side::desktop, up().ack(1).payload_of_size(1));
    EXPECT_EQ(worker().desktop(1).last_activity_ms.read(), at_syn)
        << "keep-alives are not activity";
    send(Side::desktop, up().ack(1).payload_of_size(100));
    EXPECT_EQ(worker().desktop(1).last_activity_ms.read(), now_ns / kMs);
    EXPECT_EQ(worker().desktop(1).packets_up.read(), 4U);
    EXPECT_EQ(worker().desktop(1).packets_down.read(), 1U);
    EXPECT_EQ(worker().desktop(1).bytes_up.read(), 40U * 4 + 101);
    EXPECT_EQ(worker().desktop(1).bytes_down.read(), 40U);
    EXPECT_EQ(worker().desktop(1).connections.read(), 1U);
    EXPECT_EQ(worker().desktop(2).packets_up.read(), 0U);
}

TEST_F(PacketSecondary, SynOptionsAreLearnedOnce) {
    send(Side::desktop, up().syn().options(mss(1400).nop().ws(8).nop().nop().sack()));
    send(Side::desktop, packet().ipv4(kDesktop, kServer).tcp(40001, 443).syn().options(mss(1460)));
    const auto learned = reports<SynLearned>();
    ASSERT_EQ(learned.size(), 1U);
    EXPECT_EQ(learned[0].desktop, 1U);
    EXPECT_EQ(learned[0].syn.mss, 1400);
    EXPECT_EQ(learned[0].syn.window_scale, 8);
    EXPECT_TRUE(learned[0].syn.sack_permitted);
    EXPECT_FALSE(learned[0].syn.timestamps);
    EXPECT_EQ(learned[0].syn.order, OptionOrder::windows_like);
    EXPECT_EQ(learned[0].syn.ttl, 63);
    EXPECT_TRUE(learned[0].syn.dont_fragment);
    send(Side::desktop, packet()
                            .ipv4(kTwinDesktop, kServer)
                            .tcp(1, 443)
                            .syn()
                            .options(mss(1460).sack().ts(1, 0).nop().ws(7)));
    const auto second = reports<SynLearned>();
    ASSERT_EQ(second.size(), 1U);
    EXPECT_EQ(second[0].syn.order, OptionOrder::linux_like);
    EXPECT_TRUE(second[0].syn.timestamps);
}

} // namespace
} // namespace foregate::packet_test
