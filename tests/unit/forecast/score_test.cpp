// SPDX-License-Identifier: BSD-3-Clause
#include "forecast/score.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace foregate::forecast {
namespace {

using Values = std::vector<double>;

TEST(Score, MaseByHand) {
    const Values history{1, 2, 4, 8};
    EXPECT_DOUBLE_EQ(mase_scale(history, 1), (1 + 2 + 4) / 3.0);
    EXPECT_DOUBLE_EQ(mase_scale(history, 2), (3 + 6) / 2.0);
    EXPECT_EQ(mase_scale(history, 4), 0);
    EXPECT_DOUBLE_EQ(mase(Values{10, 20}, Values{12, 17}, 5), 0.5);
    EXPECT_EQ(mase(Values{1}, Values{1}, 0), 0);
    EXPECT_TRUE(std::isinf(mase(Values{1}, Values{2}, 0)));
}

TEST(Score, SmapeAndWapeByHand) {
    EXPECT_DOUBLE_EQ(smape(Values{100, 0, 50}, Values{50, 0, 0}), (200 / 3.0 + 0 + 200) / 3);
    EXPECT_DOUBLE_EQ(wape(Values{10, -20, 30}, Values{13, -20, 24}), 9.0 / 60);
}

TEST(Score, PinballByHand) {
    EXPECT_DOUBLE_EQ(pinball(Values{10, 10}, Values{8, 13}, 0.9), (0.9 * 2 + 0.1 * 3) / 2);
    EXPECT_DOUBLE_EQ(pinball(Values{7}, Values{7}, 0.1), 0);
}

TEST(Score, MissingPairsAreLeftOut) {
    const double gone = std::nan("");
    EXPECT_DOUBLE_EQ(mase(Values{10, gone}, Values{12, 99}, 4), 0.5);
    EXPECT_DOUBLE_EQ(wape(Values{gone, 10}, Values{0, 9}), 0.1);
    EXPECT_EQ(smape(Values{gone}, Values{1}), 0);
    // The gap takes both of its pairs away.
    EXPECT_DOUBLE_EQ(mase_scale(Values{1, 3, gone, 8, 9}, 1), (2 + 1) / 2.0);
}

} // namespace
} // namespace foregate::forecast
