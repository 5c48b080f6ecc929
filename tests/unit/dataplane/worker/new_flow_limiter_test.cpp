// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/worker/new_flow_limiter.h"

#include <gtest/gtest.h>

#include <set>

namespace foregate::dataplane {
namespace {

using Answer = NewFlowLimiter::Answer;
using Now = NewFlowLimiter::Now;

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kStart = 100 * kSecond;

IpAddress desktop(std::uint32_t number) { return IpAddress::from_v4(0x0a0a0000U + number); }

/// Stands for the flow table: the half-open flows by number.
struct HalfOpen {
    std::set<std::uint32_t> flows;
    std::set<std::uint32_t> busy;
    auto look() const {
        return [this](std::uint32_t flow, std::uint32_t) noexcept {
            return busy.contains(flow) ? Now::busy : flows.contains(flow) ? Now::half_open : Now::gone;
        };
    }
};

TEST(NewFlowLimiter, BurstThenRateForEachDesktopByItself) {
    NewFlowLimiter limiter({.per_second = 10, .burst = 5, .flows = 0, .half_open = 0}, 64, 1024, 7);
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(limiter.admit(desktop(1), kStart), Answer::admit) << i;
    }
    EXPECT_EQ(limiter.admit(desktop(1), kStart), Answer::too_fast);
    EXPECT_EQ(limiter.admit(desktop(2), kStart), Answer::admit) << "another desktop";
    EXPECT_EQ(limiter.admit(desktop(1), kStart + kSecond / 10), Answer::admit) << "one token later";
    EXPECT_EQ(limiter.admit(desktop(1), kStart + kSecond / 10), Answer::too_fast);
    int admitted = 0;
    while (limiter.admit(desktop(1), kStart + 10 * kSecond) == Answer::admit) {
        ++admitted;
    }
    EXPECT_EQ(admitted, 5) << "a pause saves no more than the burst";
}

TEST(NewFlowLimiter, WithoutLimitsEverythingPasses) {
    NewFlowLimiter limiter({}, 64, 1024, 7);
    const HalfOpen table;
    for (std::uint32_t i = 0; i < 10'000; ++i) {
        ASSERT_EQ(limiter.admit(desktop(1), kStart), Answer::admit);
        ASSERT_TRUE(limiter.make_room(desktop(1), table.look()).granted);
        limiter.begun(desktop(1), kStart);
        limiter.half_open(desktop(1), i, 0);
    }
    EXPECT_FALSE(limiter.give_way(desktop(1), table.look()));
}

TEST(NewFlowLimiter, FlowsAtOnceComeBackWhenTheyEnd) {
    NewFlowLimiter limiter({.per_second = 0, .burst = 0, .flows = 3, .half_open = 0}, 64, 1024, 7);
    for (int i = 0; i < 3; ++i) {
        ASSERT_EQ(limiter.admit(desktop(1), kStart), Answer::admit);
        limiter.begun(desktop(1), kStart);
    }
    EXPECT_EQ(limiter.flows_of(desktop(1)), 3U);
    EXPECT_EQ(limiter.admit(desktop(1), kStart), Answer::too_many);
    EXPECT_EQ(limiter.admit(desktop(2), kStart), Answer::admit);
    limiter.ended(desktop(1));
    EXPECT_EQ(limiter.admit(desktop(1), kStart), Answer::admit);
    for (int i = 0; i < 10; ++i) { // more ends than beginnings do no harm
        limiter.ended(desktop(1));
    }
    EXPECT_EQ(limiter.flows_of(desktop(1)), 0U);
}

TEST(NewFlowLimiter, TheOldestHalfOpenGivesWayToTheDesktopsOwnNext) {
    NewFlowLimiter limiter({.per_second = 0, .burst = 0, .flows = 0, .half_open = 4}, 64, 1024, 7);
    HalfOpen table;
    for (std::uint32_t flow = 0; flow < 4; ++flow) {
        ASSERT_EQ(limiter.make_room(desktop(1), table.look()).victim, std::nullopt);
        limiter.begun(desktop(1), kStart);
        limiter.half_open(desktop(1), flow, flow);
        table.flows.insert(flow);
    }
    table.flows.erase(0); // established: it gives way to nobody, and is forgotten
    EXPECT_EQ(limiter.make_room(desktop(1), table.look()).victim, std::nullopt);
    limiter.half_open(desktop(1), 10, 10);
    table.flows.insert(10);
    EXPECT_EQ(limiter.make_room(desktop(1), table.look()).victim, 1U);
    limiter.half_open(desktop(1), 11, 11);
    EXPECT_EQ(limiter.make_room(desktop(2), table.look()).victim, std::nullopt) << "others have their own";
}

TEST(NewFlowLimiter, NoRoomWhileTheOldestIsBusy) {
    NewFlowLimiter limiter({.per_second = 0, .burst = 0, .flows = 0, .half_open = 2}, 64, 1024, 7);
    HalfOpen table;
    for (const std::uint32_t flow : {1U, 2U}) {
        limiter.begun(desktop(1), kStart);
        limiter.half_open(desktop(1), flow, 0);
        table.flows.insert(flow);
    }
    table.busy = {1};
    EXPECT_FALSE(limiter.make_room(desktop(1), table.look()).granted);
    EXPECT_EQ(limiter.give_way(desktop(1), table.look()), std::nullopt);
    table.busy.clear();
    const auto room = limiter.make_room(desktop(1), table.look());
    EXPECT_TRUE(room.granted);
    EXPECT_EQ(room.victim, 1U) << "it was not forgotten";
}

TEST(NewFlowLimiter, BirthTellsAReusedPlaceFromTheFlowThatWasThere) {
    NewFlowLimiter limiter({.per_second = 0, .burst = 0, .flows = 0, .half_open = 1}, 64, 1024, 7);
    limiter.begun(desktop(1), kStart);
    limiter.half_open(desktop(1), 5, 1000);
    const auto born_later = [](std::uint32_t flow, std::uint32_t born_ms) noexcept {
        return flow == 5 && born_ms == 2000 ? Now::half_open : Now::gone;
    };
    EXPECT_EQ(limiter.make_room(desktop(1), born_later).victim, std::nullopt);
}

TEST(NewFlowLimiter, InAFullTableOwnFirstThenTheOneWithTheMost) {
    NewFlowLimiter limiter({.per_second = 0, .burst = 0, .flows = 0, .half_open = 100}, 64, 1024, 7);
    HalfOpen table;
    const auto open = [&](std::uint32_t who, std::uint32_t first, std::uint32_t count) {
        for (std::uint32_t flow = first; flow < first + count; ++flow) {
            limiter.begun(desktop(who), kStart);
            limiter.half_open(desktop(who), flow, 0);
            table.flows.insert(flow);
        }
    };
    open(1, 100, 50); // floods
    open(2, 500, 1);
    EXPECT_EQ(limiter.give_way(desktop(2), table.look()), 500U) << "its own";
    EXPECT_EQ(limiter.give_way(desktop(2), table.look()), 100U) << "it has none: the flood's oldest";
    EXPECT_EQ(limiter.give_way(desktop(3), table.look()), 101U) << "one that never had any";
    EXPECT_EQ(limiter.give_way(desktop(1), table.look()), 102U);
    table.flows.clear(); // all established
    for (int i = 0; i < 10; ++i) {
        EXPECT_EQ(limiter.give_way(desktop(1), table.look()), std::nullopt);
    }
}

TEST(NewFlowLimiter, MemoryForHalfOpenIsBoundedAndTheFloodPaysForIt) {
    constexpr std::uint32_t kPlaces = 8192; // 1024 entries
    NewFlowLimiter limiter({.per_second = 0, .burst = 0, .flows = 0, .half_open = 2000}, 64, kPlaces, 7);
    HalfOpen table;
    limiter.begun(desktop(2), kStart);
    limiter.half_open(desktop(2), 7, 0);
    table.flows.insert(7);
    std::uint32_t gave_way = 0;
    for (std::uint32_t flow = 1000; flow < 6000; ++flow) {
        if (const auto victim = limiter.make_room(desktop(1), table.look()).victim) {
            ASSERT_NE(*victim, 7U) << "the calm desktop's";
            table.flows.erase(*victim);
            ++gave_way;
        }
        limiter.begun(desktop(1), kStart);
        limiter.half_open(desktop(1), flow, 0);
        table.flows.insert(flow);
    }
    EXPECT_EQ(table.flows.size(), 1024U);
    EXPECT_EQ(gave_way, 5000U - 1023U);
    EXPECT_TRUE(table.flows.contains(7));
    EXPECT_TRUE(table.flows.contains(5999)) << "the newest stays";
}

TEST(NewFlowLimiter, MoreAddressesThanRowsShareOneRateAndCountNothingWrong) {
    NewFlowLimiter limiter({.per_second = 1, .burst = 1, .flows = 2, .half_open = 2}, 8, 1024, 7);
    unsigned admitted = 0;
    for (std::uint32_t i = 0; i < 1000; ++i) {
        if (limiter.admit(desktop(i), kStart) == Answer::admit) {
            limiter.begun(desktop(i), kStart);
            limiter.half_open(desktop(i), i, 0);
            ++admitted;
        }
    }
    EXPECT_EQ(admitted, 17U) << "sixteen rows, and the shared one";
    for (std::uint32_t i = 0; i < 1000; ++i) {
        limiter.ended(desktop(i));
    }
    // Rows whose desktops have come to rest are taken over.
    const std::uint64_t later = kStart + 10 * kSecond;
    EXPECT_EQ(limiter.admit(desktop(5000), later), Answer::admit);
    limiter.begun(desktop(5000), later);
    EXPECT_EQ(limiter.flows_of(desktop(5000)), 1U);
}

TEST(NewFlowLimiter, FamiliesAreTwoAddresses) {
    NewFlowLimiter limiter({.per_second = 1, .burst = 1, .flows = 0, .half_open = 0}, 64, 1024, 7);
    EXPECT_EQ(limiter.admit(*IpAddress::parse("10.0.0.1"), kStart), Answer::admit);
    EXPECT_EQ(limiter.admit(*IpAddress::parse("fd00::1"), kStart), Answer::admit);
    EXPECT_EQ(limiter.admit(*IpAddress::parse("fd00::1"), kStart), Answer::too_fast);
}

} // namespace
} // namespace foregate::dataplane
