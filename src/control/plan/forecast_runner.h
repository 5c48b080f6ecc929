// SPDX-License-Identifier: BSD-3-Clause
// From the usage store to forecasts, in two halves: collect_series() reads the store on the control
// thread; run_forecasts() is pure and may run in a bounded TBB arena beside it.
//
// The forecast sees days by local time: value i of a series is the bucket at one local time of day,
// whatever the zone's offset was. An hour that the clocks skip is missing, of an hour that comes
// twice the first counts, so a surge at 14:00 stays at 14:00 over the change.
#pragma once

#include "control/config/config.h"
#include "control/usage/analytics_clock.h"
#include "control/usage/usage_store.h"
#include "forecast/forecaster.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace foregate::control {

/// What is known of one class besides its series.
struct ClassHistory {
    std::string usage_class;
    double days = 0; ///< observed, since the class was first seen, within the history looked at
    std::vector<std::string> destinations; ///< every one named in that time, sorted
};

struct SeriesJob {
    SeriesKey key;
    Metric metric = Metric::bytes_up;
    forecast::Series series;
    forecast::ForecastOptions options;
};

struct SeriesJobs {
    std::int64_t made_at = 0; ///< analytics epoch seconds
    std::chrono::seconds bucket{300};
    std::vector<std::int64_t> starts; ///< of the forecast buckets; the first is the one now running
    std::vector<ClassHistory> classes; ///< sorted by name
    std::vector<SeriesJob> jobs;       ///< heaviest series first, kMetricCount jobs each
};

struct SeriesForecast {
    SeriesKey key;
    std::array<forecast::Forecast, kMetricCount> metrics; ///< by Metric
    [[nodiscard]] const forecast::Forecast& of(Metric m) const {
        return metrics[static_cast<std::size_t>(m)];
    }
};

struct ForecastSet {
    std::int64_t made_at = 0;
    std::chrono::seconds bucket{300};
    std::vector<std::int64_t> starts;
    std::vector<ClassHistory> classes;
    std::vector<SeriesForecast> series; ///< heaviest first; with "other" rows of class and type

    /// Index of the forecast bucket that holds `epoch`; nullopt: beyond the horizon or before it.
    [[nodiscard]] std::optional<std::size_t> step_at(std::int64_t epoch) const;
    [[nodiscard]] const ClassHistory* history_of(const std::string& usage_class) const;
};

/// The config.max_series heaviest series by name; all others of a class and application type are
/// summed into its "other" series. `now`: analytics epoch seconds.
[[nodiscard]] SeriesJobs collect_series(UsageStore& store, const AnalyticsClock& clock,
                                        std::int64_t now, const ForecastConfig& config);

/// Same input, same output, whatever the number of threads. A series whose forecast fails (it never
/// should) is left out. threads 0 counts as 1; 1 runs on the calling thread without TBB.
[[nodiscard]] ForecastSet run_forecasts(const SeriesJobs& jobs, unsigned threads = 1);

} // namespace foregate::control
