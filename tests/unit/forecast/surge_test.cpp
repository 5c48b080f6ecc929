// SPDX-License-Identifier: BSD-3-Clause
// The central case of the product: nearly nothing all day, and on working days a sharp surge from
// 14:00 to 15:00. Two weeks of 5-minute buckets, one hour ahead.
#include "forecast/forecaster.h"

#include "made_series.h"

#include <gtest/gtest.h>

namespace foregate::forecast {
namespace {

constexpr int kHorizon = 12;
constexpr double kQuietAtMost = 30; // 3 % of the surge; the noise of the quiet hours is 0 to 4

Forecast one_hour(const made::Surge& surge) {
    ForecastOptions options;
    options.horizon = kHorizon;
    return forecast(surge.series, options);
}

class SurgeForecast : public testing::TestWithParam<std::uint64_t> {
protected:
    static made::SurgeForm form(int weekday, int hour, int minute) {
        made::SurgeForm out;
        out.end_weekday = weekday;
        out.end_minute = hour * 60 + minute;
        out.seed = GetParam();
        return out;
    }
};

TEST_P(SurgeForecast, SeenTenMinutesAheadOnAWednesday) {
    const made::Surge surge = made::surge(form(2, 13, 50), kHorizon);
    const Forecast out = one_hour(surge);
    EXPECT_FALSE(out.fallback);
    for (std::size_t k = 0; k < kHorizon; ++k) {
        const Step& step = out.steps[k];
        if (surge.truth[k] < made::kSurge) {
            EXPECT_LT(step.q975, kQuietAtMost) << "step " << k;
            continue;
        }
        EXPECT_NEAR(step.mean, made::kSurge, 0.25 * made::kSurge) << "step " << k;
        EXPECT_GT(step.q10, 0.5 * made::kSurge) << "step " << k;
        EXPECT_LT(step.q90, 1.6 * made::kSurge) << "step " << k;
        // The quiet hours, 23 of 24, have not shrunk the band: the noise is 10 %.
        EXPECT_GT(step.q90 - step.q10, 0.1 * made::kSurge) << "step " << k;
    }
}

TEST_P(SurgeForecast, SeenOnAMondayAfterAQuietWeekend) {
    const made::Surge surge = made::surge(form(0, 13, 50), kHorizon);
    const Forecast out = one_hour(surge);
    for (std::size_t k = 2; k < kHorizon; ++k) {
        EXPECT_NEAR(out.steps[k].mean, made::kSurge, 0.25 * made::kSurge) << "step " << k;
        EXPECT_GT(out.steps[k].q10, 0.5 * made::kSurge) << "step " << k;
    }
}

TEST_P(SurgeForecast, ItsEndIsSeenToo) {
    const made::Surge surge = made::surge(form(3, 14, 30), kHorizon);
    const Forecast out = one_hour(surge);
    for (std::size_t k = 0; k < kHorizon; ++k) {
        EXPECT_NEAR(out.steps[k].mean, surge.truth[k], 0.25 * made::kSurge) << "step " << k;
    }
    EXPECT_LT(out.steps[kHorizon - 1].q90, 0.2 * made::kSurge);
}

TEST_P(SurgeForecast, NoneOnAWeekend) {
    for (const int weekday : {5, 6}) {
        for (const Step& step : one_hour(made::surge(form(weekday, 13, 50), kHorizon)).steps) {
            EXPECT_LT(step.mean, kQuietAtMost) << "weekday " << weekday;
            EXPECT_LT(step.q90, kQuietAtMost) << "weekday " << weekday;
        }
    }
}

TEST_P(SurgeForecast, NoneInTheMorningAndNoWideBand) {
    for (const int weekday : {0, 2, 4}) {
        for (const Step& step : one_hour(made::surge(form(weekday, 9, 0), kHorizon)).steps) {
            EXPECT_LT(step.mean, kQuietAtMost);
            EXPECT_LT(step.q975, kQuietAtMost);
        }
    }
}

TEST_P(SurgeForecast, SeenThoughOneOfTheTenWorkingDaysHadNone) {
    for (const int days_ago : {1, 2, 5, 7, 8, 9, 12}) {
        made::SurgeForm changed = form(2, 13, 50);
        changed.missing_days_ago = days_ago;
        const Forecast out = one_hour(made::surge(changed, kHorizon));
        for (std::size_t k = 2; k < kHorizon; ++k) {
            EXPECT_NEAR(out.steps[k].mean, made::kSurge, 0.35 * made::kSurge)
                << "missing " << days_ago << " days ago, step " << k;
            EXPECT_GT(out.steps[k].q50, 0.6 * made::kSurge)
                << "missing " << days_ago << " days ago, step " << k;
        }
    }
}

TEST_P(SurgeForecast, SeenWithoutDayTypesByTheWeek) {
    made::SurgeForm changed = form(2, 13, 50);
    changed.day_types = false;
    const Forecast wednesday = one_hour(made::surge(changed, kHorizon));
    changed.end_weekday = 5;
    const Forecast saturday = one_hour(made::surge(changed, kHorizon));
    for (std::size_t k = 2; k < kHorizon; ++k) {
        EXPECT_NEAR(wednesday.steps[k].mean, made::kSurge, 0.35 * made::kSurge) << "step " << k;
        EXPECT_GT(wednesday.steps[k].q10, 0.3 * made::kSurge) << "step " << k;
        EXPECT_LT(saturday.steps[k].mean, kQuietAtMost) << "step " << k;
    }
}

TEST_P(SurgeForecast, NoneWhereTheHistoryHasNone) {
    made::SurgeForm changed = form(2, 13, 50);
    changed.surge = 2;
    for (const Step& step : one_hour(made::surge(changed, kHorizon)).steps) {
        EXPECT_LT(step.q975, 10);
    }
}

INSTANTIATE_TEST_SUITE_P(Seeds, SurgeForecast, testing::Values(1U, 2U, 3U, 4U, 5U));

} // namespace
} // namespace foregate::forecast
