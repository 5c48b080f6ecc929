// SPDX-License-Identifier: BSD-3-Clause
// The parts of the scheduler by themselves: heap, wheel, pace, delay counts.
#include <algorithm>
#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "dataplane/shape/keyed_heap.h"
#include "dataplane/shape/pace.h"
#include "dataplane/shape/park_wheel.h"
#include "dataplane/shape/shape_stats.h"

namespace foregate::dataplane {
namespace {

TEST(ShapeKeyedHeap, AgreesWithAnOrderedSet) {
    constexpr uint32_t kIds = 200;
    KeyedHeap heap(kIds);
    std::map<uint32_t, uint64_t> keys;
    std::mt19937 random(7);
    for (int i = 0; i < 50'000; ++i) {
        const auto id = static_cast<uint32_t>(random() % kIds);
        const uint64_t key = random() % 1000;
        ASSERT_EQ(heap.contains(id), keys.count(id) == 1);
        if (keys.count(id) == 0) {
            heap.push(id, key);
            keys[id] = key;
        } else if (random() % 3 == 0) {
            heap.remove(id);
            keys.erase(id);
        } else {
            heap.change(id, key);
            keys[id] = key;
        }
        ASSERT_EQ(heap.empty(), keys.empty());
        if (!keys.empty()) {
            const auto least =
                std::min_element(keys.begin(), keys.end(),
                                 [](const auto& a, const auto& b) { return a.second < b.second; });
            ASSERT_EQ(heap.top_key(), least->second);
            ASSERT_EQ(keys[heap.top_id()], heap.top_key());
        }
    }
}

TEST(ShapeParkWheel, WakesNeverEarlyAndAtMostOneSlotLate) {
    constexpr uint32_t kIds = 500;
    constexpr Ticks kSlot = Ticks{1} << 22;
    ParkWheel wheel(kIds);
    std::map<uint32_t, Ticks> due;
    std::mt19937_64 random(11);
    Ticks now = kTicksOrigin;
    wheel.advance(now, [](uint32_t) {});
    for (int round = 0; round < 20'000; ++round) {
        const auto id = static_cast<uint32_t>(random() % kIds);
        if (due.count(id) == 0) {
            due[id] = now + random() % (random() % 10 == 0 ? 10'000 * kSlot : 50 * kSlot);
            wheel.park(id, due[id]);
        } else if (random() % 4 == 0) {
            wheel.remove(id);
            due.erase(id);
        }
        Ticks earliest = UINT64_MAX;
        for (const auto& entry : due) {
            earliest = std::min(earliest, entry.second);
        }
        ASSERT_EQ(wheel.next_due() == UINT64_MAX, due.empty());
        if (!due.empty()) {
            ASSERT_LE(wheel.next_due(), earliest + 2 * kSlot);
        }
        now += random() % 50 == 0 ? random() % (6000 * kSlot) : random() % (2 * kSlot);
        wheel.advance(now, [&](uint32_t woken) {
            ASSERT_EQ(due.count(woken), 1U);
            ASSERT_LE(due[woken], now);
            due.erase(woken);
        });
        for (const auto& entry : due) {
            ASSERT_GT(entry.second + 2 * kSlot, now) << "overslept";
        }
    }
}

TEST(ShapePace, AddsUpExactly) {
    for (const uint64_t bps : {1'000ULL, 1'000'000ULL, 999'999'937ULL, 100'000'000'000ULL}) {
        const Pace pace = Pace::of_bps(bps);
        const double seconds = static_cast<double>(pace.cost(1500)) / 256e9;
        EXPECT_NEAR(12'000.0 / seconds / static_cast<double>(bps), 1.0, 1e-4) << bps;
    }
    EXPECT_FALSE(Pace::of_bps(0).limited());
    EXPECT_EQ(Pace::of_bps(0).cost(1500), 0U);
    EXPECT_EQ(Pace::of_bps(1).cost(100), Pace::of_bps(1000).cost(100));
    const Pace slowest = Pace::of_bps(1);
    EXPECT_GT(slowest.cost(kMaxPacketBytes), slowest.cost(kMaxPacketBytes - 1));
}

TEST(ShapePace, RescaleKeepsTheBytes) {
    const Pace slow = Pace::of_bps(10'000'000), fast = Pace::of_bps(40'000'000);
    const Ticks now = kTicksOrigin;
    const Ticks ahead = Pace::rescale(now + slow.cost(1500), now, slow, fast);
    EXPECT_NEAR(static_cast<double>(ahead - now), static_cast<double>(fast.cost(1500)), 2.0);
    const Ticks behind = Pace::rescale(now - fast.cost(1500), now, fast, slow);
    EXPECT_NEAR(static_cast<double>(now - behind), static_cast<double>(slow.cost(1500)), 10.0);
    EXPECT_EQ(Pace::rescale(now + 1000, now, slow, Pace{}), now);
}

TEST(ShapeInnerClock, StartsAnywhereAndNeverRunsBack) {
    InnerClock clock;
    const Ticks start = clock.at(1'700'000'000'000'000'000);
    EXPECT_EQ(clock.at(1'700'000'000'000'000'010) - start, 2560U);
    EXPECT_EQ(clock.at(5), start + 2560);
    EXPECT_EQ(clock.ns_at(start + 1), 1'700'000'000'000'000'001U);
    EXPECT_EQ(clock.ns_at(start + 256), 1'700'000'000'000'000'001U);
}

TEST(ShapeDelay, BucketsAndQuantiles) {
    EXPECT_EQ(delay_bucket(0), 0U);
    EXPECT_EQ(delay_bucket(1), 1U);
    EXPECT_EQ(delay_bucket(2), 2U);
    EXPECT_EQ(delay_bucket(3), 2U);
    EXPECT_EQ(delay_bucket(1000), 10U);
    EXPECT_EQ(delay_bucket(UINT64_MAX), kDelayBuckets - 1);
    DelayCounts counts{};
    EXPECT_EQ(delay_quantile_us(counts, 0.99), 0.0);
    counts[3] = 98;
    counts[10] = 2;
    EXPECT_GE(delay_quantile_us(counts, 0.5), 4.0);
    EXPECT_LE(delay_quantile_us(counts, 0.5), 8.0);
    EXPECT_GT(delay_quantile_us(counts, 0.99), 512.0);
    EXPECT_LE(delay_quantile_us(counts, 1.0), 1024.0);
}

} // namespace
} // namespace foregate::dataplane
