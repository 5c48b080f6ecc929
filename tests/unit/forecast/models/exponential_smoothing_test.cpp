// SPDX-License-Identifier: BSD-3-Clause
#include "forecast/models/exponential_smoothing.h"

#include "../made_series.h"

#include <gtest/gtest.h>

#include <cmath>

namespace foregate::forecast {
namespace {

TEST(SimpleSmoothing, EqualsTheWeightedSum) {
    // level = (1-a)^(n-1) x0 + sum a (1-a)^(n-1-i) xi, written out.
    const std::vector<double> values{3, 8, 1, 9, 4};
    const std::vector<std::uint8_t> observed(5, 1);
    for (const double alpha : {0.1, 0.5, 1.0}) {
        double expected = std::pow(1 - alpha, 4) * values[0];
        for (std::size_t i = 1; i < 5; ++i) {
            expected += alpha * std::pow(1 - alpha, 4.0 - static_cast<double>(i)) * values[i];
        }
        EXPECT_NEAR(smooth_level(values, observed, alpha).level, expected, 1e-12);
    }
    // Errors by hand at alpha 0.5: 5, -4.5, 5.75, -2.125.
    EXPECT_NEAR(smooth_level(values, observed, 0.5).squared_error, 25 + 20.25 + 33.0625 + 4.515625,
                1e-12);
}

TEST(SimpleSmoothing, PassesOverTheMissing) {
    const std::vector<std::uint8_t> observed{1, 1, 0, 1};
    EXPECT_EQ(smooth_level(std::vector<double>{4, 8, 99, 2}, observed, 0.5).level, 4);
}

TEST(SimpleSmoothing, ForecastIsFlatAtTheLevel) {
    const History history = prepare(made::series_of(3, 1, [](int i) { return i * 4.0; }), 2, 10);
    SimpleSmoothing model(0.5);
    ASSERT_TRUE(model.fit(history, 3));
    std::vector<double> out(2);
    model.predict(history, 3, out);
    EXPECT_EQ(out, (std::vector<double>{5, 5})); // 0, 2, 5
}

TEST(SimpleSmoothing, AlphaIsLowForNoiseAndHighForARandomWalk) {
    made::Noise noise(1);
    std::vector<double> still;
    std::vector<double> walk;
    double at = 0;
    for (int i = 0; i < 500; ++i) {
        still.push_back(noise.normal());
        walk.push_back(at += noise.normal());
    }
    const std::vector<std::uint8_t> observed(500, 1);
    EXPECT_LT(fit_alpha(still, observed), 0.1);
    EXPECT_GT(fit_alpha(walk, observed), 0.85);
}

TEST(ThetaMethod, StraightLineGoesOnWithHalfItsSlopeFromTheLevel) {
    // x = 2 t: alpha 1 fits best, the level is the last value, the drift half the slope. On a
    // line SES with alpha 1 lags one step: level + b/2 (k + (1 - (1-a)^n) / a) = x_n + k + 1.
    const History history = prepare(made::series_of(60, 1, [](int i) { return 2.0 * i; }), 3, 100);
    Theta model(Scale::raw);
    ASSERT_TRUE(model.fit(history, 60));
    std::vector<double> out(3);
    model.predict(history, 60, out);
    EXPECT_NEAR(out[0], 119, 1e-9);
    EXPECT_NEAR(out[1], 120, 1e-9);
    EXPECT_NEAR(out[2], 121, 1e-9);
}

TEST(ThetaMethod, ExactOnAPureSeason) {
    const auto value = [](int i) { return 10.0 + (i % 6) * (i % 6); };
    const History history = prepare(made::series_of(36, 6, value), 8, 100);
    Theta model(Scale::raw);
    ASSERT_TRUE(model.fit(history, 36));
    std::vector<double> out(8);
    model.predict(history, 36, out);
    for (int k = 0; k < 8; ++k) {
        EXPECT_NEAR(out[static_cast<std::size_t>(k)], value(36 + k), 1e-9);
    }
}

} // namespace
} // namespace foregate::forecast
