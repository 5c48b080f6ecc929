// SPDX-License-Identifier: BSD-3-Clause
#include "forecast/optimize/nelder_mead.h"

#include <gtest/gtest.h>

#include <cmath>

namespace foregate::forecast {
namespace {

TEST(NelderMead, FindsTheBottomOfRosenbrocksValley) {
    const auto valley = [](const std::vector<double>& p) {
        return std::pow(1 - p[0], 2) + 100 * std::pow(p[1] - p[0] * p[0], 2);
    };
    const Minimum found = nelder_mead(valley, {-1.2, 1}, {{-5, -5}, {5, 5}}, 0.1, 2000, 1e-12);
    EXPECT_NEAR(found.point[0], 1, 1e-3);
    EXPECT_NEAR(found.point[1], 1, 1e-3);
}

TEST(NelderMead, StaysInTheBoxAndWithinItsEvaluations) {
    int calls = 0;
    const auto slope = [&calls](const std::vector<double>& p) {
        ++calls;
        EXPECT_GE(p[0], 0);
        EXPECT_LE(p[0], 2);
        EXPECT_GE(p[1], -1);
        EXPECT_LE(p[1], 1);
        return p[0] + 2 * p[1];
    };
    const Minimum found = nelder_mead(slope, {1.5, 0.5}, {{0, -1}, {2, 1}}, 0.2, 300, 1e-12);
    EXPECT_NEAR(found.value, -2, 1e-6);
    EXPECT_EQ(found.evaluations, calls);
    EXPECT_LE(calls, 305);
}

TEST(NelderMead, ValuesThatAreNotFiniteAreAvoided) {
    const auto half = [](const std::vector<double>& p) {
        return p[0] < 1 ? std::nan("") : std::pow(p[0] - 1.5, 2);
    };
    EXPECT_NEAR(nelder_mead(half, {3}, {{0}, {4}}, 0.2, 200, 1e-12).point[0], 1.5, 1e-3);
}

} // namespace
} // namespace foregate::forecast
