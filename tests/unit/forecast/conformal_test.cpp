// SPDX-License-Identifier: BSD-3-Clause
#include "forecast/conformal.h"

#include "made_series.h"

#include <gtest/gtest.h>

#include <cmath>

namespace foregate::forecast {
namespace {

// Ten blocks of three steps at levels 1, 1000, 1 with noise of a tenth of the level.
std::vector<Residuals> two_levels() {
    made::Noise noise(1);
    std::vector<Residuals> out;
    for (int block = 0; block < 10; ++block) {
        Residuals one;
        for (const double level : {1.0, 1000.0, 1.0}) {
            one.forecast.push_back(level);
            one.actual.push_back(level * (1 + 0.1 * noise.normal()));
        }
        out.push_back(std::move(one));
    }
    return out;
}

TEST(Conformal, EachStepHasABandOfItsOwnSize) {
    const std::vector<double> mean{1, 1000, 1};
    const std::vector<Step> steps = conformal_bands(mean, two_levels(), 0.01);
    for (std::size_t k = 0; k < 3; ++k) {
        const double width = (steps[k].q90 - steps[k].q10) / mean[k];
        EXPECT_GT(width, 0.1) << k;
        EXPECT_LT(width, 0.6) << k;
    }
}

TEST(Conformal, NewNoiseIsCovered) {
    const std::vector<double> mean{1, 1000, 1};
    const std::vector<Step> steps = conformal_bands(mean, two_levels(), 0.01);
    made::Noise noise(77);
    int inside80 = 0;
    int inside95 = 0;
    for (int i = 0; i < 3000; ++i) {
        const auto k = static_cast<std::size_t>(i % 3);
        const double actual = mean[k] * (1 + 0.1 * noise.normal());
        inside80 += steps[k].q10 <= actual && actual <= steps[k].q90;
        inside95 += steps[k].q025 <= actual && actual <= steps[k].q975;
    }
    EXPECT_GT(inside80, 2250);
    EXPECT_GT(inside95, 2700);
    EXPECT_LT(inside80, 2940);
}

TEST(Conformal, BlocksAwayFromThePhaseGiveOnlyTheLevelsScale) {
    std::vector<Residuals> blocks = two_levels();
    const std::vector<double> mean{1, 1000, 1};
    const double before = conformal_bands(mean, blocks, 0.01)[0].q90;
    // Many quiet, exact blocks of another time of day.
    for (int i = 0; i < 10; ++i) {
        blocks.push_back({{1, 1, 1}, {1, 1, 1}, false});
    }
    EXPECT_NEAR(conformal_bands(mean, blocks, 0.01)[0].q90, before, 0.1);
}

TEST(Conformal, MissingActualsAndExactBlocks) {
    const std::vector<double> mean{5, 5};
    const std::vector<Residuals> blocks{{{5, 5}, {std::nan(""), 5}, true}};
    for (const Step& step : conformal_bands(mean, blocks, 1)) {
        EXPECT_EQ(step.q025, 5);
        EXPECT_EQ(step.q975, 5);
    }
}

TEST(Conformal, PlainBandsAreLaplaceAndGrowWithTheRoot) {
    const std::vector<Step> steps = plain_bands(std::vector<double>{10, 10, 10, 10}, 2);
    EXPECT_NEAR(steps[0].q90, 10 + 2 * std::log(5.0), 1e-12);
    EXPECT_NEAR(steps[0].q025, 10 - 2 * std::log(20.0), 1e-12);
    EXPECT_NEAR(steps[3].q90 - 10, 2 * (steps[0].q90 - 10), 1e-12);
    EXPECT_EQ(steps[3].q50, 10);
}

} // namespace
} // namespace foregate::forecast
