// SPDX-License-Identifier: BSD-3-Clause
#include "forecast/models/holt_winters.h"

#include "../made_series.h"

#include <gtest/gtest.h>

#include <cmath>

namespace foregate::forecast {
namespace {

std::vector<double> predict(HoltWinters& model, const History& history, int origin,
                            std::size_t steps) {
    std::vector<double> out(steps);
    model.predict(history, origin, out);
    return out;
}

TEST(HoltWinters, ExactOnAnAdditiveSeasonWithATrend) {
    // Line plus a season: the first two seasons give the exact state, so no error ever comes.
    const auto value = [](int i) { return 500 + 0.5 * i + 30 * std::cos(i % 12 * 0.7) + i % 12; };
    const History history = prepare(made::series_of(96, 12, value), 24, 200);
    HoltWinters model(Scale::raw);
    ASSERT_TRUE(model.fit(history, 96));
    const std::vector<double> out = predict(model, history, 96, 24);
    for (int k = 0; k < 24; ++k) {
        EXPECT_NEAR(out[static_cast<std::size_t>(k)], value(96 + k), 1e-6) << k;
    }
}

TEST(HoltWinters, ExactOnALogScaleForAMultiplicativeSeason) {
    const auto value = [](int i) { return 100 * std::exp(0.01 * i) * (1 + 0.5 * (i % 4 == 2)); };
    const History history = prepare(made::series_of(40, 4, value), 8, 200);
    ASSERT_EQ(history.log_offset, 0);
    HoltWinters model(Scale::log);
    ASSERT_TRUE(model.fit(history, 40));
    const std::vector<double> out = predict(model, history, 40, 8);
    for (int k = 0; k < 8; ++k) {
        EXPECT_NEAR(out[static_cast<std::size_t>(k)], value(40 + k), 1e-6 * value(40 + k)) << k;
    }
}

TEST(HoltWinters, OneStepByHand) {
    // Season 1: the first state is trend (x5 - x0) / 5 = 1 and level x0 - 1; on a line the next
    // values follow whatever the weights are.
    const History history = prepare(made::series_of(12, 1, [](int i) { return 3.0 + i; }), 3, 50);
    HoltWinters model(Scale::raw);
    ASSERT_TRUE(model.fit(history, 12));
    EXPECT_NEAR(model.weights().phi, 1, 1e-9);
    EXPECT_NEAR(predict(model, history, 12, 3)[2], 17, 1e-9);
}

TEST(HoltWinters, FollowsALevelThatJumped) {
    made::Noise noise(2);
    const History history =
        prepare(made::series_of(
                    600, 24, [&](int i) { return (i < 300 ? 50 : 90) + i % 24 + noise.normal(); }),
                24, 1000);
    HoltWinters model(Scale::raw);
    ASSERT_TRUE(model.fit(history, 600));
    const std::vector<double> out = predict(model, history, 600, 24);
    for (int k = 0; k < 24; ++k) {
        EXPECT_NEAR(out[static_cast<std::size_t>(k)], 90 + k, 6) << k;
    }
}

TEST(HoltWinters, RollsToALaterOriginWithoutARefit) {
    const auto value = [](int i) { return 20.0 + 3 * (i % 6); };
    const History history = prepare(made::series_of(60, 6, value), 6, 100);
    HoltWinters model(Scale::raw);
    ASSERT_TRUE(model.fit(history, 30));
    EXPECT_NEAR(predict(model, history, 45, 1)[0], value(45), 1e-6);
    EXPECT_NEAR(predict(model, history, 60, 1)[0], value(60), 1e-6);
    EXPECT_FALSE(model.fit(history, 11));
}

} // namespace
} // namespace foregate::forecast
