// SPDX-License-Identifier: BSD-3-Clause
// Connections beyond what is expected of a class in this bucket of time.
#include "packet/gateway_rig.h"

namespace foregate::packet_test {
namespace {

using namespace dataplane;

class PacketDeviation : public GatewayTest {
protected:
    /// Class 1 may begin `budget` remote-desktop, management and other connections each that nobody
    /// expects.
    void expect_of_class(DeviationPolicy policy, float budget) {
        tables.pattern.assign(3, ClassPattern{});
        tables.pattern[1].policy = policy;
        tables.pattern[1].known = true;
        tables.pattern[1].budget.fill(budget);
        publish();
    }
    void connect_to(unsigned host, unsigned port = 22, const std::string& from = kDesktop) {
        send(Side::desktop, packet()
                                .ipv4(from, "203.0.113." + std::to_string(host))
                                .tcp(40000, port)
                                .syn()
                                .seq(50));
    }
};

TEST_F(PacketDeviation, BlockStopsTheFirstPacketBeyondTheBudget) {
    expect_of_class(DeviationPolicy::block, 2.5F);
    connect_to(1);
    connect_to(2);
    EXPECT_EQ(sent(Side::upstream).size(), 2U);
    EXPECT_EQ(reports<Deviated>().size(), 0U);
    connect_to(3);
    const Frame reset = only(Side::desktop);
    EXPECT_EQ(reset.src(), "203.0.113.3");
    EXPECT_EQ(reset.ack(), 51U);
    EXPECT_TRUE(nothing_left()) << "no packet goes upstream";
    EXPECT_EQ(count(DropReason::deviation), 1U);
    EXPECT_EQ(count(Counter::deviations), 1U);
    const auto seen = reports<Deviated>();
    ASSERT_EQ(seen.size(), 1U);
    EXPECT_EQ(seen[0].desktop, 1U);
    EXPECT_EQ(seen[0].usage_class, 1);
    EXPECT_EQ(seen[0].server.to_string(), "203.0.113.3");
    EXPECT_EQ(seen[0].server_port, 22);
    EXPECT_TRUE(seen[0].blocked);
    EXPECT_FLOAT_EQ(seen[0].expected, 2.5F);
    EXPECT_EQ(seen[0].seen, 3U);
    connect_to(3); // the SYN again: not one connection more
    EXPECT_EQ(sent(Side::desktop).size(), 1U);
    EXPECT_EQ(count(DropReason::blocked_flow), 1U);
    EXPECT_EQ(reports<Deviated>().size(), 0U);

    connect_to(4, 22, kTwinDesktop); // its twin is within the pattern
    EXPECT_EQ(sent(Side::upstream).size(), 1U);
    connect_to(1); // and what was begun within the budget goes on
    EXPECT_EQ(sent(Side::upstream).size(), 1U);
}

TEST_F(PacketDeviation, NoteReportsAndLetsPass) {
    expect_of_class(DeviationPolicy::note, 1.0F);
    connect_to(1);
    connect_to(2);
    EXPECT_EQ(sent(Side::upstream).size(), 2U);
    const auto seen = reports<Deviated>();
    ASSERT_EQ(seen.size(), 1U);
    EXPECT_FALSE(seen[0].blocked);
    EXPECT_EQ(seen[0].seen, 2U);
    EXPECT_EQ(drops(), 0U);
}

TEST_F(PacketDeviation, ExpectedDestinationsDoNotCount) {
    expect_of_class(DeviationPolicy::block, 0.0F);
    tables.expected.insert(DestinationKey{address("203.0.113.7"), 5432, 1});
    publish();
    for (unsigned i = 0; i < 5; ++i) {
        send(Side::desktop, packet().ipv4(kDesktop, "203.0.113.7").tcp(40000 + i, 5432).syn());
    }
    EXPECT_EQ(sent(Side::upstream).size(), 5U);
    connect_to(7, 5433); // the same host, another port
    EXPECT_EQ(sent(Side::upstream).size(), 0U);
    EXPECT_EQ(reports<Deviated>().size(), 1U);
}

TEST_F(PacketDeviation, BudgetIsByApplicationType) {
    expect_of_class(DeviationPolicy::block, 1.0F);
    connect_to(1, 22);
    connect_to(2, 443);
    connect_to(3, 5432);
    EXPECT_EQ(sent(Side::upstream).size(), 3U);
    connect_to(4, 443);
    EXPECT_EQ(sent(Side::upstream).size(), 0U);
    send(Side::desktop,
         packet().ipv4(kDesktop, kFarServer).udp(5000, 443).payload("quic")); // web as well
    EXPECT_EQ(sent(Side::upstream).size(), 0U);
    EXPECT_EQ(count(DropReason::deviation), 2U);
}

TEST_F(PacketDeviation, ANewBucketBeginsAnew) {
    expect_of_class(DeviationPolicy::block, 1.0F);
    connect_to(1);
    connect_to(2);
    EXPECT_EQ(sent(Side::upstream).size(), 1U);
    tables.bucket = 2;
    publish();
    connect_to(3);
    EXPECT_EQ(sent(Side::upstream).size(), 1U);
    connect_to(4);
    EXPECT_EQ(sent(Side::upstream).size(), 0U);
}

TEST_F(PacketDeviation, WhoIsUnknownOrOffDoesNotDeviate) {
    expect_of_class(DeviationPolicy::off, 0.0F);
    connect_to(1);
    tables.pattern[1].policy = DeviationPolicy::block;
    tables.pattern[1].known = false; // too little history
    publish();
    connect_to(2);
    connect_to(3, 22, kOtherDesktop); // class 2 has no pattern
    EXPECT_EQ(sent(Side::upstream).size(), 3U);
    EXPECT_EQ(reports<Deviated>().size(), 0U);
}

TEST_F(PacketDeviation, AConnectionFirstTriedWhileCutIsComparedAllTheSame) {
    expect_of_class(DeviationPolicy::block, 0.0F);
    tables.desktop(kDesktop).state = SecondaryState::cut;
    publish();
    connect_to(1);
    EXPECT_EQ(count(DropReason::secondary_cut), 1U);
    tables.desktop(kDesktop).state = SecondaryState::open;
    publish();
    connect_to(1);
    EXPECT_EQ(count(DropReason::deviation), 1U);
    EXPECT_EQ(sent(Side::upstream).size(), 0U);
}

TEST_F(PacketDeviation, AFlowCountsOnceHoweverOftenTablesChange) {
    expect_of_class(DeviationPolicy::block, 1.0F);
    for (int i = 0; i < 5; ++i) {
        send(Side::desktop, packet().ipv4(kDesktop, kFarServer).udp(5000, 443).payload("quic"));
        publish();
    }
    EXPECT_EQ(sent(Side::upstream).size(), 5U);
    EXPECT_EQ(reports<Deviated>().size(), 0U);
}

TEST_F(PacketDeviation, WhatComesFromUpstreamIsNotTheDesktops) {
    expect_of_class(DeviationPolicy::block, 0.0F);
    send(Side::upstream, packet().ipv4(kServer, kDesktop).tcp(40000, 3389).syn());
    EXPECT_EQ(sent(Side::desktop).size(), 1U);
    EXPECT_EQ(reports<Deviated>().size(), 0U);
}

} // namespace
} // namespace foregate::packet_test
