// SPDX-License-Identifier: BSD-3-Clause
#include "wire_direction.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

#include "wire_settings.h"

namespace foregate::lab {
namespace {

constexpr std::int64_t kStart = 1'000'000'000;
constexpr std::int64_t kMs = 1'000'000;

WireParameters parameters_of(const std::string& settings) {
    WireParameters up;
    WireParameters down;
    std::size_t from = 0;
    while (from < settings.size()) {
        const std::size_t to = std::min(settings.find(' ', from), settings.size());
        apply_setting(settings.substr(from, to - from), up, down);
        from = to + 1;
    }
    return up;
}

std::vector<std::uint32_t> drain(WireDirection& wire, std::int64_t now_ns) {
    std::vector<std::uint32_t> slots;
    while (const auto frame = wire.take_due(now_ns)) {
        slots.push_back(frame->slot);
    }
    return slots;
}

TEST(WireDirection, HoldsAFrameForTheDelayAndNoLonger) {
    WireDirection wire(parameters_of("delay-ms=20"), 1);
    EXPECT_FALSE(wire.next_due_ns().has_value());
    ASSERT_TRUE(wire.offer(7, 100, kStart));
    EXPECT_EQ(wire.next_due_ns(), kStart + 20 * kMs);
    EXPECT_TRUE(drain(wire, kStart + 20 * kMs - 1).empty());
    EXPECT_EQ(drain(wire, kStart + 20 * kMs), std::vector<std::uint32_t>{7});
    EXPECT_EQ(wire.statistics.frames_out, 1U);
}

TEST(WireDirection, RateSpacesFramesByTheirLength) {
    WireDirection wire(parameters_of("delay-ms=0 rate=8M queue-ms=100"), 1); // 1000 bytes take 1 ms
    for (std::uint32_t slot = 0; slot < 3; ++slot) {
        ASSERT_TRUE(wire.offer(slot, 1000, kStart));
    }
    EXPECT_EQ(wire.next_due_ns(), kStart + 1 * kMs);
    EXPECT_EQ(drain(wire, kStart + 2 * kMs), (std::vector<std::uint32_t>{0, 1}));
    EXPECT_EQ(wire.queued_bytes(), 1000U);
    EXPECT_EQ(drain(wire, kStart + 3 * kMs), std::vector<std::uint32_t>{2});
}

TEST(WireDirection, ALateWakeUpDoesNotLowerTheRate) {
    WireDirection wire(parameters_of("delay-ms=5 rate=8M"), 1);
    for (std::uint32_t slot = 0; slot < 10; ++slot) {
        wire.offer(slot, 1000, kStart);
    }
    EXPECT_EQ(drain(wire, kStart + 15 * kMs).size(), 10U); // 10 ms on the link and 5 ms of delay
    EXPECT_FALSE(wire.next_due_ns().has_value());
}

TEST(WireDirection, TheQueueDropsItsTail) {
    WireDirection wire(parameters_of("rate=8M queue-bytes=2500"), 1);
    EXPECT_TRUE(wire.offer(0, 1000, kStart));
    EXPECT_TRUE(wire.offer(1, 1000, kStart));
    EXPECT_FALSE(wire.offer(2, 1000, kStart));
    EXPECT_EQ(wire.statistics.queue_full, 1U);
    EXPECT_TRUE(wire.offer(3, 1000, kStart + 1 * kMs)); // one has left by now
    EXPECT_EQ(drain(wire, kStart + 1000 * kMs), (std::vector<std::uint32_t>{0, 1, 3}));
}

TEST(WireDirection, OrderIsKeptWhenTheDelayShrinks) {
    WireDirection wire(parameters_of("delay-ms=20"), 1);
    wire.offer(0, 100, kStart);
    wire.set_parameters(parameters_of("delay-ms=1"), kStart + 1 * kMs);
    wire.offer(1, 100, kStart + 1 * kMs);
    EXPECT_EQ(drain(wire, kStart + 100 * kMs), (std::vector<std::uint32_t>{0, 1}));
}

TEST(WireDirection, OrderIsKeptWhenTheRateIsTakenAway) {
    WireDirection wire(parameters_of("delay-ms=0 rate=80k"), 1); // 1000 bytes take 100 ms
    for (std::uint32_t slot = 0; slot < 4; ++slot) {
        wire.offer(slot, 200, kStart);
    }
    wire.set_parameters(parameters_of("delay-ms=0"), kStart + 30 * kMs);
    wire.offer(9, 200, kStart + 30 * kMs);
    EXPECT_EQ(drain(wire, kStart + 30 * kMs), (std::vector<std::uint32_t>{0, 1, 2, 3, 9}));
}

TEST(WireDirection, ReorderedFramesAreOvertaken) {
    WireDirection wire(parameters_of("delay-ms=10 reorder=1 reorder-extra-ms=5"), 1);
    wire.offer(0, 100, kStart);
    wire.set_parameters(parameters_of("delay-ms=10"), kStart);
    wire.offer(1, 100, kStart);
    EXPECT_EQ(drain(wire, kStart + 100 * kMs), (std::vector<std::uint32_t>{1, 0}));
    EXPECT_EQ(wire.statistics.reordered, 1U);
}

TEST(WireDirection, LossIsRandomButTheSameForOneSeed) {
    const auto lost_slots = [](std::uint64_t seed) {
        WireDirection wire(parameters_of("loss=0.3"), seed);
        std::vector<std::uint32_t> lost;
        for (std::uint32_t slot = 0; slot < 200; ++slot) {
            if (!wire.offer(slot, 100, kStart)) {
                lost.push_back(slot);
            }
        }
        EXPECT_EQ(wire.statistics.lost, lost.size());
        return lost;
    };
    EXPECT_EQ(lost_slots(5), lost_slots(5));
    EXPECT_NE(lost_slots(5), lost_slots(6));
    EXPECT_GT(lost_slots(5).size(), 20U);
    EXPECT_LT(lost_slots(5).size(), 120U);
}

TEST(WireDirection, ACutWirePassesNothingNew) {
    WireDirection wire(parameters_of("delay-ms=1"), 1);
    wire.offer(0, 100, kStart);
    wire.set_parameters(parameters_of("delay-ms=1 cut=1"), kStart);
    EXPECT_FALSE(wire.offer(1, 100, kStart));
    EXPECT_EQ(drain(wire, kStart + 10 * kMs), std::vector<std::uint32_t>{0});
    EXPECT_EQ(wire.statistics.cut, 1U);
}

TEST(WireSettings, OneDirectionOrBoth) {
    WireParameters up;
    WireParameters down;
    apply_setting("up.rate=10M", up, down);
    apply_setting("down.delay-ms=1.5", up, down);
    apply_setting("queue-bytes=64k", up, down);
    EXPECT_EQ(up.rate_bps, 10'000'000U);
    EXPECT_EQ(down.rate_bps, 0U);
    EXPECT_EQ(down.delay_ns, 1'500'000U);
    EXPECT_EQ(up.delay_ns, 20'000'000U);
    EXPECT_EQ(up.queue_bytes, 64'000U);
    EXPECT_EQ(down.queue_bytes, 64'000U);
}

TEST(WireSettings, MistakesAreRefused) {
    WireParameters up;
    WireParameters down;
    for (const char* wrong : {"rate", "speed=1", "loss=1.1", "loss=-0.1", "delay-ms=-1",
                              "delay-ms=x", "rate=5x", "cut=2", "up.=1", "rate="}) {
        EXPECT_THROW(apply_setting(wrong, up, down), std::invalid_argument) << wrong;
    }
}

} // namespace
} // namespace foregate::lab
