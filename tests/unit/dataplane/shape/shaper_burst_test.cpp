// SPDX-License-Identifier: BSD-3-Clause
// Packets that go straight through: what they are charged and counted, and that nobody is passed.
#include <array>
#include <random>

#include "shape_simulation.h"

namespace foregate::dataplane::shape_test {
namespace {

void expect_equal(const ShareSnapshot& a, const ShareSnapshot& b) {
    EXPECT_EQ(a.guaranteed_bytes, b.guaranteed_bytes);
    EXPECT_EQ(a.excess_bytes, b.excess_bytes);
    EXPECT_EQ(a.dropped_packets, b.dropped_packets);
    EXPECT_EQ(a.backlog_bytes, b.backlog_bytes);
}

void expect_equal(const Shaper& a, const Shaper& b) {
    for (std::size_t i = 0; i < kTrafficClasses; ++i) {
        const ClassSnapshot of_a = a.class_stats(static_cast<TrafficClass>(i));
        const ClassSnapshot of_b = b.class_stats(static_cast<TrafficClass>(i));
        EXPECT_EQ(of_a.packets_in, of_b.packets_in);
        EXPECT_EQ(of_a.packets_sent, of_b.packets_sent);
        EXPECT_EQ(of_a.bytes_sent, of_b.bytes_sent);
        EXPECT_EQ(of_a.backlog_packets, of_b.backlog_packets);
        EXPECT_EQ(of_a.delay, of_b.delay);
    }
    for (uint32_t pipe = 0; pipe < a.max_pipes(); ++pipe) {
        expect_equal(a.pipe_stats(pipe), b.pipe_stats(pipe));
    }
    for (uint32_t allotment = 0; allotment < a.max_allotments(); ++allotment) {
        expect_equal(a.allotment_stats(allotment), b.allotment_stats(allotment));
    }
}

// Two schedulers, the same packets at the same times: offered to one, queued and taken from the other.
// While nothing has to wait for long, both say the same of every byte.
TEST(ShaperStraight, ChargesAndCountsAsIfItHadBeenQueued) {
    ShaperSettings settings = port_of(1000 * kMbit, 16);
    settings.max_allotments = 4;
    settings.frame_overhead_bytes = 24;
    Simulation offered(settings), queued(settings, Way::queued);
    std::mt19937 random(7);
    const auto below = [&](uint32_t n) { return static_cast<uint32_t>(random() % n); };
    for (Simulation* sim : {&offered, &queued}) {
        for (uint32_t pipe = 1; pipe < 16; ++pipe) { // some have a floor, some a ceiling, and at times they are above it
            sim->shaper.set_pipe(pipe, {(pipe % 3) * kMbit, (pipe % 4) * 20 * kMbit, pipe % 5}, sim->now_ns);
        }
        for (uint32_t allotment = 1; allotment < 4; ++allotment) {
            sim->shaper.set_allotment(allotment, allotment * 2 * kMbit, sim->now_ns);
        }
        for (uint32_t i = 0; i < 16; ++i) {
            const uint32_t allotment = i % 4;
            sim->add({.pipe = i, .allotment = allotment, .length = 64 + i * 80, .flow_hash = i,
                      .traffic_class = allotment != 0 ? TrafficClass::allotted : TrafficClass::regular});
        }
    }
    for (int round = 0; round < 20'000; ++round) {
        const uint32_t source = below(16);
        const uint64_t later = offered.now_ns + 1000 + below(100 * kMicro);
        for (Simulation* sim : {&offered, &queued}) {
            sim->now_ns = later;
            sim->take(64); // what had reached its ceiling
            sim->offer(source);
            sim->take(64);
        }
    }
    for (Simulation* sim : {&offered, &queued}) {
        sim->now_ns += kSecond;
        sim->take(64);
        sim->expect_all_accounted();
    }
    EXPECT_EQ(offered.order, queued.order);
    EXPECT_GT(offered.straight, 10'000U);
    EXPECT_LT(offered.straight, 20'000U); // some had to wait for their ceiling
    EXPECT_GT(offered.shaper.allotment_stats(1).guaranteed_bytes, 0U);
    EXPECT_GT(offered.shaper.allotment_stats(1).excess_bytes, 0U);
    EXPECT_GT(offered.shaper.pipe_stats(1).guaranteed_bytes, 0U);
    expect_equal(offered.shaper, queued.shaper);
}

TEST(ShaperStraight, IsTheWayWhileThePortIsFreeAndNobodyWaits) {
    Simulation sim(port_of(100 * kMbit)); // catches up 200 us: 2,500 bytes
    const uint32_t first = sim.add({.pipe = 1, .length = 1000, .stop_ns = 0});
    const uint32_t second = sim.add({.pipe = 2, .length = 1000, .stop_ns = 0});
    sim.now_ns += kMilli;
    sim.offer_burst({first, first, second, first, second});
    EXPECT_EQ(sim.straight, 3U); // then the port is busy
    EXPECT_EQ(sim.shaper.backlog_packets(), 2U);
    sim.now_ns += 80 * kMicro; // one more can go, and it is not the newcomer
    sim.offer_burst({second});
    EXPECT_EQ(sim.straight, 3U);
    sim.run_for(kMilli);
    EXPECT_EQ(sim.shaper.backlog_packets(), 0U);
    sim.offer_burst({second});
    EXPECT_EQ(sim.straight, 4U);
    sim.expect_all_accounted();
}

TEST(ShaperStraight, ADesktopAtItsCeilingStopsNobodyElse) {
    Simulation sim(port_of(1000 * kMbit));
    sim.shaper.set_pipe(1, {.ceiling_bps = kMbit}, sim.now_ns);
    const uint32_t slow = sim.add({.pipe = 1, .stop_ns = 0}), fast = sim.add({.pipe = 2, .stop_ns = 0});
    sim.now_ns += kMilli;
    sim.offer_burst({slow, slow, fast, slow, fast});
    EXPECT_EQ(sim.straight, 3U); // its first, and those of the other
    EXPECT_EQ(sim.sources[slow].queued, 2U);
    EXPECT_EQ(sim.sources[fast].delivered, 2U);
    sim.now_ns += 100 * kMilli; // its time has come twice over: those that wait go before a new one
    sim.offer_burst({slow});
    EXPECT_EQ(sim.straight, 3U);
    sim.run_for(kSecond);
    sim.expect_all_accounted();
    EXPECT_EQ(sim.shaper.backlog_packets(), 0U);
}

TEST(ShaperStraight, TakesNoMoreThanThePortHasRoomFor) {
    Simulation sim(port_of(0));
    const uint32_t s = sim.add({.pipe = 1});
    sim.offer_burst(std::vector<uint32_t>(10, s), 3);
    EXPECT_EQ(sim.straight, 3U);
    EXPECT_EQ(sim.shaper.backlog_packets(), 7U);
    EXPECT_EQ(sim.take(64), 7U);
    sim.expect_all_accounted();
}

TEST(ShaperStraight, ControlKeepsItsLaneAndWhatIsWrongIsRefused) {
    Simulation sim(port_of(1000 * kMbit, 8));
    const uint32_t control = sim.add({.length = 100, .traffic_class = TrafficClass::control});
    const uint32_t nobody = sim.add({.pipe = 8}), empty = sim.add({.pipe = 1, .length = 0});
    const uint32_t huge = sim.add({.pipe = 1, .length = kMaxPacketBytes + 1}), lost = sim.add({.pipe = 1, .allotment = 999});
    const uint32_t good = sim.add({.pipe = 1});
    EXPECT_EQ(sim.offer_burst({nobody, good, empty, huge, lost, control}), 4U);
    EXPECT_EQ(sim.shaper.last_refusal(), ShapeDrop::bad_request);
    EXPECT_EQ(sim.straight, 1U);
    EXPECT_EQ(sim.take(64), 1U);
    EXPECT_EQ(sim.sources[control].delivered, 1U);
    sim.expect_all_accounted();
}

// Overloads come and go: after each all slots are free again, and floors stand as they should.
TEST(ShaperStraight, EveryOverloadEndsWhereItBegan) {
    ShaperSettings settings = port_of(100 * kMbit, 8);
    settings.slots = 400 + settings.control_limit_packets;
    Simulation sim(settings);
    std::vector<uint32_t> sources;
    for (uint32_t pipe = 1; pipe < 8; ++pipe) {
        sim.shaper.set_pipe(pipe, {.floor_bps = 5 * kMbit}, sim.now_ns);
        sources.push_back(sim.add({.pipe = pipe, .length = 1000, .stop_ns = 0}));
    }
    for (int overload = 0; overload < 50; ++overload) {
        const uint64_t straight = sim.straight;
        for (int i = 0; i < 40; ++i) { // 280 packets in a moment
            EXPECT_EQ(sim.offer_burst(sources), 0U);
        }
        EXPECT_GT(sim.straight, straight);
        EXPECT_GT(sim.shaper.backlog_packets(), 270U);
        sim.run_for(40 * kMilli);
        EXPECT_EQ(sim.shaper.backlog_packets(), 0U);
        sim.now_ns += kMilli;
        for (const uint32_t source : sources) {
            sim.offer(source);
            sim.now_ns += kMilli;
        }
        EXPECT_EQ(sim.shaper.backlog_packets(), 0U);
    }
    for (const Source& s : sim.sources) {
        EXPECT_EQ(s.delivered, s.offered);
        EXPECT_GT(sim.shaper.pipe_stats(s.pipe).guaranteed_bytes, 50U * 1000);
    }
    sim.expect_all_accounted();
}

// A greedy desktop and a polite one: bursts of both, over and below what the port and their ceilings carry, in random
// rooms. No flow is reordered (the simulation's book asserts it), and both ways are taken many times.
TEST(ShaperStraight, OrderHoldsAcrossEveryChangeOfWay) {
    Simulation sim(port_of(500 * kMbit, 32));
    std::mt19937 random(11);
    const auto below = [&](uint32_t n) { return static_cast<uint32_t>(random() % n); };
    for (uint32_t i = 0; i < 96; ++i) { // three flows a desktop, one of them under an allotment
        sim.add({.pipe = i % 32, .allotment = i % 3 == 0 ? 1U : 0U, .length = 64 + below(1400), .flow_hash = i * 977,
                 .stop_ns = 0});
    }
    sim.shaper.set_allotment(1, 50 * kMbit, sim.now_ns);
    for (uint32_t pipe = 0; pipe < 32; pipe += 2) {
        sim.shaper.set_pipe(pipe, {kMbit, 30 * kMbit, 1}, sim.now_ns);
    }
    unsigned changes = 0;
    bool waited = false;
    for (int round = 0; round < 30'000; ++round) {
        sim.now_ns += below(100 * kMicro);
        std::vector<uint32_t> burst(1 + below(round % 1000 < 300 ? 12 : 2)); // 800 or 180 Mbit/s
        for (uint32_t& source : burst) {
            source = below(96);
        }
        sim.offer_burst(burst, 1 + below(64));
        sim.take(1 + below(64));
        changes += waited != (sim.shaper.backlog_packets() != 0) ? 1 : 0;
        waited = sim.shaper.backlog_packets() != 0;
    }
    sim.run_for(kSecond);
    sim.expect_all_accounted();
    EXPECT_GT(changes, 50U);
    EXPECT_GT(sim.straight, 10'000U);
    EXPECT_GT(sim.order.size() - sim.straight, 10'000U);
}

} // namespace
} // namespace foregate::dataplane::shape_test
