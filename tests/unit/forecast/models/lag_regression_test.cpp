// SPDX-License-Identifier: BSD-3-Clause
#include "forecast/models/lag_regression.h"

#include "../made_series.h"

#include <gtest/gtest.h>

#include <cmath>

namespace foregate::forecast {
namespace {

TEST(LagRegression, LagsOfADayAndAWeek) {
    EXPECT_EQ(sparse_lags(24, 168, 336),
              (std::vector<int>{1,  2,  3,  4,  5,   6,   12,  22,  23,  24,  25,  26,  47,
                                48, 49, 72, 96, 120, 144, 166, 167, 168, 169, 170, 192, 336}));
    EXPECT_EQ(sparse_lags(1, 0, 4), (std::vector<int>{1, 2, 3, 4}));
    EXPECT_EQ(sparse_lags(2, 0, 8), (std::vector<int>{1, 2, 3, 4, 5, 6, 8}));
}

TEST(LagRegression, FindsTheWeightOfAnAutoregression) {
    made::Noise noise(1);
    double x = 0;
    const History history = prepare(
        made::series_of(3000, 1, [&](int) { return x = 0.8 * x + noise.normal(); }), 3, 5000);
    LagRegression model({"ar", Scale::raw, 0});
    ASSERT_TRUE(model.fit(history, 3000));
    ASSERT_EQ(model.lags().front(), 1);
    EXPECT_NEAR(model.weights().front(), 0.8, 0.06);
    std::vector<double> out(3);
    model.predict(history, 3000, out);
    EXPECT_NEAR(out[2], 0.512 * history.at(2999), 0.4);
}

TEST(LagRegression, SeasonalDifferenceIsExactOnARepeatingSeason) {
    const auto value = [](int i) { return 5.0 + (i * i) % 12; };
    const History history = prepare(made::series_of(240, 12, value), 24, 500);
    for (const Scale scale : {Scale::raw, Scale::log}) {
        LagRegression model({"ar_season", scale, 12});
        ASSERT_TRUE(model.fit(history, 240));
        std::vector<double> out(24);
        model.predict(history, 240, out);
        for (int k = 0; k < 24; ++k) {
            EXPECT_NEAR(out[static_cast<std::size_t>(k)], value(240 + k), 1e-9) << k;
        }
    }
}

TEST(LagRegression, TooShortOrAllMissingIsRefused) {
    LagRegression model({"ar", Scale::raw, 0});
    const History history = prepare(made::series_of(8, 1, [](int i) { return i * 1.0; }), 1, 50);
    EXPECT_FALSE(model.fit(history, 8));
    Series gaps = made::series_of(200, 1, [](int i) { return i < 20 ? i * 1.0 : std::nan(""); });
    EXPECT_FALSE(model.fit(prepare(gaps, 1, 500), 200));
}

TEST(LagRegression, NeverLeavesTheLimits) {
    // An explosion in the history must not run away in the forecast.
    const History history =
        prepare(made::series_of(60, 1, [](int i) { return std::exp(0.3 * i); }), 200, 100);
    LagRegression model({"ar", Scale::raw, 0});
    ASSERT_TRUE(model.fit(history, 60));
    std::vector<double> out(200);
    model.predict(history, 60, out);
    for (const double value : out) {
        EXPECT_GE(value, history.low);
        EXPECT_LE(value, history.high);
    }
}

} // namespace
} // namespace foregate::forecast
