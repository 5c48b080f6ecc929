// SPDX-License-Identifier: BSD-3-Clause
#include "control/plan/pattern.h"

#include "forecast_fixture.h"

#include <gtest/gtest.h>

namespace foregate::control {
namespace {

using namespace testing_forecast;

constexpr std::chrono::seconds kBucket{kBucketSeconds};

std::vector<ClassConfig> office(DeviationAction action = DeviationAction::block) {
    ClassConfig config;
    config.name = "office";
    config.deviation.action = action;
    config.deviation.tolerance = 3.0;
    config.deviation.free_connections = 1;
    DestinationSpec monitor;
    monitor.name = "mon.lab";
    monitor.port = 80;
    config.monitor = {monitor};
    return {config};
}

ForecastSet usual() {
    ForecastSet set = empty_set(2);
    add(set, {"office", AppType::web, "web.lab:443"}, {{0, 0, 12, 6}, {0, 0, 60, 6}});
    add(set, {"office", AppType::web, "other"}, {{0, 0, 3, 6}, {0, 0, 3, 6}});
    add(set, {"plant", AppType::management, "sw.lab:22"}, {{0, 0, 99, 6}, {0, 0, 99, 6}});
    return set;
}

TEST(PatternTest, AllowsTheUpperQuantilePerDesktopTimesTolerance) {
    const ForecastSet set = usual();
    const Pattern pattern = make_pattern(&set, kNow + 10, office(), kBucket);
    EXPECT_EQ(pattern.bucket, kNow);
    EXPECT_EQ(pattern.until, kNow + 300);
    ASSERT_EQ(pattern.classes.size(), 1U);
    const ClassPattern& c = pattern.classes[0];
    EXPECT_TRUE(c.active);
    const auto web = static_cast<std::size_t>(AppType::web);
    EXPECT_DOUBLE_EQ(c.expected[web], 2.5); // 12/6 + 3/6
    EXPECT_EQ(c.allowed[web], 1U + 8U);
    EXPECT_EQ(c.destinations,
              (std::vector<std::string>{"db.lab:5432", "mon.lab:80", "web.lab:443"}));
    const Pattern next = make_pattern(&set, kNow + 300, office(), kBucket);
    EXPECT_GT(next.classes[0].allowed[web], c.allowed[web]);
}

TEST(PatternTest, ATypeTheClassNeverUsesHasOnlyTheFreeConnections) {
    const ForecastSet set = usual();
    const auto pattern = make_pattern(&set, kNow, office(), kBucket).classes[0];
    const auto first = judge(pattern, AppType::management, "host1:22", 1);
    EXPECT_FALSE(first.deviates);
    const auto second = judge(pattern, AppType::management, "host2:22", 2);
    EXPECT_TRUE(second.deviates);
    EXPECT_EQ(second.expected, 0);
    EXPECT_EQ(second.allowed, 1U);
    EXPECT_EQ(second.seen, 2U);
}

TEST(PatternTest, AnExpectedDestinationNeverDeviates) {
    const ForecastSet set = usual();
    const auto pattern = make_pattern(&set, kNow, office(), kBucket).classes[0];
    EXPECT_FALSE(judge(pattern, AppType::database, "db.lab:5432", 100000).deviates);
    EXPECT_FALSE(judge(pattern, AppType::management, "mon.lab:80", 100000).deviates);
    EXPECT_TRUE(judge(pattern, AppType::web, "new.lab:443", 10).deviates);
    EXPECT_FALSE(judge(pattern, AppType::web, "new.lab:443", 9).deviates);
}

TEST(PatternTest, IgnoranceNeverDeviates) {
    const ForecastSet set = usual();
    const auto inactive = [](const ForecastSet* forecasts, std::int64_t now,
                             const std::vector<ClassConfig>& classes) {
        const Pattern pattern = make_pattern(forecasts, now, classes, kBucket);
        const ClassPattern& c = pattern.classes[0];
        return !c.active && !c.note.empty() &&
               !judge(c, AppType::management, "host1:22", 1000).deviates;
    };
    EXPECT_TRUE(inactive(nullptr, kNow, office()));
    EXPECT_TRUE(inactive(&set, kNow + 600, office())); // beyond the horizon
    EXPECT_TRUE(inactive(&set, kNow - 1, office()));
    EXPECT_TRUE(inactive(&set, kNow, office(DeviationAction::off)));
    ForecastSet young = usual();
    young.classes[0].days = 1.9;
    EXPECT_TRUE(inactive(&young, kNow, office()));
    auto unknown = office();
    unknown[0].name = "new";
    EXPECT_TRUE(inactive(&set, kNow, unknown));
    EXPECT_FALSE(inactive(&set, kNow, office(DeviationAction::note)));
}

} // namespace
} // namespace foregate::control
