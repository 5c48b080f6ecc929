// SPDX-License-Identifier: BSD-3-Clause
#include "forecast/backtest.h"

#include "forecast/models/naive.h"
#include "forecast/score.h"

#include "made_series.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace foregate::forecast {
namespace {

std::vector<int> at_phase(const std::vector<Origin>& origins, bool wanted) {
    std::vector<int> out;
    for (const Origin& origin : origins) {
        if (origin.at_phase == wanted) {
            out.push_back(origin.index);
        }
    }
    return out;
}

TEST(BacktestOrigins, LongHorizonsAreSpacedByWholeSeasons) {
    ForecastOptions options;
    options.horizon = 30;
    const History history =
        prepare(made::series_of(500, 24, [](int i) { return i * 1.0; }), 30, 999);
    EXPECT_EQ(at_phase(plan_origins(history, options), true), (std::vector<int>{356, 404, 452}));
}

TEST(BacktestOrigins, ShortHorizonsTakePastDaysOfTheTypeAndTheLatestBlocks) {
    ForecastOptions options;
    options.horizon = 2;
    options.recent_origins = 2;
    Series series = made::series_of(24 * 14, 24, [](int i) { return i * 1.0; });
    for (int i = 0; i < 24 * 14 + 2; ++i) {
        const int weekday = i / 24 % 7;
        series.day_type.push_back(weekday < 5 ? 0 : 1);
    }
    // Forecast at the start of day 14, a working day: days 7..11 of the second half, not 12, 13.
    const auto origins = plan_origins(prepare(series, 2, 999), options);
    EXPECT_EQ(at_phase(origins, true), (std::vector<int>{168, 192, 216, 240, 264}));
    EXPECT_EQ(at_phase(origins, false), (std::vector<int>{332, 334}));
    EXPECT_TRUE(std::is_sorted(origins.begin(), origins.end(),
                               [](const Origin& a, const Origin& b) { return a.index < b.index; }));
}

TEST(BacktestOrigins, NoneForAShortHistory) {
    ForecastOptions options;
    options.horizon = 12;
    EXPECT_TRUE(
        plan_origins(prepare(made::series_of(20, 24, [](int) { return 1.0; }), 12, 99), options)
            .empty());
}

// A model that tells what it was shown.
class Witness : public Model {
public:
    explicit Witness(int* fitted_to) : fitted_to_(fitted_to) {}
    std::string name() const override { return "witness"; }
    bool fit(const History&, int end) override {
        *fitted_to_ = end;
        return true;
    }
    void predict(const History&, int origin, std::span<double> out) const override {
        EXPECT_GE(origin, *fitted_to_);
        std::fill(out.begin(), out.end(), origin);
    }

private:
    int* fitted_to_;
};

class Refuser : public LastValue {
public:
    bool fit(const History&, int) override { return false; }
};

TEST(Backtest, FitsBeforeTheOldestOriginAndScoresEveryBlock) {
    Series series = made::series_of(40, 1, [](int i) { return i * 1.0; });
    series.values[31] = std::nan("");
    const History history = prepare(series, 3, 99);
    std::vector<std::unique_ptr<Model>> members;
    int fitted_to = -1;
    members.push_back(std::make_unique<Refuser>());
    members.push_back(std::make_unique<Witness>(&fitted_to));
    members.push_back(std::make_unique<LastValue>());
    const Backtest backtest(history, {{30, true}, {37, false}}, 3, members);
    EXPECT_EQ(fitted_to, 30);
    ASSERT_EQ(members.size(), 2U); // the refuser is gone
    ASSERT_EQ(backtest.members(), 2U);
    EXPECT_TRUE(std::isnan(backtest.actual(0)[1]));
    EXPECT_EQ(backtest.actual(1)[2], 39);
    EXPECT_EQ(backtest.prediction(0, 1)[2], 37);
    // MASE scale of a line filled straight: 1. Witness: 0, -, 2 and 0, 1, 2; last value one more.
    EXPECT_NEAR(backtest.errors(false, 2)[0], 1.0, 1e-9);
    EXPECT_NEAR(backtest.errors(false, 2)[1], 2.0, 1e-9);
    EXPECT_NEAR(backtest.errors(false, 0)[1], 2.0, 1e-9);
    EXPECT_NEAR(backtest.errors(false, 1)[0], 1.0, 1e-9);
    const double relative = (2.0 / 62 + 1.0 / 75 + 2.0 / 76) / 5;
    EXPECT_NEAR(backtest.errors(true, 2)[0], std::sqrt(1.0 * relative), 1e-9);
}

} // namespace
} // namespace foregate::forecast
