// SPDX-License-Identifier: BSD-3-Clause
#include "forecast/day_type.h"

#include "made_series.h"

#include <gtest/gtest.h>

namespace foregate::forecast {
namespace {

TEST(DayType, FindsTheWeekendOfASurgeSeries) {
    for (const int missing : {0, 1, 7}) {
        made::SurgeForm form;
        form.missing_days_ago = missing;
        const made::Surge surge = made::surge(form, 12);
        const auto types = infer_day_types(surge.series.values, made::kDay, 12);
        ASSERT_EQ(types.size(), surge.series.day_type.size());
        // Compared where it matters: in the hour of the surge.
        const int end = form.end_minute / 5;
        for (int i = 0; i < made::kTwoWeeks; ++i) {
            const int time = (i + end) % made::kDay;
            if (time >= made::kSurgeBegin && time < made::kSurgeEnd) {
                const auto at = static_cast<std::size_t>(i);
                EXPECT_EQ(types[at] != 0, surge.series.day_type[at] != 0) << i;
            }
        }
    }
}

TEST(DayType, FindsASingleQuietDay) {
    const Series series = made::series_of(
        24 * 21, 24, [](int i) { return i / 24 % 7 == 3 ? 1.0 : 10.0 + (i % 24 > 8) * 20.0; });
    const auto types = infer_day_types(series.values, 24, 24);
    ASSERT_EQ(types.size(), 22U * 24);
    for (std::size_t i = 0; i < types.size(); ++i) {
        if (i % 24 > 8) {
            EXPECT_EQ(types[i], i / 24 % 7 == 3 ? 1 : 0) << i;
        }
    }
}

TEST(DayType, NothingFromNoiseOrTooLittle) {
    made::Noise noise(1);
    const Series series =
        made::series_of(24 * 28, 24, [&](int i) { return i % 24 + 5 * noise.normal(); });
    EXPECT_TRUE(infer_day_types(series.values, 24, 1).empty());
    EXPECT_TRUE(infer_day_types(std::span(series.values).first(14 * 24 - 1), 24, 1).empty());
    EXPECT_TRUE(infer_day_types(std::vector<double>(500, 3.0), 24, 1).empty());
    EXPECT_TRUE(infer_day_types(series.values, 1, 1).empty());
}

} // namespace
} // namespace foregate::forecast
