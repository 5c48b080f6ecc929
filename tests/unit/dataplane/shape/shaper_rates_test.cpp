// SPDX-License-Identifier: BSD-3-Clause
// The port's pace, ceilings, floors, weights and lending, on a simulated clock.
#include "shape_simulation.h"

namespace foregate::dataplane::shape_test {
namespace {

class ShaperPacing : public testing::TestWithParam<uint64_t> {};

TEST_P(ShaperPacing, KeepsThePortToItsRate) {
    const uint64_t rate = GetParam();
    Simulation sim(port_of(rate));
    const uint32_t s = sim.add({.pipe = 1, .depth = 256});
    const uint64_t window = std::max(200 * kMilli, 2000 * 12'000 * kSecond / rate);
    sim.run_for(window / 20, 20 * kMicro);
    sim.reset_book();
    sim.run_for(window, std::max<uint64_t>(20 * kMicro, window / 50'000));
    EXPECT_NEAR(sim.sources[s].mbps(window) / (static_cast<double>(rate) / 1e6), 1.0, 0.002);
    sim.expect_all_accounted();
}
INSTANTIATE_TEST_SUITE_P(Rates, ShaperPacing,
                         testing::Values(kMbit, 2 * kMbit, 10 * kMbit, 100 * kMbit, 1000 * kMbit,
                                         10'000 * kMbit));

class ShaperCeiling : public testing::TestWithParam<uint64_t> {};

TEST_P(ShaperCeiling, IsExact) {
    const uint64_t rate = GetParam();
    Simulation sim(port_of(10'000 * kMbit));
    ASSERT_TRUE(sim.shaper.set_pipe(1, {.ceiling_bps = rate}, sim.now_ns));
    const uint32_t s = sim.add({.pipe = 1, .depth = 128});
    const uint64_t window = std::max(200 * kMilli, 2000 * 12'000 * kSecond / rate);
    sim.run_for(window / 20, 20 * kMicro);
    sim.reset_book();
    sim.run_for(window, std::max<uint64_t>(20 * kMicro, window / 50'000));
    EXPECT_NEAR(sim.sources[s].mbps(window) / (static_cast<double>(rate) / 1e6), 1.0, 0.002);
}
INSTANTIATE_TEST_SUITE_P(Rates, ShaperCeiling,
                         testing::Values(kMbit, 5 * kMbit, 100 * kMbit, 1000 * kMbit,
                                         5000 * kMbit));

TEST(ShaperFloor, KeptUnderTwiceTheLoad) {
    Simulation sim(port_of(1000 * kMbit));
    sim.shaper.set_pipe(1, {.floor_bps = 400 * kMbit}, sim.now_ns);
    sim.shaper.set_pipe(2, {.floor_bps = 50 * kMbit}, sim.now_ns);
    const uint32_t first = sim.add({.pipe = 1, .rate_bps = 400 * kMbit});
    const uint32_t second = sim.add({.pipe = 2, .rate_bps = 50 * kMbit});
    for (uint32_t pipe = 3; pipe < 11; ++pipe) {
        sim.add({.pipe = pipe, .rate_bps = 200 * kMbit});
    }
    sim.run_for(200 * kMilli);
    sim.reset_book();
    sim.run_for(kSecond);
    EXPECT_NEAR(sim.sources[first].mbps(kSecond), 400.0, 2.0);
    EXPECT_NEAR(sim.sources[second].mbps(kSecond), 50.0, 0.5);
    EXPECT_EQ(sim.sources[first].dropped, 0U);
    EXPECT_LT(sim.sources[second].delay_us(0.99), 1000.0);
    sim.expect_all_accounted();
}

TEST(ShaperFloor, GreedyPipesGetFloorAndAFairPartOfTheRest) {
    Simulation sim(port_of(1000 * kMbit));
    sim.shaper.set_pipe(1, {.floor_bps = 400 * kMbit}, sim.now_ns);
    sim.shaper.set_pipe(2, {.floor_bps = 50 * kMbit}, sim.now_ns);
    const uint32_t first = sim.add({.pipe = 1});
    const uint32_t second = sim.add({.pipe = 2});
    sim.run_for(100 * kMilli);
    sim.reset_book();
    sim.run_for(kSecond);
    EXPECT_NEAR(sim.sources[first].mbps(kSecond), 400.0 + 275.0, 5.0);
    EXPECT_NEAR(sim.sources[second].mbps(kSecond), 50.0 + 275.0, 5.0);
}

TEST(ShaperFloor, MorePromisedThanThePortHasIsCutInProportion) {
    Simulation sim(port_of(300 * kMbit));
    sim.shaper.set_pipe(1, {.floor_bps = 400 * kMbit}, sim.now_ns);
    sim.shaper.set_pipe(2, {.floor_bps = 200 * kMbit}, sim.now_ns);
    sim.shaper.set_pipe(3, {.floor_bps = 100 * kMbit}, sim.now_ns);
    const uint32_t a = sim.add({.pipe = 1});
    const uint32_t b = sim.add({.pipe = 2});
    // Comes late: it must neither starve nor overtake.
    const uint32_t c = sim.add({.pipe = 3, .start_ns = sim.now_ns + 500 * kMilli});
    sim.run_for(500 * kMilli);
    EXPECT_NEAR(sim.sources[a].mbps(500 * kMilli), 200.0, 4.0);
    EXPECT_NEAR(sim.sources[b].mbps(500 * kMilli), 100.0, 4.0);
    sim.run_for(100 * kMilli);
    sim.reset_book();
    sim.run_for(kSecond);
    EXPECT_NEAR(sim.sources[a].mbps(kSecond), 300.0 * 4 / 7, 4.0);
    EXPECT_NEAR(sim.sources[b].mbps(kSecond), 300.0 * 2 / 7, 4.0);
    EXPECT_NEAR(sim.sources[c].mbps(kSecond), 300.0 * 1 / 7, 4.0);
}

TEST(ShaperFloor, AnOverloadThatEndsLeavesNoDebt) {
    Simulation sim(port_of(300 * kMbit));
    sim.shaper.set_pipe(1, {.floor_bps = 300 * kMbit}, sim.now_ns);
    sim.shaper.set_pipe(2, {.floor_bps = 300 * kMbit}, sim.now_ns);
    const uint32_t a = sim.add({.pipe = 1});
    sim.add({.pipe = 2});
    sim.run_for(2 * kSecond);
    sim.shaper.set_pipe(1, {.floor_bps = 30 * kMbit}, sim.now_ns);
    sim.shaper.set_pipe(2, {.floor_bps = 30 * kMbit}, sim.now_ns);
    const uint32_t other = sim.add({.pipe = 3});
    sim.run_for(500 * kMilli);
    sim.reset_book();
    sim.run_for(kSecond);
    EXPECT_NEAR(sim.sources[a].mbps(kSecond), 30.0 + 80.0, 3.0);
    EXPECT_NEAR(sim.sources[other].mbps(kSecond), 80.0, 3.0);
}

TEST(ShaperFloor, AboveItsCeilingCountsAsTheCeiling) {
    Simulation sim(port_of(100 * kMbit));
    sim.shaper.set_pipe(1, {.floor_bps = 50 * kMbit, .ceiling_bps = 10 * kMbit}, sim.now_ns);
    sim.shaper.set_pipe(2, {.floor_bps = 60 * kMbit}, sim.now_ns);
    const uint32_t capped = sim.add({.pipe = 1});
    const uint32_t other = sim.add({.pipe = 2});
    sim.run_for(100 * kMilli);
    sim.reset_book();
    sim.run_for(kSecond);
    EXPECT_NEAR(sim.sources[capped].mbps(kSecond), 10.0, 0.1);
    EXPECT_NEAR(sim.sources[other].mbps(kSecond), 90.0, 0.3);
}

TEST(ShaperLending, OneDesktopAloneGetsTheWholeLink) {
    Simulation sim(port_of(1000 * kMbit));
    for (uint32_t pipe = 1; pipe < 100; ++pipe) {
        sim.shaper.set_pipe(pipe, {.floor_bps = 10 * kMbit}, sim.now_ns);
    }
    sim.shaper.set_allotment(1, 500 * kMbit, sim.now_ns);
    const uint32_t s = sim.add({.pipe = 7, .depth = 256});
    sim.run_for(50 * kMilli);
    sim.reset_book();
    sim.run_for(kSecond);
    EXPECT_NEAR(sim.sources[s].mbps(kSecond), 1000.0, 2.0);
}

TEST(ShaperLending, WhatCeilingsLeaveGoesToTheOthers) {
    Simulation sim(port_of(1000 * kMbit));
    sim.shaper.set_pipe(1, {.ceiling_bps = 100 * kMbit}, sim.now_ns);
    sim.shaper.set_pipe(2, {.ceiling_bps = 50 * kMbit}, sim.now_ns);
    const uint32_t a = sim.add({.pipe = 1, .depth = 64});
    const uint32_t b = sim.add({.pipe = 2, .depth = 64});
    const uint32_t c = sim.add({.pipe = 3, .depth = 128});
    sim.run_for(100 * kMilli);
    sim.reset_book();
    sim.run_for(kSecond);
    EXPECT_NEAR(sim.sources[a].mbps(kSecond), 100.0, 0.2);
    EXPECT_NEAR(sim.sources[b].mbps(kSecond), 50.0, 0.1);
    EXPECT_NEAR(sim.sources[c].mbps(kSecond), 850.0, 2.0);
}

TEST(ShaperFairness, FiftyGreedyAndFiftyModest) {
    Simulation sim(port_of(10'000 * kMbit));
    std::vector<uint32_t> greedy, modest;
    for (uint32_t pipe = 1; pipe <= 50; ++pipe) {
        sim.shaper.set_pipe(pipe, {.floor_bps = 10 * kMbit}, sim.now_ns);
        sim.shaper.set_pipe(50 + pipe, {.floor_bps = 10 * kMbit}, sim.now_ns);
        greedy.push_back(sim.add({.pipe = pipe, .depth = 64}));
        modest.push_back(sim.add({.pipe = 50 + pipe, .rate_bps = 60 * kMbit}));
    }
    sim.run_for(20 * kMilli);
    sim.reset_book();
    const uint64_t window = 200 * kMilli;
    sim.run_for(window);
    for (const uint32_t s : greedy) {
        EXPECT_NEAR(sim.sources[s].mbps(window), 140.0, 3.0);
    }
    for (const uint32_t s : modest) {
        EXPECT_NEAR(sim.sources[s].mbps(window), 60.0, 1.0);
        EXPECT_EQ(sim.sources[s].dropped, 0U);
        EXPECT_LT(sim.sources[s].delay_us(0.99), 200.0);
    }
    sim.expect_all_accounted();
}

TEST(ShaperFairness, CeilingsEarnNoPrecedence) {
    Simulation sim(port_of(1000 * kMbit));
    std::vector<uint32_t> all;
    for (uint32_t pipe = 1; pipe <= 20; ++pipe) {
        sim.shaper.set_pipe(pipe, {.ceiling_bps = pipe <= 10 ? 90 * kMbit : 0}, sim.now_ns);
        all.push_back(sim.add({.pipe = pipe, .depth = 64}));
    }
    sim.run_for(100 * kMilli);
    sim.reset_book();
    sim.run_for(kSecond);
    for (const uint32_t s : all) {
        EXPECT_NEAR(sim.sources[s].mbps(kSecond), 50.0, 1.5);
    }
}

TEST(ShaperWeights, DivideTheExcess) {
    Simulation sim(port_of(700 * kMbit));
    std::vector<uint32_t> all;
    for (const uint32_t weight : {1U, 2U, 4U}) {
        sim.shaper.set_pipe(weight, {.weight = weight}, sim.now_ns);
        all.push_back(sim.add({.pipe = weight, .depth = 64}));
    }
    sim.run_for(100 * kMilli);
    sim.reset_book();
    sim.run_for(kSecond);
    EXPECT_NEAR(sim.sources[all[0]].mbps(kSecond), 100.0, 2.0);
    EXPECT_NEAR(sim.sources[all[1]].mbps(kSecond), 200.0, 3.0);
    EXPECT_NEAR(sim.sources[all[2]].mbps(kSecond), 400.0, 4.0);
}

TEST(ShaperChange, AlternatingCeilingsAddUpHonestly) {
    Simulation sim(port_of(1000 * kMbit));
    const uint32_t s = sim.add({.pipe = 1, .depth = 64});
    for (int round = 0; round < 200; ++round) {
        sim.shaper.set_pipe(1, {.ceiling_bps = (round % 2 == 0 ? 100 : 50) * kMbit}, sim.now_ns);
        sim.run_for(5 * kMilli);
    }
    EXPECT_NEAR(sim.sources[s].mbps(kSecond), 75.0, 0.3);
    EXPECT_EQ(sim.sources[s].refused, 0U);
    sim.expect_all_accounted();
}

TEST(ShaperChange, AlternatingFloorsAddUpHonestly) {
    Simulation sim(port_of(1000 * kMbit));
    const uint32_t s = sim.add({.pipe = 1, .depth = 64});
    sim.add({.pipe = 2, .depth = 64});
    sim.shaper.set_pipe(2, {.floor_bps = 900 * kMbit}, sim.now_ns);
    uint64_t guaranteed = 0;
    for (int round = 0; round < 200; ++round) {
        sim.shaper.set_pipe(1, {.floor_bps = (round % 2 == 0 ? 100 : 50) * kMbit}, sim.now_ns);
        sim.run_for(5 * kMilli);
        guaranteed = sim.shaper.pipe_stats(1).guaranteed_bytes;
    }
    EXPECT_NEAR(static_cast<double>(guaranteed) * 8 / 1e6, 75.0, 2.5); // and one burst of 20 ms
    EXPECT_GT(sim.sources[s].mbps(kSecond), 75.0);
}

TEST(ShaperChange, ReapplyingIsFree) {
    Simulation sim(port_of(1000 * kMbit));
    const uint32_t s = sim.add({.pipe = 1, .depth = 64});
    for (int round = 0; round < 1000; ++round) {
        sim.shaper.set_pipe(1, {.floor_bps = 10 * kMbit, .ceiling_bps = 50 * kMbit}, sim.now_ns);
        sim.shaper.set_link_rate(1000 * kMbit, sim.now_ns);
        sim.run_for(kMilli);
    }
    EXPECT_NEAR(sim.sources[s].mbps(kSecond), 50.0, 0.15);
}

TEST(ShaperChange, AVeryLowCeilingThatIsRaisedActsAtOnce) {
    Simulation sim(port_of(1000 * kMbit));
    sim.shaper.set_pipe(1, {.ceiling_bps = 1000}, sim.now_ns); // a packet takes 12 s
    const uint32_t s = sim.add({.pipe = 1, .depth = 64});
    sim.run_for(200 * kMilli);
    EXPECT_LE(sim.sources[s].delivered, 2U);
    const uint64_t before = sim.sources[s].delivered;
    sim.shaper.set_pipe(1, {.ceiling_bps = 100 * kMbit}, sim.now_ns);
    sim.run_for(10 * kMilli);
    EXPECT_GT(sim.sources[s].delivered, before + 70);
    sim.shaper.set_pipe(1, {}, sim.now_ns);
    sim.reset_book();
    sim.run_for(100 * kMilli);
    EXPECT_NEAR(sim.sources[s].mbps(100 * kMilli), 1000.0, 5.0);
}

TEST(ShaperChange, LinkRateActsInPlaceAndLosesNothing) {
    Simulation sim(port_of(10 * kMbit));
    const uint32_t s = sim.add({.pipe = 1, .depth = 16});
    sim.run_for(100 * kMilli);
    sim.shaper.set_link_rate(200 * kMbit, sim.now_ns);
    sim.run_for(10 * kMilli);
    sim.reset_book();
    sim.run_for(200 * kMilli);
    EXPECT_NEAR(sim.sources[s].mbps(200 * kMilli), 200.0, 1.0);
    sim.shaper.set_link_rate(0, sim.now_ns);
    sim.sources[s].stop_ns = sim.now_ns;
    sim.run_for(10 * kMicro);
    EXPECT_EQ(sim.shaper.backlog_packets(), 0U);
    sim.expect_all_accounted();
}

TEST(ShaperChange, UnknownIdsAreRefusedAndHarmNothing) {
    Simulation sim(port_of(10 * kMbit, 4));
    EXPECT_FALSE(sim.shaper.set_pipe(4, {}, sim.now_ns));
    EXPECT_FALSE(sim.shaper.set_allotment(0, kMbit, sim.now_ns));
    EXPECT_FALSE(sim.shaper.set_allotment(100'000, kMbit, sim.now_ns));
    const uint32_t s = sim.add({.pipe = 4});
    EXPECT_FALSE(sim.offer(s));
    EXPECT_EQ(sim.shaper.last_refusal(), ShapeDrop::bad_request);
    const uint32_t huge = sim.add({.pipe = 1, .length = UINT32_MAX});
    EXPECT_FALSE(sim.offer(huge));
    sim.expect_all_accounted();
}

} // namespace
} // namespace foregate::dataplane::shape_test
