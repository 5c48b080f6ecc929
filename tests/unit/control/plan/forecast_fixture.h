// SPDX-License-Identifier: BSD-3-Clause
// Forecast sets made by hand: every quantile of a metric is what the test says.
#pragma once

#include "control/plan/forecast_runner.h"

#include <string>
#include <utility>
#include <vector>

namespace foregate::control::testing_forecast {

inline constexpr std::int64_t kBucketSeconds = 300;
inline constexpr std::int64_t kNow = 1'800'000'000; // starts a bucket

struct Demand {
    double bytes_up = 0;
    double bytes_down = 0;
    double connections = 0;
    double desktops = 0;
};

inline forecast::Forecast flat(const std::vector<double>& values) {
    forecast::Forecast f;
    for (const double v : values) {
        f.steps.push_back({v, v, v, v, v, v});
    }
    return f;
}

inline ForecastSet empty_set(std::size_t steps, double days = 14) {
    ForecastSet set;
    set.made_at = kNow;
    set.bucket = std::chrono::seconds{kBucketSeconds};
    for (std::size_t s = 0; s < steps; ++s) {
        set.starts.push_back(kNow + static_cast<std::int64_t>(s) * kBucketSeconds);
    }
    set.classes = {{"office", days, {"db.lab:5432", "web.lab:443"}}, {"plant", days, {}}};
    return set;
}

/// One series; the demand of each step.
inline void add(ForecastSet& set, SeriesKey key, const std::vector<Demand>& demand) {
    SeriesForecast series{std::move(key), {}};
    std::array<std::vector<double>, kMetricCount> values;
    for (const Demand& d : demand) {
        values[0].push_back(d.bytes_up);
        values[1].push_back(d.bytes_down);
        values[2].push_back(d.connections);
        values[3].push_back(d.desktops);
    }
    for (std::size_t m = 0; m < kMetricCount; ++m) {
        series.metrics[m] = flat(values[m]);
    }
    set.series.push_back(std::move(series));
}

} // namespace foregate::control::testing_forecast
