// SPDX-License-Identifier: BSD-3-Clause
// From a store to a plan: the surge that the gateway was made for, over the real forecaster.
#include "control/plan/forecast_runner.h"

#include "control/plan/planner.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <cmath>
#include <random>

namespace foregate::control {
namespace {

using std::chrono::seconds;

constexpr seconds kBucket{300};

std::int64_t utc(const char* text) {
    return parse_local_time(text)->time_since_epoch().count();
}

class ForecastRunnerTest : public testing::Test {
protected:
    void SetUp() override {
        const auto* test = testing::UnitTest::GetInstance()->current_test_info();
        folder = std::filesystem::path(testing::TempDir()) /
                 ("runner-" + std::to_string(getpid())) / test->name();
        std::filesystem::remove_all(folder);
    }
    void TearDown() override { std::filesystem::remove_all(folder); }

    // Days of history up to `until`; web all day, the database only within the surge, which starts
    // at that minute of the local day (-1: never).
    void fill(UsageStore& store, const TimeZone& zone, std::int64_t from, std::int64_t until,
              int surge_minute) {
        std::mt19937 random(5);
        std::vector<ObservedBucket> buckets;
        for (std::int64_t at = from; at < until; at += kBucket.count()) {
            const auto local = zone.to_local(at);
            const auto day = std::chrono::floor<std::chrono::days>(local);
            const auto minute = static_cast<int>((local - day).count() / 60);
            const std::chrono::weekday weekday{day};
            const bool working = weekday != std::chrono::Saturday && weekday != std::chrono::Sunday;
            ObservedBucket bucket{at, kBucket, {}};
            const auto noise = static_cast<std::uint64_t>(random() % 1000);
            if (working && minute >= 8 * 60 && minute < 18 * 60) {
                bucket.records.push_back({at, "office", AppType::web, "web.lab:443", 50000 + noise,
                                          900000 + 10 * noise, 100, 900, 12, 0, 6});
            }
            if (working && surge_minute >= 0 && minute >= surge_minute &&
                minute < surge_minute + 60) {
                bucket.records.push_back({at, "office", AppType::database, "db.lab:5432",
                                          200000 + noise, 3000000 + noise, 200, 2000, 9, 0, 6});
            }
            if (noise < 50) {
                bucket.records.push_back(
                    {at, "office", AppType::mail, "rare.lab:25", 10, 10, 1, 1, 1, 0, 5});
            }
            buckets.push_back(std::move(bucket));
        }
        ASSERT_TRUE(store.import(buckets)) << store.status().note;
    }

