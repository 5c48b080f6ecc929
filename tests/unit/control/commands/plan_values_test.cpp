// SPDX-License-Identifier: BSD-3-Clause
#include "control/commands/values.h"

#include <gtest/gtest.h>

namespace foregate::control {
namespace {

constexpr std::int64_t kTwo = 1772632800; // 2026-03-04 14:00 UTC
constexpr std::int64_t kBucket = 300;

ForecastSet two_series() {
    ForecastSet set;
    set.made_at = kTwo - 60;
    set.bucket = std::chrono::seconds(kBucket);
    set.starts = {kTwo - kBucket, kTwo, kTwo + kBucket};
    for (const char* usage_class : {"office", "engineering"}) {
        SeriesForecast series;
        series.key = {usage_class, AppType::database, "db.lab:5432"};
        for (std::size_t m = 0; m < kMetricCount; ++m) {
            forecast::Forecast& of = series.metrics[m];
            of.chosen = "ets";
            for (int i = 0; i < 3; ++i) {
                forecast::Step step;
                step.mean = static_cast<double>(m) * 100 + i;
                step.q10 = step.mean / 2;
                step.q50 = step.mean;
                step.q90 = step.mean * 2;
                step.q975 = step.mean * 3;
                of.steps.push_back(step);
            }
        }
        set.series.push_back(std::move(series));
    }
    return set;
}

Allotment allotment_at(std::int64_t from, std::int64_t until) {
    Allotment allotment;
    allotment.usage_class = "office";
    allotment.app = AppType::database;
    allotment.destination = "db.lab:5432";
    allotment.direction = Direction::up;
    allotment.rate_bps = 5'000'000;
    allotment.from = from;
    allotment.until = until;
    return allotment;
}

TEST(PlanValues, ForecastHasEveryStepOfEverySeries) {
    const Json rows = forecast_rows(two_series(), TimeZone{}, "");
    ASSERT_EQ(rows.size(), 2 * kMetricCount);
    EXPECT_EQ(rows[0]["class"], "office");
    EXPECT_EQ(rows[0]["app"], "database");
    EXPECT_EQ(rows[0]["destination"], "db.lab:5432");
    EXPECT_EQ(rows[0]["metric"], metric_name(Metric::bytes_up));
    EXPECT_EQ(rows[0]["chosen"], "ets");
    ASSERT_EQ(rows[0]["steps"].size(), 3U);
    EXPECT_EQ(rows[0]["steps"][1]["start"], "2026-03-04 14:00");
    EXPECT_EQ(rows[1]["steps"][2]["mean"], 102.0);
    EXPECT_EQ(rows[1]["steps"][2]["q975"], 306.0);
}

TEST(PlanValues, ForecastOfOneClass) {
    const Json rows = forecast_rows(two_series(), TimeZone{}, "engineering");
    ASSERT_EQ(rows.size(), kMetricCount);
    for (const Json& row : rows) {
        EXPECT_EQ(row["class"], "engineering");
    }
    EXPECT_TRUE(forecast_rows(two_series(), TimeZone{}, "nobody").empty());
}

TEST(PlanValues, OutlookBeginsWithTheBucketThatIsRunning) {
    const Json rows = outlook_rows(two_series(), TimeZone{}, "office", kTwo + 10, 5);
    ASSERT_EQ(rows.size(), 2 * kMetricCount); // two buckets are left of three
    EXPECT_EQ(rows[0]["start"], "2026-03-04 14:00");
    EXPECT_EQ(rows[1]["start"], "2026-03-04 14:05");
    EXPECT_EQ(rows[0]["mean"], 1.0);
    EXPECT_EQ(rows[0]["metric"], rows[1]["metric"]);
    EXPECT_EQ(rows[0]["chosen"], "ets");
    EXPECT_EQ(outlook_rows(two_series(), TimeZone{}, "office", kTwo - kBucket, 1).size(),
              kMetricCount);
    EXPECT_TRUE(outlook_rows(two_series(), TimeZone{}, "office", kTwo + 2 * kBucket, 5).empty());
}

TEST(PlanValues, AnAllotmentIsInForceWithinItsLeaseAndWithANumber) {
    Plan plan;
    plan.made_at = kTwo;
    plan.allotments = {allotment_at(kTwo, kTwo + kBucket),
                       allotment_at(kTwo + kBucket, kTwo + 2 * kBucket)};
    const auto numbered = [](const Allotment&) { return std::optional<std::uint16_t>(4); };
    Json value = plan_value(plan, TimeZone{}, kTwo + 10, numbered);
    ASSERT_EQ(value["allotments"].size(), 2U);
    EXPECT_EQ(value["made_at"], "2026-03-04 14:00");
    EXPECT_EQ(value["allotments"][0]["in_force"], true);
    EXPECT_EQ(value["allotments"][0]["number"], 4);
    EXPECT_EQ(value["allotments"][0]["direction"], "up");
    EXPECT_EQ(value["allotments"][0]["rate_bps"], 5'000'000);
    EXPECT_EQ(value["allotments"][1]["in_force"], false);
    value = plan_value(plan, TimeZone{}, kTwo + 10, [](const Allotment&) { return std::nullopt; });
    EXPECT_EQ(value["allotments"][0]["in_force"], false);
    EXPECT_TRUE(value["allotments"][0]["number"].is_null());
}

TEST(PlanValues, ATargetWithoutEndHasNoTime) {
    Plan plan;
    ConnectionTarget monitor;
    monitor.usage_class = "office";
    monitor.destination = "app.lab:7000";
    monitor.purpose = ConnectionPurpose::monitor;
    monitor.per_desktop = 1;
    monitor.until = kNoEnd;
    ConnectionTarget predicted = monitor;
    predicted.destination = "db.lab:5432";
    predicted.purpose = ConnectionPurpose::predicted;
    predicted.bucket = kTwo;
    predicted.until = kTwo + kBucket;
    plan.targets = {monitor, predicted};
    plan.skipped = {{"office", "x.lab:9", SkipReason::denied}};
    const Json value =
        plan_value(plan, TimeZone{}, kTwo, [](const Allotment&) { return std::nullopt; });
    EXPECT_TRUE(value["made_at"].is_null());
    EXPECT_TRUE(value["allotments"].is_array());
    EXPECT_TRUE(value["targets"][0]["until"].is_null());
    EXPECT_TRUE(value["targets"][0]["bucket"].is_null());
    EXPECT_EQ(value["targets"][1]["until"], "2026-03-04 14:05");
    EXPECT_EQ(value["targets"][1]["bucket"], "2026-03-04 14:00");
    ASSERT_EQ(value["skipped"].size(), 1U);
    EXPECT_EQ(value["skipped"][0]["destination"], "x.lab:9");
    EXPECT_EQ(value["skipped"][0]["reason"], skip_reason_name(SkipReason::denied));
}

TEST(PlanValues, PatternOfAClassWithoutHistoryHasNoFigures) {
    Pattern pattern;
    pattern.bucket = kTwo;
    pattern.until = kTwo + kBucket;
    ClassPattern known;
    known.usage_class = "office";
    known.active = true;
    known.action = DeviationAction::block;
    known.destinations = {"app.lab:7000", "db.lab:5432"};
    known.expected[static_cast<std::size_t>(AppType::database)] = 1.5;
    known.allowed[static_cast<std::size_t>(AppType::database)] = 4;
    ClassPattern unknown;
    unknown.usage_class = "engineering";
    unknown.note = "too little history";
    pattern.classes = {known, unknown};
    const Json value = pattern_value(pattern, TimeZone{});
    ASSERT_EQ(value["classes"].size(), 2U);
    EXPECT_EQ(value["classes"][0]["action"], "block");
    EXPECT_EQ(value["classes"][1]["note"], "too little history");
    ASSERT_EQ(value["connections"].size(), dataplane::kAppTypeCount);
    const Json& database = value["connections"][static_cast<std::size_t>(AppType::database)];
    EXPECT_EQ(database["app"], "database");
    EXPECT_EQ(database["expected_per_desktop"], 1.5);
    EXPECT_EQ(database["allowed_per_desktop"], 4);
    EXPECT_EQ(value["destinations"].size(), 2U);
}

TEST(PlanValues, UsageRowNamesItsBucketInLocalTime) {
    UsageRecord record;
    record.bucket = kTwo;
    record.usage_class = "office";
    record.app = AppType::web;
    record.destination = "other";
    record.desktops = 6;
    record.bytes_down = 1000;
    const Json row = usage_row(record, TimeZone{});
    EXPECT_EQ(row["bucket"], "2026-03-04 14:00");
    EXPECT_EQ(row["desktops"], 6);
    EXPECT_EQ(row["bytes_down"], 1000);
    EXPECT_EQ(row["app"], "web");
}

} // namespace
} // namespace foregate::control
