// SPDX-License-Identifier: BSD-3-Clause
#include "control/plan/forecast_runner.h"

#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <stdexcept>
#include <utility>

namespace foregate::control {

namespace {

constexpr std::int64_t kDaySeconds = 86400;

// Which buckets, in UTC, stand behind the local times of day of the history, oldest first.
struct Grid {
    std::int64_t from = 0; ///< UTC window that covers all of them
    std::int64_t to = 0;
    std::vector<std::int64_t> index;    ///< into a series of the window; -1: the clocks skip it
    std::vector<std::uint8_t> day_type; ///< history, then forecast steps
    std::vector<std::int64_t> starts;   ///< of the forecast steps
};

Grid make_grid(const AnalyticsClock& clock, std::int64_t running, std::size_t count,
               std::size_t horizon, std::int64_t length) {
    using std::chrono::seconds;
    Grid grid;
    // The zone's offset moves by hours at most: two days of margin cover every change.
    const auto history = static_cast<std::int64_t>(count) * length;
    grid.from = running - (history + 2 * kDaySeconds + length - 1) / length * length;
    grid.to = running;
    const std::chrono::local_seconds here = clock.zone().to_local(running);
    for (std::size_t i = 0; i < count + horizon; ++i) {
        const auto steps = static_cast<std::int64_t>(i) - static_cast<std::int64_t>(count);
        const std::chrono::local_seconds local = here + seconds{steps * length};
        grid.day_type.push_back(clock.day_type(local));
        if (i >= count) {
            grid.starts.push_back(running + steps * length);
            continue;
        }
        const TimeZone::Resolved at = clock.zone().to_epoch(local);
        const std::int64_t bucket = AnalyticsClock::bucket_start(at.epoch, seconds{length});
        const bool inside = at.exists && bucket >= grid.from && bucket < grid.to;
        grid.index.push_back(inside ? (bucket - grid.from) / length : -1);
    }
    return grid;
}

std::vector<double> on_grid(const Grid& grid, const std::vector<double>& window) {
    std::vector<double> values;
    values.reserve(grid.index.size());
    for (const std::int64_t at : grid.index) {
        values.push_back(at < 0 || static_cast<std::size_t>(at) >= window.size()
                             ? std::numeric_limits<double>::quiet_NaN()
                             : window[static_cast<std::size_t>(at)]);
    }
    return values;
}

// Steps per day and per week, where the bucket divides them.
void set_seasons(forecast::Series& series, std::int64_t length) {
    const bool divides = length < kDaySeconds && kDaySeconds % length == 0;
    series.season = divides ? static_cast<int>(kDaySeconds / length) : 1;
    series.long_season = divides ? 7 * series.season : 0;
}

class Collector {
public:
    Collector(UsageStore& store, const AnalyticsClock& clock, std::int64_t now,
              const ForecastConfig& config)
        : store_(store), length_(store.bucket().count()),
          running_(AnalyticsClock::bucket_start(now, store.bucket())),
          horizon_(std::max(config.horizon, 1U)), history_(history_length(config)),
          grid_(make_grid(clock, running_, history_, horizon_, length_)) {
        jobs_.made_at = now;
        jobs_.bucket = store.bucket();
        jobs_.starts = grid_.starts;
    }

    SeriesJobs collect(unsigned max_series) {
        const std::vector<SeriesWeight> all = store_.heaviest(grid_.from, grid_.to);
        add_class_histories(all);
        std::map<std::pair<std::string, AppType>, std::vector<std::string>> named;
        unsigned taken = 0;
        for (const SeriesWeight& weight : all) {
            const SeriesKey& key = weight.key;
            auto& without = named[{key.usage_class, key.app}];
            if (key.destination == kOtherDestination || taken == max_series) {
                continue;
            }
            ++taken;
            without.push_back(key.destination);
            add(key, store_.series(key, grid_.from, grid_.to));
        }
        for (const auto& [group, without] : named) {
            add({group.first, group.second, kOtherDestination},
                store_.rest_series(group.first, group.second, without, grid_.from, grid_.to));
        }
        return std::move(jobs_);
    }

private:
    // No more than is there: a young store costs little.
    std::size_t history_length(const ForecastConfig& config) {
        const auto span = store_.span();
        const std::int64_t wanted = config.history.count() / length_;
        const std::int64_t there = span ? (running_ - span->first) / length_ : 0;
        return static_cast<std::size_t>(std::clamp<std::int64_t>(there, 0, wanted));
    }

