// SPDX-License-Identifier: BSD-3-Clause
// What the workers count for the usage store, and what they tell the shaper.
#include "packet/gateway_rig.h"

#include <bit>

namespace foregate::packet_test {
namespace {

using namespace dataplane;

class PacketUsage : public GatewayTest {
protected:
    /// The cell of a destination in the table that is being written (0) or any other.
    const UsageCellData* cell(const std::string& server, unsigned port, unsigned table = 0,
                              unsigned usage_class = 1) {
        for (const UsageCellData& c : worker().usage_table(table).cells()) {
            if (c.in_use && c.key.server == address(server) && c.key.port == port &&
                c.key.usage_class == usage_class) {
                return &c;
            }
        }
        return nullptr;
    }
    static int desktops_of(const UsageCellData& c) {
        int bits = 0;
        for (const std::uint64_t word : c.desktops.bits) {
            bits += std::popcount(word);
        }
        return bits;
    }
    PacketBuilder up(const std::string& from, unsigned port) {
        return packet().ipv4(from, kServer).tcp(port, kPort);
    }
    PacketBuilder down(const std::string& to, unsigned port) {
        return packet().ipv4(kServer, to).tcp(kPort, port);
    }
    static constexpr unsigned kPort = 5432;
};

TEST_F(PacketUsage, ConnectionsBytesAndHowManyDesktops) {
    for (unsigned port : {40000U, 40001U}) {
        send(Side::desktop, up(kDesktop, port).syn());
        send(Side::upstream, down(kDesktop, port).syn().ack(1));
    }
    send(Side::desktop, up(kTwinDesktop, 40000).syn());
    send(Side::upstream, down(kTwinDesktop, 40000).syn().ack(1));
    send(Side::desktop, up(kDesktop, 40000).ack(1).payload_of_size(100));
    send(Side::desktop, up(kOtherDesktop, 40000).syn()); // of another class

    const UsageCellData* c = cell(kServer, kPort);
    ASSERT_NE(c, nullptr);
    EXPECT_EQ(c->key.app, AppType::database);
    EXPECT_EQ(c->key.protocol, kProtoTcp);
    EXPECT_EQ(c->connections, 3U);
    EXPECT_EQ(c->failed, 0U);
    EXPECT_EQ(c->packets_up, 4U);
    EXPECT_EQ(c->packets_down, 3U);
    EXPECT_EQ(c->bytes_up, 3U * 40 + 140);
    EXPECT_EQ(c->bytes_down, 3U * 40);
    EXPECT_EQ(desktops_of(*c), 2) << "two desktops, however many connections";
    const UsageCellData* other = cell(kServer, kPort, 0, 2);
    ASSERT_NE(other, nullptr);
    EXPECT_EQ(other->connections, 1U);
    EXPECT_EQ(desktops_of(*other), 1);
}

TEST_F(PacketUsage, AConnectionWithoutAnAnswerHasFailed) {
    send(Side::desktop, up(kDesktop, 40000).syn());
    send(Side::desktop, up(kDesktop, 40001).syn());
    send(Side::upstream, down(kDesktop, 40001).syn().ack(1)); // this one is answered
    send(Side::desktop, up(kDesktop, 40002).syn());
    send(Side::upstream, down(kDesktop, 40002).rst().ack(1)); // refused
    pass(31 * kSecond, 5 * kSecond);
    sweep_flows();
    const UsageCellData* c = cell(kServer, kPort);
    ASSERT_NE(c, nullptr);
    EXPECT_EQ(c->connections, 3U);
    EXPECT_EQ(c->failed, 2U);
}

TEST_F(PacketUsage, WhatWasBlockedIsNotUsage) {
    tables.threats = {listed_prefix(kServer)};
    publish();
    send(Side::desktop, up(kDesktop, 40000).syn());
    EXPECT_EQ(cell(kServer, kPort), nullptr);
    EXPECT_EQ(worker().desktop(1).packets_up.read(), 0U);
}

TEST_F(PacketUsage, AServiceOfTheDesktopHasNoPeerPort) {
    send(Side::upstream, packet().ipv4(kServer, kDesktop).tcp(51000, 3389).syn());
    send(Side::upstream, packet().ipv4(kServer, kDesktop).tcp(51001, 3389).syn());
    EXPECT_EQ(cell(kServer, 51000), nullptr);
    const UsageCellData* c = cell(kServer, 0);
    ASSERT_NE(c, nullptr);
    EXPECT_EQ(c->connections, 0U) << "it was not the desktop that began";
    EXPECT_EQ(c->packets_down, 2U);
}

TEST_F(PacketUsage, RotationTurnsToTheOtherTable) {
    send(Side::desktop, up(kDesktop, 40000).syn());
    ASSERT_TRUE(order(RotateUsage{2, 99}));
    run();
    const auto ready = reports<UsageReady>();
    ASSERT_EQ(ready.size(), 1U);
    EXPECT_EQ(ready[0].epoch, 2U);
    EXPECT_EQ(ready[0].table, 0);
    ASSERT_NE(cell(kServer, kPort, 0), nullptr);
    EXPECT_EQ(cell(kServer, kPort, 1), nullptr);

    send(Side::upstream, down(kDesktop, 40000).syn().ack(1)); // the flow goes on in the new bucket
    const UsageCellData* now = cell(kServer, kPort, 1);
    ASSERT_NE(now, nullptr);
    EXPECT_EQ(now->packets_down, 1U);
    EXPECT_EQ(now->connections, 0U) << "counted once, in the bucket in which it began";
    EXPECT_EQ(desktops_of(*now), 1) << "but the desktop takes part in this bucket too";
    EXPECT_EQ(cell(kServer, kPort, 0)->packets_down, 0U) << "the reader's table stands still";

    worker().usage_table(0).clear();
    ASSERT_TRUE(order(RotateUsage{3, 100}));
    run();
    EXPECT_EQ(reports<UsageReady>()[0].table, 1);
    send(Side::desktop, up(kDesktop, 40000).ack(1).payload("x"));
    EXPECT_EQ(cell(kServer, kPort, 0)->packets_up, 1U);
}

TEST_F(PacketUsage, TooManyDestinationsAreCountedTogether) {
    for (unsigned i = 0; i < 900; ++i) {
        const std::string server =
            "198.51." + std::to_string(i / 250) + "." + std::to_string(i % 250 + 1);
        send(Side::desktop, packet().ipv4(kDesktop, server).udp(40000, 443).payload("x"));
        sent(Side::upstream);
    }
    EXPECT_EQ(count(Counter::usage_overflow), 900U - 767U); // three quarters of 1024, less one
    const UsageCellData* rest = cell("::", 0);
    ASSERT_NE(rest, nullptr);
    EXPECT_EQ(rest->key.app, AppType::web);
    EXPECT_EQ(rest->packets_up, 900U - 767U);
    EXPECT_EQ(rest->connections, 900U - 767U);
    EXPECT_EQ(desktops_of(*rest), 1);
}

class PacketAllotment : public GatewayTest {
protected:
    PacketAllotment() {
        for (auto& port : settings.ports) {
            port.rate_bps = 100'000'000; // allotments have a meaning on a paced port only
        }
    }
};

TEST_F(PacketAllotment, AFlowOfAPredictedDestinationIsTaggedBothWays) {
    tables.plan[DestinationKey{address(kServer), 5432, 1}] = AllotmentRef{5, 6};
    publish();
    ASSERT_TRUE(shaper(Side::upstream).post(SetAllotment{5, 10'000'000}));
    ASSERT_TRUE(shaper(Side::desktop).post(SetAllotment{6, 10'000'000}));
    send(Side::desktop, packet().ipv4(kDesktop, kServer).tcp(40000, 5432).syn());
    send(Side::upstream, packet().ipv4(kServer, kDesktop).tcp(5432, 40000).syn().ack(1));
    send(Side::desktop, packet().ipv4(kDesktop, kServer).tcp(40001, 443).syn());
    send(Side::desktop,
         packet().ipv4(kOtherDesktop, kServer).tcp(40000, 5432).syn()); // class 2 has no allotment
    EXPECT_EQ(sent(Side::upstream).size(), 3U);
    EXPECT_EQ(sent(Side::desktop).size(), 1U);
    const Shaper& up = shaper(Side::upstream).shaper();
    const Shaper& down = shaper(Side::desktop).shaper();
    EXPECT_EQ(up.class_stats(TrafficClass::allotted).packets_sent, 1U);
    EXPECT_EQ(up.class_stats(TrafficClass::regular).packets_sent, 2U);
    EXPECT_EQ(down.class_stats(TrafficClass::allotted).packets_sent, 1U);
    const auto used = up.allotment_stats(5);
    EXPECT_EQ(used.guaranteed_bytes + used.excess_bytes, 54U);
    const auto views = view_flows();
    EXPECT_EQ(std::count_if(views.begin(), views.end(),
                            [](const FlowView& v) { return v.allotment.up == 5; }),
              1);
}

TEST_F(PacketAllotment, AnAllotmentCanBeginAndEndUnderAFlow) {
    const auto once = [this](unsigned n) {
        send(Side::desktop, packet().ipv4(kDesktop, kServer).udp(40000, 5432).payload("x"));
        EXPECT_EQ(sent(Side::upstream).size(), 1U);
        EXPECT_EQ(shaper(Side::upstream).shaper().class_stats(TrafficClass::allotted).packets_sent,
                  n);
    };
    once(0);
    tables.plan[DestinationKey{address(kServer), 5432, 1}] = AllotmentRef{5, 6};
    publish();
    ASSERT_TRUE(shaper(Side::upstream).post(SetAllotment{5, 10'000'000}));
    once(1);
    tables.plan.clear();
    publish();
    once(1);
}

TEST_F(PacketAllotment, OwnPacketsGoByTheControlLane) {
    tables.threats = {listed_prefix(kServer)};
    publish();
    send(Side::desktop, packet().ipv4(kDesktop, kServer).tcp(40000, 443).syn());
    EXPECT_EQ(sent(Side::desktop).size(), 1U);
    EXPECT_EQ(shaper(Side::desktop).shaper().class_stats(TrafficClass::control).packets_sent, 1U);
}

TEST_F(PacketAllotment, APacedPortSendsWhenItsTimeHasCome) {
    for (int i = 0; i < 40; ++i) {
        arrive(Side::desktop, packet().ipv4(kDesktop, kServer).udp(40000, 9).payload_of_size(1400));
    }
    run();
    const auto at_once = sent(Side::upstream).size();
    EXPECT_LT(at_once, 40U);
    std::size_t all = at_once;
    for (int i = 0; i < 100 && all < 40; ++i) {
        now_ns += kMs / 10;
        run();
        all += sent(Side::upstream).size();
    }
    EXPECT_EQ(all, 40U);
    EXPECT_EQ(drops(), 0U);
}

} // namespace
} // namespace foregate::packet_test
