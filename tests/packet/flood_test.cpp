// SPDX-License-Identifier: BSD-3-Clause
// One desktop's flood of new flows stays within its own share of the flow table.
#include "packet/gateway_rig.h"

namespace foregate::packet_test {
namespace {

using namespace dataplane;

class PacketFlood : public GatewayTest {
protected:
    PacketFlood() { settings.new_flows = {.per_second = 1000, .burst = 4000, .flows = 600, .half_open = 100}; }

    PacketBuilder syn(const std::string& from, unsigned port, unsigned to = 443) {
        return packet().ipv4(from, kServer).tcp(port, to).syn().seq(100);
    }
    /// A connection that is established; what it sent is taken away.
    void establish(const std::string& from, unsigned port) {
        send(Side::desktop, syn(from, port));
        send(Side::upstream, packet().ipv4(kServer, from).tcp(443, port).syn().seq(900).ack(101));
        send(Side::desktop, packet().ipv4(from, kServer).tcp(port, 443).seq(101).ack(901));
        ASSERT_EQ(sent(Side::upstream).size(), 2U);
        ASSERT_EQ(sent(Side::desktop).size(), 1U);
    }
    bool still_passes(const std::string& from, unsigned port) {
        const std::uint32_t before = flows();
        send(Side::desktop, packet().ipv4(from, kServer).tcp(port, 443).seq(101).ack(901).payload("data"));
        return sent(Side::upstream).size() == 1 && flows() == before; // not made anew
    }
    /// SYNs one after the other, a millisecond apart each 20.
    void flood(const std::string& from, unsigned count) {
        for (unsigned i = 0; i < count; ++i) {
            arrive(Side::desktop, syn(from, 1024 + i % 60000, 80 + i / 60000));
            if (i % 20 == 19) {
                run();
                now_ns += kMs;
                sent(Side::upstream);
            }
        }
        run();
        sent(Side::upstream);
    }
};

TEST_F(PacketFlood, OfSynsTurnsOverItsOwnShareOnly) {
    establish(kDesktop, 50001);
    establish(kTwinDesktop, 50001);
    send(Side::desktop, syn(kOtherDesktop, 50002)); // half-open, of a calm desktop
    EXPECT_EQ(sent(Side::upstream).size(), 1U);
    const std::uint32_t before = flows();
    flood(kDesktop, 2000);
    EXPECT_EQ(flows(), before + 100) << "its half-open share";
    EXPECT_EQ(count(Counter::half_open_ended), 1900U);
    EXPECT_EQ(count(DropReason::flow_table_full), 0U);
    EXPECT_TRUE(still_passes(kDesktop, 50001)) << "its own established one";
    EXPECT_TRUE(still_passes(kTwinDesktop, 50001));
    // The answer to the calm desktop's SYN still finds its flow.
    const std::uint32_t now = flows();
    send(Side::upstream, packet().ipv4(kServer, kOtherDesktop).tcp(443, 50002).syn().seq(900).ack(101));
    EXPECT_EQ(only(Side::desktop).dst(), kOtherDesktop);
    EXPECT_EQ(flows(), now);
    establish(kTwinDesktop, 50003); // and new ones begin
    establish(kDesktop, 50004);     // even the flooding desktop's
}

TEST_F(PacketFlood, IsLimitedInItsRateByItself) {
    for (unsigned i = 0; i < 5000; ++i) {
        arrive(Side::desktop, packet().ipv4(kDesktop, kServer).udp(1024 + i, 9).payload("x"));
        if (i % 100 == 99) {
            run(); // the clock stands still
            sent(Side::upstream);
        }
    }
    EXPECT_EQ(flows(), 600U);
    EXPECT_EQ(count(DropReason::flow_limit), 4400U);
    sweep_flows();
    pass(130 * kSecond, kSecond); // they age
    sweep_flows();
    EXPECT_EQ(flows(), 0U);
    const std::uint64_t dropped = drops();
    send(Side::desktop, packet().ipv4(kDesktop, kServer).udp(1024, 9).payload("again"));
    EXPECT_EQ(sent(Side::upstream).size(), 1U) << "what has aged is its own again";
    EXPECT_EQ(drops(), dropped);
}

class PacketFloodRate : public PacketFlood {
protected:
    PacketFloodRate() { settings.new_flows = {.per_second = 10, .burst = 50, .flows = 0, .half_open = 0}; }
};

TEST_F(PacketFloodRate, NewFlowsPerSecond) {
    const auto knock = [&](const std::string& from, unsigned port) {
        send(Side::desktop, packet().ipv4(from, kServer).udp(port, 9).payload("x"));
        return sent(Side::upstream).size();
    };
    std::size_t passed = 0;
    for (unsigned i = 0; i < 200; ++i) {
        passed += knock(kDesktop, 2000 + i);
    }
    EXPECT_EQ(passed, 50U);
    EXPECT_EQ(count(DropReason::new_flow_rate), 150U);
    EXPECT_EQ(knock(kTwinDesktop, 2000), 1U) << "another desktop's";
    EXPECT_EQ(knock(kDesktop, 2000), 1U) << "a flow that is there";
    now_ns += kSecond / 10;
    EXPECT_EQ(knock(kDesktop, 2190), 1U) << "one more a tenth of a second later";
    EXPECT_EQ(knock(kDesktop, 2191), 0U);
}

class PacketFloodFull : public PacketFlood {
protected:
    PacketFloodFull() { settings.new_flows = {.per_second = 0, .burst = 0, .flows = 0, .half_open = 60000}; }
};

/// No limit but the table itself: half-open connections give way, established ones never.
TEST_F(PacketFloodFull, AFullTableKeepsWhatIsEstablished) {
    establish(kTwinDesktop, 50001);
    establish(kOtherDesktop, 50001);
    flood(kDesktop, 3000);
    EXPECT_EQ(count(DropReason::flow_table_full), 0U);
    EXPECT_LE(flows(), settings.flows_per_worker);
    EXPECT_TRUE(still_passes(kTwinDesktop, 50001));
    EXPECT_TRUE(still_passes(kOtherDesktop, 50001));
    establish(kTwinDesktop, 50002); // the flood's oldest gives way
    EXPECT_TRUE(still_passes(kTwinDesktop, 50002));
}

TEST_F(PacketFlood, WithinOneBurstNoFlowIsTakenFromUnderAPacket) {
    for (unsigned i = 0; i < 150; ++i) { // all in the same millisecond
        arrive(Side::desktop, syn(kDesktop, 1024 + i));
    }
    run();
    EXPECT_EQ(sent(Side::upstream).size(), 100U);
    EXPECT_EQ(count(DropReason::flow_limit), 50U);
    EXPECT_EQ(flows(), 100U);
}

} // namespace
} // namespace foregate::packet_test
