// SPDX-License-Identifier: BSD-3-Clause
// Allotments under overload, and the control lane.
#include "shape_simulation.h"

namespace foregate::dataplane::shape_test {
namespace {

// Eight greedy desktops on a 100 Mbit/s port; what is tested comes beside them.
class ShaperOverload : public testing::Test {
protected:
    ShaperOverload() : sim(port_of(100 * kMbit)) {
        for (uint32_t pipe = 1; pipe <= 8; ++pipe) {
            sim.shaper.set_pipe(pipe, {.floor_bps = kMbit}, sim.now_ns);
            greedy.push_back(sim.add({.pipe = pipe, .depth = 64}));
        }
    }
    void measure(uint64_t window) {
        sim.run_for(300 * kMilli);
        sim.reset_book();
        sim.run_for(window);
    }
    Simulation sim;
    std::vector<uint32_t> greedy;
};

TEST_F(ShaperOverload, AllotmentKeepsItsRateWithLowDelay) {
    sim.shaper.set_allotment(1, 30 * kMbit, sim.now_ns);
    std::vector<uint32_t> allotted; // of desktops that are greedy beside it
    for (uint32_t pipe = 1; pipe <= 4; ++pipe) {
        allotted.push_back(sim.add({.pipe = pipe,
                                    .allotment = 1,
                                    .rate_bps = 7 * kMbit,
                                    .traffic_class = TrafficClass::allotted}));
    }
    measure(kSecond);
    for (const uint32_t s : allotted) {
        EXPECT_NEAR(sim.sources[s].mbps(kSecond), 7.0, 0.1);
        EXPECT_EQ(sim.sources[s].dropped, 0U);
        EXPECT_LT(sim.sources[s].delay_us(0.99), 1000.0); // eight packets at 100 Mbit/s
    }
    const ClassSnapshot stats = sim.shaper.class_stats(TrafficClass::allotted);
    EXPECT_LT(delay_quantile_us(stats.delay, 0.99), 1024.0);
    const ClassSnapshot regular = sim.shaper.class_stats(TrafficClass::regular);
    EXPECT_GT(delay_quantile_us(regular.delay, 0.5), 1024.0);
    // A fresh allotment has nothing saved up: of its first packets some may go as excess.
    EXPECT_LE(sim.shaper.allotment_stats(1).excess_bytes, 4U * 1500);
    sim.expect_all_accounted();
}

TEST_F(ShaperOverload, OverrunGetsTheAllotmentAndItsFairPartOfTheRest) {
    sim.shaper.set_allotment(1, 20 * kMbit, sim.now_ns);
    sim.shaper.set_allotment(2, 20 * kMbit, sim.now_ns);
    // Desktop 9 uses less than its destination's allotment, desktop 10 far more.
    const uint32_t within = sim.add({.pipe = 9,
                                     .allotment = 1,
                                     .rate_bps = 15 * kMbit,
                                     .traffic_class = TrafficClass::allotted});
    const uint32_t beyond = sim.add(
        {.pipe = 10, .allotment = 2, .depth = 128, .traffic_class = TrafficClass::allotted});
    measure(kSecond);
    EXPECT_NEAR(sim.sources[within].mbps(kSecond), 15.0, 0.2);
    EXPECT_LT(sim.sources[within].delay_us(0.99), 1000.0);
    // 100 - 15 - 20 - 8 x 1 are left for nine pipes.
    EXPECT_NEAR(sim.sources[beyond].mbps(kSecond), 20.0 + 57.0 / 9, 1.0);
    EXPECT_NEAR(static_cast<double>(sim.shaper.allotment_stats(2).guaranteed_bytes) * 8e-6 / 1.3,
                20.0, 0.6);
    EXPECT_GT(sim.shaper.allotment_stats(2).excess_bytes, 0U);
    sim.expect_all_accounted();
}

TEST_F(ShaperOverload, OverrunGetsAllThatIsIdle) {
    sim.shaper.set_allotment(2, 20 * kMbit, sim.now_ns);
    for (const uint32_t s : greedy) {
        sim.sources[s].rate_bps = 2 * kMbit;
        sim.sources[s].next_send_ns = sim.now_ns;
    }
    const uint32_t beyond = sim.add({.pipe = 10, .allotment = 2, .depth = 128});
    measure(kSecond);
    EXPECT_NEAR(sim.sources[beyond].mbps(kSecond), 84.0, 0.5);
    for (const uint32_t s : greedy) {
        EXPECT_NEAR(sim.sources[s].mbps(kSecond), 2.0, 0.1);
    }
}

TEST_F(ShaperOverload, AllotmentIsSharedFairlyByItsDesktops) {
    sim.shaper.set_allotment(1, 40 * kMbit, sim.now_ns);
    const uint32_t small = sim.add({.pipe = 20, .allotment = 1, .length = 300, .depth = 64});
    const uint32_t large = sim.add({.pipe = 21, .allotment = 1, .depth = 64});
    measure(kSecond);
    const double ratio = sim.sources[small].mbps(kSecond) / sim.sources[large].mbps(kSecond);
    EXPECT_NEAR(ratio, 1.0, 0.05);
    EXPECT_GT(sim.sources[small].mbps(kSecond), 20.0);
}

TEST_F(ShaperOverload, CeilingBoundsTheAllottedTraffic) {
    sim.shaper.set_allotment(1, 50 * kMbit, sim.now_ns);
    sim.shaper.set_pipe(20, {.ceiling_bps = 5 * kMbit}, sim.now_ns);
    const uint32_t capped = sim.add({.pipe = 20, .allotment = 1, .depth = 64});
    const uint32_t other = sim.add({.pipe = 21, .allotment = 1, .depth = 64});
    measure(kSecond);
    EXPECT_NEAR(sim.sources[capped].mbps(kSecond), 5.0, 0.1);
    EXPECT_GT(sim.sources[other].mbps(kSecond), 45.0);
}

TEST_F(ShaperOverload, RemovedAllotmentStillDeliversItsQueue) {
    sim.shaper.set_allotment(1, 30 * kMbit, sim.now_ns);
    const uint32_t s = sim.add({.pipe = 9, .allotment = 1, .depth = 64});
    sim.run_for(100 * kMilli);
    ASSERT_GT(sim.sources[s].queued, 30U);
    sim.shaper.remove_allotment(1, sim.now_ns);
    const uint64_t guaranteed = sim.shaper.allotment_stats(1).guaranteed_bytes;
    sim.sources[s].stop_ns = sim.now_ns;
    sim.run_for(300 * kMilli);
    EXPECT_EQ(sim.sources[s].queued, 0U);
    EXPECT_EQ(sim.shaper.allotment_stats(1).guaranteed_bytes, guaranteed);
    EXPECT_EQ(sim.shaper.allotment_stats(1).backlog_bytes, 0U);
    sim.expect_all_accounted();
}

TEST_F(ShaperOverload, AllotmentGivenToAWaitingQueueActsAtOnce) {
    const uint32_t s = sim.add({.pipe = 9, .allotment = 1, .depth = 64});
    measure(200 * kMilli);
    EXPECT_LT(sim.sources[s].mbps(200 * kMilli), 13.0);
    sim.shaper.set_allotment(1, 50 * kMbit, sim.now_ns);
    measure(200 * kMilli);
    EXPECT_GT(sim.sources[s].mbps(200 * kMilli), 50.0);
}

TEST_F(ShaperOverload, AllotmentsAndFloorsBeyondThePortAllGetSomething) {
    sim.shaper.set_allotment(1, 100 * kMbit, sim.now_ns);
    sim.shaper.set_allotment(2, 50 * kMbit, sim.now_ns);
    sim.shaper.set_pipe(30, {.floor_bps = 50 * kMbit}, sim.now_ns);
    const uint32_t a = sim.add({.pipe = 9, .allotment = 1, .depth = 64});
    const uint32_t b = sim.add({.pipe = 10, .allotment = 2, .depth = 64});
    const uint32_t c = sim.add({.pipe = 30, .depth = 64});
    measure(kSecond);
    EXPECT_NEAR(sim.sources[a].mbps(kSecond), 100.0 * 100 / 208, 2.0);
    EXPECT_NEAR(sim.sources[b].mbps(kSecond), 100.0 * 50 / 208, 2.0);
    EXPECT_NEAR(sim.sources[c].mbps(kSecond), 100.0 * 50 / 208, 2.0);
    for (const uint32_t s : greedy) {
        EXPECT_GT(sim.sources[s].delivered, 0U);
        EXPECT_NEAR(sim.sources[s].mbps(kSecond), 100.0 * 1 / 208, 0.2);
    }
}

TEST_F(ShaperOverload, ControlGoesFirstWithinItsShare) {
    const uint32_t control =
        sim.add({.rate_bps = 2 * kMbit, .length = 64, .traffic_class = TrafficClass::control});
    measure(kSecond);
    EXPECT_NEAR(sim.sources[control].mbps(kSecond), 2.0, 0.05);
    EXPECT_LT(sim.sources[control].delay_us(1.0), 150.0);
}

TEST_F(ShaperOverload, ControlCannotStarveAnybody) {
    const uint32_t control =
        sim.add({.rate_bps = 80 * kMbit, .length = 500, .traffic_class = TrafficClass::control});
    measure(kSecond);
    EXPECT_NEAR(sim.sources[control].mbps(kSecond), 10.0, 0.3);
    double others = 0;
    for (const uint32_t s : greedy) {
        others += sim.sources[s].mbps(kSecond);
    }
    EXPECT_NEAR(others, 90.0, 1.0);
    EXPECT_GT(sim.shaper.class_stats(TrafficClass::control)
                  .dropped[static_cast<std::size_t>(ShapeDrop::control_limit)],
              0U);
    sim.expect_all_accounted();
}

TEST(ShaperControl, UsesAnIdlePortBeyondItsShare) {
    Simulation sim(port_of(100 * kMbit));
    const uint32_t control =
        sim.add({.rate_bps = 50 * kMbit, .length = 500, .traffic_class = TrafficClass::control});
    sim.run_for(200 * kMilli);
    EXPECT_NEAR(sim.sources[control].mbps(200 * kMilli), 50.0, 0.5);
    EXPECT_EQ(sim.sources[control].refused, 0U);
}

} // namespace
} // namespace foregate::dataplane::shape_test
