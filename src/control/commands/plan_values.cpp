// SPDX-License-Identifier: BSD-3-Clause
#include "control/commands/values.h"

#include <algorithm>

namespace foregate::control {

namespace {

/// Index of the first step that has not ended at `now`; the number of steps when all have.
std::size_t first_step(const ForecastSet& forecasts, std::int64_t now) {
    std::size_t step = 0;
    while (step < forecasts.starts.size() &&
           forecasts.starts[step] + forecasts.bucket.count() <= now) {
        ++step;
    }
    return step;
}

Json series_row(const SeriesForecast& series, Metric metric) {
    Json row;
    row["class"] = series.key.usage_class;
    row["app"] = std::string(dataplane::app_type_name(series.key.app));
    row["destination"] = series.key.destination;
    row["metric"] = metric_name(metric);
    row["chosen"] = series.of(metric).chosen;
    return row;
}

/// Calls `use(series, metric)` for every series of the class (empty: all) and metric.
template <typename Use>
void each_series(const ForecastSet& forecasts, const std::string& usage_class, Use&& use) {
    for (const SeriesForecast& series : forecasts.series) {
        if (!usage_class.empty() && series.key.usage_class != usage_class) {
            continue;
        }
        for (std::size_t m = 0; m < kMetricCount; ++m) {
            use(series, static_cast<Metric>(m));
        }
    }
}

std::size_t known_steps(const ForecastSet& forecasts, const forecast::Forecast& of) {
    return std::min(forecasts.starts.size(), of.steps.size());
}

Json target_row(const ConnectionTarget& target, const TimeZone& zone) {
    Json row;
    row["class"] = target.usage_class;
    row["destination"] = target.destination;
    row["purpose"] = purpose_name(target.purpose);
    row["per_desktop"] = target.per_desktop;
    row["limit"] = target.limit;
    row["bucket"] = target.bucket == 0 ? Json(nullptr) : local_time(target.bucket, zone);
    row["until"] = local_time(target.until, zone);
    row["expected_desktops"] = rounded(target.expected_desktops);
    row["expected_connections"] = rounded(target.expected_connections);
    row["reason"] = target.reason;
    return row;
}

} // namespace

Json usage_row(const UsageRecord& record, const TimeZone& zone) {
    Json row;
    row["bucket"] = local_time(record.bucket, zone);
    row["class"] = record.usage_class;
    row["app"] = std::string(dataplane::app_type_name(record.app));
    row["destination"] = record.destination;
    row["desktops"] = record.desktops;
    row["new_connections"] = record.new_connections;
    row["failed_connections"] = record.failed_connections;
    row["bytes_up"] = record.bytes_up;
    row["bytes_down"] = record.bytes_down;
    row["packets_up"] = record.packets_up;
    row["packets_down"] = record.packets_down;
    return row;
}

Json forecast_rows(const ForecastSet& forecasts, const TimeZone& zone,
                   const std::string& usage_class) {
    Json rows = Json::array();
    each_series(forecasts, usage_class, [&](const SeriesForecast& series, Metric metric) {
        const forecast::Forecast& of = series.of(metric);
        Json row = series_row(series, metric);
        row["note"] = of.note.empty() ? Json(nullptr) : Json(of.note);
        Json steps = Json::array();
        for (std::size_t i = 0; i < known_steps(forecasts, of); ++i) {
            const forecast::Step& step = of.steps[i];
            steps.push_back({{"start", local_time(forecasts.starts[i], zone)},
                             {"mean", rounded(step.mean)},
                             {"q10", rounded(step.q10)},
                             {"q50", rounded(step.q50)},
                             {"q90", rounded(step.q90)},
                             {"q975", rounded(step.q975)}});
        }
        row["steps"] = std::move(steps);
        rows.push_back(std::move(row));
    });
    return rows;
}

Json outlook_rows(const ForecastSet& forecasts, const TimeZone& zone,
                  const std::string& usage_class, std::int64_t now, std::size_t steps) {
    Json rows = Json::array();
    const std::size_t first = first_step(forecasts, now);
    each_series(forecasts, usage_class, [&](const SeriesForecast& series, Metric metric) {
        const forecast::Forecast& of = series.of(metric);
        const std::size_t end = std::min(first + steps, known_steps(forecasts, of));
        for (std::size_t i = first; i < end; ++i) {
            const forecast::Step& step = of.steps[i];
            Json row;
            row["start"] = local_time(forecasts.starts[i], zone);
            row.update(series_row(series, metric));
            row["mean"] = rounded(step.mean);
            row["q10"] = rounded(step.q10);
            row["q50"] = rounded(step.q50);
            row["q90"] = rounded(step.q90);
            row["q975"] = rounded(step.q975);
            rows.push_back(std::move(row));
        }
    });
    return rows;
}

Json plan_value(const Plan& plan, const TimeZone& zone, std::int64_t now,
                const std::function<std::optional<std::uint16_t>(const Allotment&)>& number_of) {
    Json value;
    value["made_at"] = plan.made_at == 0 ? Json(nullptr) : local_time(plan.made_at, zone);
    value["budget_up_bps"] = plan.budget_up_bps;
    value["budget_down_bps"] = plan.budget_down_bps;
    value["allotments"] = Json::array();
    for (const Allotment& allotment : plan.allotments) {
        const auto number = number_of(allotment);
        Json row;
        row["class"] = allotment.usage_class;
        row["app"] = std::string(dataplane::app_type_name(allotment.app));
        row["destination"] = allotment.destination;
        row["direction"] = direction_name(allotment.direction);
        row["rate_bps"] = allotment.rate_bps;
        row["from"] = local_time(allotment.from, zone);
        row["until"] = local_time(allotment.until, zone);
        row["in_force"] = number.has_value() && allotment.from <= now && now < allotment.until;
        row["number"] = number ? Json(*number) : Json(nullptr);
        value["allotments"].push_back(std::move(row));
    }
    value["targets"] = Json::array();
    for (const ConnectionTarget& target : plan.targets) {
        value["targets"].push_back(target_row(target, zone));
    }
    value["skipped"] = Json::array();
    for (const SkippedTarget& skipped : plan.skipped) {
        value["skipped"].push_back({{"class", skipped.usage_class},
                                    {"destination", skipped.destination},
                                    {"reason", skip_reason_name(skipped.reason)}});
    }
    return value;
}

Json pattern_value(const Pattern& pattern, const TimeZone& zone) {
    Json value;
    value["bucket"] = pattern.until == 0 ? Json(nullptr) : local_time(pattern.bucket, zone);
    value["until"] = pattern.until == 0 ? Json(nullptr) : local_time(pattern.until, zone);
    Json classes = Json::array();
    Json connections = Json::array();
    Json destinations = Json::array();
    constexpr const char* kActions[] = {"off", "note", "block"};
    for (const ClassPattern& of : pattern.classes) {
        classes.push_back({{"class", of.usage_class},
                           {"action", kActions[static_cast<std::size_t>(of.action)]},
                           {"active", of.active},
                           {"note", of.note.empty() ? Json(nullptr) : Json(of.note)}});
        for (std::size_t i = 0; of.active && i < dataplane::kAppTypeCount; ++i) {
            connections.push_back(
                {{"class", of.usage_class},
                 {"app", std::string(dataplane::app_type_name(static_cast<AppType>(i)))},
                 {"expected_per_desktop", rounded(of.expected[i])},
                 {"allowed_per_desktop", of.allowed[i]}});
        }
        for (const std::string& destination : of.destinations) {
            destinations.push_back({{"class", of.usage_class}, {"destination", destination}});
        }
    }
    value["classes"] = std::move(classes);
    value["connections"] = std::move(connections);
    value["destinations"] = std::move(destinations);
    return value;
}

} // namespace foregate::control
