// SPDX-License-Identifier: BSD-3-Clause
#include "forecast/pool.h"

#include "forecast/models/exponential_smoothing.h"
#include "forecast/models/holt_winters.h"
#include "forecast/models/lag_regression.h"
#include "forecast/models/naive.h"
#include "forecast/models/profile.h"

namespace foregate::forecast {
namespace {

using Members = std::vector<std::unique_ptr<Model>>;

constexpr int kDays = 10;
constexpr int kWeeks = 4;

void add_profiles(const History& history, Members& out) {
    const int day = history.season;
    const auto add = [&out](ProfileForm form) {
        out.push_back(std::make_unique<Profile>(std::move(form)));
    };
    add({.name = "day_mean", .stride = day, .limit = kDays});
    add({.name = "day_median", .stride = day, .limit = kDays, .median = true});
    add({.name = "day_level", .stride = day, .limit = kDays, .corrected = true});
    add({.name = "day_level_log",
         .stride = day,
         .limit = kDays,
         .corrected = true,
         .scale = Scale::log});
    if (history.long_season > 0) {
        const int week = history.long_season;
        add({.name = "week_mean", .stride = week, .limit = kWeeks});
        add({.name = "week_median", .stride = week, .limit = kWeeks, .median = true});
        add({.name = "week_level", .stride = week, .limit = kWeeks, .corrected = true});
        add({.name = "week_level_log",
             .stride = week,
             .limit = kWeeks,
             .corrected = true,
             .scale = Scale::log});
    }
}

} // namespace

std::vector<std::unique_ptr<Model>> make_members(const History& history) {
    Members out;
    out.push_back(std::make_unique<LastValue>());
    out.push_back(std::make_unique<SimpleSmoothing>());
    if (history.season > 1) {
        out.push_back(std::make_unique<SeasonalNaive>("seasonal_naive", history.season));
    }
    if (history.long_season > 0) {
        out.push_back(std::make_unique<SeasonalNaive>("long_naive", history.long_season));
    }
    if (history.knows_days()) {
        out.push_back(std::make_unique<CalendarNaive>());
    }
    if (history.season > 1) {
        add_profiles(history, out);
    }
    for (const Scale scale : {Scale::raw, Scale::log}) {
        if (scale == Scale::log && !history.non_negative) {
            continue;
        }
        const std::string suffix = scale == Scale::raw ? "" : "_log";
        out.push_back(std::make_unique<HoltWinters>(scale));
        out.push_back(std::make_unique<Theta>(scale));
        out.push_back(std::make_unique<LagRegression>(LagForm{"ar" + suffix, scale, 0}));
        if (history.season > 1) {
            out.push_back(std::make_unique<LagRegression>(
                LagForm{"ar_season" + suffix, scale, history.season}));
        }
    }
    return out;
}

} // namespace foregate::forecast