    Plan plan_at(const ForecastSet& set, std::int64_t now) {
        PlanInput input;
        input.forecasts = &set;
        input.now = now;
        input.up_bps = input.down_bps = 100'000'000;
        input.classes = {{"office", 6, 6, 0, {}}};
        DestinationSpec db;
        db.name = "db.lab";
        db.port = 5432;
        input.config.hold.allow = {db};
        return make_plan(input);
    }
    static bool holds(const Plan& plan, const std::string& destination) {
        return std::any_of(plan.targets.begin(), plan.targets.end(),
                           [&](const ConnectionTarget& t) { return t.destination == destination; });
    }
    std::filesystem::path folder;
};

TEST_F(ForecastRunnerTest, TheSurgeIsSeenBeforeItStartsAndOnlyWhereItIs) {
    const std::int64_t now = utc("2026-11-18 13:56"); // a Wednesday
    for (const int surge : {14 * 60, 10 * 60 + 30, -1}) {
        UsageStore store(folder / std::to_string(surge) / "usage.db", kBucket);
        fill(store, TimeZone{}, utc("2026-11-04 00:00"), utc("2026-11-18 13:55"), surge);
        const AnalyticsClock clock(std::nullopt, "UTC", {});
        const SeriesJobs jobs = collect_series(store, clock, now, ForecastConfig{});
        EXPECT_EQ(jobs.starts.front(), utc("2026-11-18 13:55"));
        const ForecastSet set = run_forecasts(jobs);
        const Plan plan = plan_at(set, now);
        EXPECT_EQ(holds(plan, "db.lab:5432"), surge == 14 * 60) << surge;
        EXPECT_TRUE(holds(plan, "web.lab:443")) << surge;
        EXPECT_FALSE(holds(plan_at(set, utc("2026-11-18 13:54")), "db.lab:5432")) << surge;
    }
}

TEST_F(ForecastRunnerTest, LocalTimeOfDayHoldsOverTheClockChange) {
    const TimeZone berlin("Europe/Berlin");           // clocks go back on 2026-10-25
    const std::int64_t now = utc("2026-10-27 12:56"); // 13:56 there
    UsageStore store(folder / "usage.db", kBucket);
    fill(store, berlin, utc("2026-10-12 22:00"), utc("2026-10-27 12:55"), 14 * 60);
    const AnalyticsClock clock(std::nullopt, "Europe/Berlin", {});
    const SeriesJobs jobs = collect_series(store, clock, now, ForecastConfig{});
    const Plan plan = plan_at(run_forecasts(jobs), now);
    EXPECT_TRUE(holds(plan, "db.lab:5432"));
}

TEST_F(ForecastRunnerTest, SameResultWhateverTheThreads) {
    UsageStore store(folder / "usage.db", kBucket);
    fill(store, TimeZone{}, utc("2026-11-12 00:00"), utc("2026-11-18 13:55"), 14 * 60);
    const AnalyticsClock clock(std::nullopt, "UTC", {});
    const SeriesJobs jobs = collect_series(store, clock, utc("2026-11-18 13:56"), ForecastConfig{});
    const ForecastSet one = run_forecasts(jobs, 1);
    const ForecastSet two = run_forecasts(jobs, 2);
    ASSERT_EQ(one.series.size(), two.series.size());
    ASSERT_FALSE(one.series.empty());
    for (std::size_t i = 0; i < one.series.size(); ++i) {
        EXPECT_EQ(one.series[i].key, two.series[i].key);
        for (std::size_t m = 0; m < kMetricCount; ++m) {
            for (std::size_t s = 0; s < one.starts.size(); ++s) {
                EXPECT_EQ(one.series[i].metrics[m].steps[s].q90,
                          two.series[i].metrics[m].steps[s].q90);
            }
        }
    }
}

TEST_F(ForecastRunnerTest, OnlyTheHeaviestAreNamedTheRestIsOther) {
    UsageStore store(folder / "usage.db", kBucket);
    std::vector<ObservedBucket> buckets;
    for (int i = 0; i < 600; ++i) {
        const std::int64_t at = utc("2026-11-16 00:00") + i * kBucket.count();
        const UsageRecord big{at, "office", AppType::web, "big:1", 900, 9, 1, 1, 9, 0, 6};
        const UsageRecord mid{at, "office", AppType::web, "mid:1", 90, 9, 1, 1, 2, 0, 5};
        const UsageRecord low{at, "office", AppType::web, "low:1", 9, 9, 1, 1, 1, 0, 7};
        buckets.push_back({at, kBucket, {big, mid, low}});
    }
    ASSERT_TRUE(store.import(buckets));
    const AnalyticsClock clock(std::nullopt, "UTC", {});
    ForecastConfig config;
    config.max_series = 1;
    const std::int64_t now = utc("2026-11-18 02:00");
    const SeriesJobs jobs = collect_series(store, clock, now, config);
    ASSERT_EQ(jobs.jobs.size(), 2 * kMetricCount);
    EXPECT_EQ(jobs.jobs[0].key.destination, "big:1");
    const SeriesJob& rest = jobs.jobs[kMetricCount];
    EXPECT_EQ(rest.key, (SeriesKey{"office", AppType::web, "other"}));
    EXPECT_EQ(rest.series.values.back(), 99);
    EXPECT_EQ(jobs.jobs[kMetricCount + 3].series.values.back(), 7);
    EXPECT_EQ(rest.series.season, 288);
    EXPECT_EQ(rest.series.day_type.size(), rest.series.values.size() + config.horizon);
    ASSERT_EQ(jobs.classes.size(), 1U);
    EXPECT_NEAR(jobs.classes[0].days, 600.0 / 288.0, 1e-9);
    EXPECT_EQ(jobs.classes[0].destinations, (std::vector<std::string>{"big:1", "low:1", "mid:1"}));
}

TEST_F(ForecastRunnerTest, AnEmptyStoreGivesNoForecastAndNoPlan) {
    UsageStore store(folder / "usage.db", kBucket);
    const AnalyticsClock clock(std::nullopt, "UTC", {});
    const SeriesJobs jobs = collect_series(store, clock, utc("2026-11-18 02:00"), ForecastConfig{});
    EXPECT_TRUE(jobs.jobs.empty());
    const ForecastSet set = run_forecasts(jobs, 2);
    EXPECT_TRUE(set.series.empty());
    EXPECT_TRUE(plan_at(set, utc("2026-11-18 02:00")).targets.empty());
}

TEST(ForecastSetTest, StepsAreFoundByTheirTime) {
    ForecastSet set;
    set.starts = {300, 600};
    EXPECT_FALSE(set.step_at(299));
    EXPECT_EQ(set.step_at(300), 0U);
    EXPECT_EQ(set.step_at(899), 1U);
    EXPECT_FALSE(set.step_at(900));
    EXPECT_FALSE(ForecastSet{}.step_at(0));
}

} // namespace
} // namespace foregate::control
