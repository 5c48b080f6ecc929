// SPDX-License-Identifier: BSD-3-Clause
#include "forecast/models/naive.h"

#include "../made_series.h"

#include <gtest/gtest.h>

#include <cmath>

namespace foregate::forecast {
namespace {

std::vector<double> predict(Model& model, const History& history, std::size_t steps) {
    std::vector<double> out(steps);
    EXPECT_TRUE(model.fit(history, history.size()));
    model.predict(history, history.size(), out);
    return out;
}

TEST(Naive, LastValueIsTheLastObserved) {
    Series series = made::series_of(5, 1, [](int i) { return i * 10.0; });
    series.values.push_back(std::nan(""));
    LastValue model;
    EXPECT_EQ(predict(model, prepare(series, 3, 100), 3), (std::vector<double>{40, 40, 40}));
}

TEST(Naive, SeasonRepeats) {
    const History history = prepare(made::series_of(10, 4, [](int i) { return i * 1.0; }), 6, 100);
    SeasonalNaive model("seasonal_naive", 4);
    EXPECT_EQ(predict(model, history, 6), (std::vector<double>{6, 7, 8, 9, 6, 7}));
    EXPECT_FALSE(model.fit(history, 3));
}

TEST(Naive, CalendarTakesTheLatestDayOfTheType) {
    // Days of two steps: working 10+day, then a Saturday, and a forecast of Saturday, working day.
    Series series = made::series_of(8, 2, [](int i) { return 10.0 * (i / 2) + i % 2; });
    series.day_type = {0, 0, 1, 1, 0, 0, 0, 0, 1, 1, 0, 0};
    CalendarNaive model;
    EXPECT_EQ(predict(model, prepare(series, 4, 100), 4), (std::vector<double>{10, 11, 30, 31}));
}

TEST(Naive, ANewDayTypeFallsBackToItsKindThenToAnyDay) {
    Series series = made::series_of(8, 2, [](int i) { return 10.0 * (i / 2) + i % 2; });
    series.day_type = {0, 0, 1, 1, 0, 0, 0, 0, 2, 2};
    CalendarNaive model;
    EXPECT_EQ(predict(model, prepare(series, 2, 100), 2), (std::vector<double>{10, 11}));
    series.day_type.assign(8, 0);
    series.day_type.insert(series.day_type.end(), {2, 2});
    EXPECT_EQ(predict(model, prepare(series, 2, 100), 2), (std::vector<double>{30, 31}));
}

} // namespace
} // namespace foregate::forecast
