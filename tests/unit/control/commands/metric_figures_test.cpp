// SPDX-License-Identifier: BSD-3-Clause
#include "control/telemetry/gateway_metrics.h"

#include <gtest/gtest.h>

#include <cmath>

namespace foregate::control {
namespace {

TEST(BusyRatio, IsOfTheTimeBetweenTwoLooks) {
    BusyRatio ratio;
    EXPECT_EQ(ratio.look(1000, 900), std::nullopt);
    EXPECT_EQ(ratio.look(1100, 950), 0.5);
    EXPECT_EQ(ratio.look(1100, 950), std::nullopt); // no turn in between
    EXPECT_EQ(ratio.look(1200, 950), 1.0);
}

TEST(BusyRatio, CountersOfDifferentMomentsNeverGoBelowZero) {
    BusyRatio ratio;
    (void)ratio.look(0, 0);
    EXPECT_EQ(ratio.look(100, 101), 0.0);
}

TEST(DelayHistogram, CumulatesAndEndsWithoutABound) {
    dataplane::DelayCounts counts{};
    counts[0] = 2;
    counts[dataplane::delay_bucket(1000)] = 3;
    const HistogramValue histogram = delay_histogram(counts);
    ASSERT_EQ(histogram.buckets.size(), dataplane::kDelayBuckets);
    EXPECT_EQ(histogram.count, 5U);
    EXPECT_DOUBLE_EQ(histogram.buckets[0].upper_bound, 1e-6);
    EXPECT_EQ(histogram.buckets[0].cumulative_count, 2U);
    EXPECT_EQ(histogram.buckets.back().cumulative_count, 5U);
    EXPECT_TRUE(std::isinf(histogram.buckets.back().upper_bound));
    // 1000 us stands in the bucket from 512 to 1024 us.
    EXPECT_DOUBLE_EQ(histogram.buckets[10].upper_bound, 1024e-6);
    EXPECT_EQ(histogram.buckets[9].cumulative_count, 2U);
    EXPECT_EQ(histogram.buckets[10].cumulative_count, 5U);
    EXPECT_NEAR(histogram.sum, 3 * 768e-6 + 2 * 0.5e-6, 1e-12);
}

} // namespace
} // namespace foregate::control
