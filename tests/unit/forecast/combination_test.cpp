// SPDX-License-Identifier: BSD-3-Clause
#include "forecast/combination.h"

#include <gtest/gtest.h>

#include <numeric>

namespace foregate::forecast {
namespace {

using Values = std::vector<double>;

TEST(Combination, WeightsAreTheFourthPowerOfTheInverseError) {
    const Values weights = error_weights(Values{1, 2});
    EXPECT_NEAR(weights[0], 16.0 / 17, 1e-12);
    EXPECT_NEAR(weights[1], 1.0 / 17, 1e-12);
}

TEST(Combination, ExactMembersTakeAllAndEqualOnesShare) {
    EXPECT_EQ(error_weights(Values{0, 0}), (Values{0.5, 0.5}));
    const Values one = error_weights(Values{5, 0, 5});
    EXPECT_NEAR(one[1], 1, 1e-9);
    const Values tiny = error_weights(Values{1e-300, 1e300});
    EXPECT_NEAR(tiny[0], 1, 1e-9);
}

TEST(Combination, ShrinksToTheNaiveByTheLead) {
    Values clear{0.5, 0.5};
    shrink_to_naive(clear, 0.97, 1, 1);
    EXPECT_EQ(clear, (Values{0.5, 0.5}));
    Values half{0.5, 0.5};
    shrink_to_naive(half, 0.99, 1, 1);
    EXPECT_NEAR(half[1], 0.75, 1e-12);
    Values behind{0.5, 0.5};
    shrink_to_naive(behind, 1.2, 1, 1);
    EXPECT_EQ(behind, (Values{0, 1}));
}

TEST(Combination, PoolsByMeanAndWeightedMedian) {
    EXPECT_DOUBLE_EQ(pool(Values{1, 5}, Values{0.25, 0.75}, Pooling::mean), 4);
    EXPECT_DOUBLE_EQ(pool(Values{9, 1, 5}, Values{0.3, 0.3, 0.4}, Pooling::median), 5);
    // A minority of a quarter at zero does not pull the median off the rest.
    EXPECT_DOUBLE_EQ(
        pool(Values{0, 100, 100, 100}, Values{0.25, 0.25, 0.25, 0.25}, Pooling::median), 100);
    EXPECT_DOUBLE_EQ(pool(Values{7}, Values{1}, Pooling::median), 7);
    // Halfway between the midpoints 0.25 and 0.75 of two equals.
    EXPECT_DOUBLE_EQ(pool(Values{2, 4}, Values{0.5, 0.5}, Pooling::median), 3);
}

} // namespace
} // namespace foregate::forecast