    void add_class_histories(const std::vector<SeriesWeight>& all) {
        std::map<std::string, std::set<std::string>> destinations;
        for (const SeriesWeight& weight : all) {
            auto& names = destinations[weight.key.usage_class];
            if (weight.key.destination != kOtherDestination) {
                names.insert(weight.key.destination);
            }
        }
        for (const auto& [name, names] : destinations) {
            const std::int64_t first = store_.first_bucket(name).value_or(running_);
            const auto seen = store_.observed_buckets(std::max(first, grid_.from), running_);
            const double days = static_cast<double>(seen) * static_cast<double>(length_) /
                                static_cast<double>(kDaySeconds);
            jobs_.classes.push_back({name, days, {names.begin(), names.end()}});
        }
    }

    void add(const SeriesKey& key, const SeriesValues& window) {
        const bool empty =
            std::all_of(window[0].begin(), window[0].end(), [](double v) { return std::isnan(v); });
        if (empty || history_ == 0) {
            return;
        }
        for (std::size_t m = 0; m < kMetricCount; ++m) {
            SeriesJob job;
            job.key = key;
            job.metric = static_cast<Metric>(m);
            job.series.values = on_grid(grid_, window[m]);
            job.series.day_type = grid_.day_type;
            set_seasons(job.series, length_);
            job.options.horizon = static_cast<int>(horizon_);
            job.options.integer_counts =
                job.metric == Metric::connections || job.metric == Metric::desktops;
            job.options.arrivals = job.metric == Metric::connections;
            job.options.max_history = std::max(job.options.max_history, static_cast<int>(history_));
            jobs_.jobs.push_back(std::move(job));
        }
    }

    UsageStore& store_;
    std::int64_t length_;
    std::int64_t running_; ///< start of the bucket now running: the first forecast step
    std::size_t horizon_;
    std::size_t history_;
    Grid grid_;
    SeriesJobs jobs_;
};

// One job; nothing if the forecaster refuses it.
std::optional<forecast::Forecast> run_one(const SeriesJob& job) noexcept {
    try {
        return forecast::forecast(job.series, job.options);
    } catch (const std::exception&) {
        return std::nullopt;
    }
}

} // namespace

std::optional<std::size_t> ForecastSet::step_at(std::int64_t epoch) const {
    const auto next = std::upper_bound(starts.begin(), starts.end(), epoch);
    if (next == starts.begin() || epoch >= *(next - 1) + bucket.count()) {
        return std::nullopt;
    }
    return static_cast<std::size_t>(next - starts.begin()) - 1;
}

const ClassHistory* ForecastSet::history_of(const std::string& usage_class) const {
    const auto found = std::find_if(classes.begin(), classes.end(), [&](const ClassHistory& c) {
        return c.usage_class == usage_class;
    });
    return found == classes.end() ? nullptr : &*found;
}

SeriesJobs collect_series(UsageStore& store, const AnalyticsClock& clock, std::int64_t now,
                          const ForecastConfig& config) {
    return Collector(store, clock, now, config).collect(config.max_series);
}

ForecastSet run_forecasts(const SeriesJobs& jobs, unsigned threads) {
    std::vector<std::optional<forecast::Forecast>> results(jobs.jobs.size());
    const auto run = [&](std::size_t i) { results[i] = run_one(jobs.jobs[i]); };
    if (threads <= 1) {
        for (std::size_t i = 0; i < results.size(); ++i) {
            run(i);
        }
    } else {
        tbb::task_arena arena(static_cast<int>(threads));
        arena.execute([&] { tbb::parallel_for(std::size_t{0}, results.size(), run); });
    }
    ForecastSet set{jobs.made_at, jobs.bucket, jobs.starts, jobs.classes, {}};
    for (std::size_t i = 0; i + kMetricCount <= results.size(); i += kMetricCount) {
        SeriesForecast forecast{jobs.jobs[i].key, {}};
        bool whole = true;
        for (std::size_t m = 0; m < kMetricCount; ++m) {
            whole = whole && results[i + m] && results[i + m]->steps.size() == jobs.starts.size();
            if (whole) {
                forecast.metrics[m] = *std::move(results[i + m]);
            }
        }
        if (whole) {
            set.series.push_back(std::move(forecast));
        }
    }
    return set;
}

} // namespace foregate::control
