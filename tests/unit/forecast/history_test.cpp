// SPDX-License-Identifier: BSD-3-Clause
#include "forecast/history.h"

#include "made_series.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace foregate::forecast {
namespace {

constexpr double kGone = std::numeric_limits<double>::quiet_NaN();

Series with_values(std::vector<double> values, int season) {
    Series out;
    out.values = std::move(values);
    out.season = season;
    return out;
}

TEST(History, GapsTakeTheSeasonBeforeElseTheLineBetween) {
    const History season = prepare(with_values({1, 2, 3, 4, kGone, kGone, 7, kGone}, 3), 1, 99);
    EXPECT_EQ(season.values, (std::vector<double>{1, 2, 3, 4, 2, 3, 7, 2}));
    EXPECT_EQ(season.observed, (std::vector<std::uint8_t>{1, 1, 1, 1, 0, 0, 1, 0}));
    const History line = prepare(with_values({10, kGone, kGone, 40, kGone}, 1), 1, 99);
    EXPECT_DOUBLE_EQ(line.values[1], 20);
    EXPECT_DOUBLE_EQ(line.values[2], 30);
    EXPECT_DOUBLE_EQ(line.values[4], 40);
}

TEST(History, LeadingGapsAndOldValuesAreDroppedWithTheirDayTypes) {
    Series series = with_values({kGone, 1, 2, 3}, 1);
    series.day_type = {9, 1, 2, 3, 4, 5};
    const History all = prepare(series, 2, 99);
    EXPECT_EQ(all.values, (std::vector<double>{1, 2, 3}));
    EXPECT_EQ(all.day_type, (std::vector<std::uint8_t>{1, 2, 3, 4, 5}));
    EXPECT_EQ(prepare(series, 2, 2).values, (std::vector<double>{2, 3}));
    EXPECT_EQ(prepare(series, 2, 2).day_type, (std::vector<std::uint8_t>{2, 3, 4, 5}));
}

TEST(History, LimitsAndLogs) {
    const History positive = prepare(with_values({1, 3, 2}, 1), 1, 99);
    EXPECT_EQ(positive.low, 0);
    EXPECT_EQ(positive.high, 9);
    EXPECT_EQ(positive.log_offset, 0);
    EXPECT_NEAR(positive.back(Scale::log, positive.logs[1]), 3, 1e-12);
    EXPECT_EQ(positive.back(Scale::raw, -5), 0);
    EXPECT_EQ(positive.back(Scale::log, 1e9), 9);
    const History negative = prepare(with_values({-1, 3}, 1), 1, 99);
    EXPECT_TRUE(negative.logs.empty());
    EXPECT_EQ(negative.low, -9);
    EXPECT_EQ(negative.high, 11);
    const History zeros = prepare(with_values({0, 0}, 1), 1, 99);
    EXPECT_EQ(zeros.back(Scale::log, zeros.logs[0]), 0);
}

TEST(History, AnaloguesGoBackByTheStrideAndTheType) {
    Series series = made::series_of(10, 2, [](int i) { return i * 1.0; });
    series.values[6] = kGone;
    series.day_type = {0, 0, 1, 1, 0, 0, 0, 0, 2, 2, 0, 0, 1, 1};
    const History history = prepare(series, 4, 99);
    std::vector<int> out;
    history.analogues(10, 10, 2, true, 9, out);
    EXPECT_EQ(out, (std::vector<int>{4, 0})); // 8 is another type, 6 is missing
    history.analogues(10, 10, 2, false, 9, out);
    EXPECT_EQ(out, (std::vector<int>{8, 4, 2, 0}));
    history.analogues(13, 10, 2, true, 1, out);
    EXPECT_EQ(out, (std::vector<int>{3}));
    history.analogues(13, 10, 2, false, 2, out);
    EXPECT_EQ(out, (std::vector<int>{9, 7})); // 11 lies after the origin
    history.analogues(5, 5, 2, false, 9, out);
    EXPECT_EQ(out, (std::vector<int>{3, 1}));
}

} // namespace
} // namespace foregate::forecast
