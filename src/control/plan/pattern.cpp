// SPDX-License-Identifier: BSD-3-Clause
#include "control/plan/pattern.h"

#include "control/usage/destination_text.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace foregate::control {

namespace {

// Connections per desktop and application type that would still be normal in this step.
void expect_connections(const ForecastSet& forecasts, std::size_t step, ClassPattern& pattern) {
    for (const SeriesForecast& series : forecasts.series) {
        if (series.key.usage_class != pattern.usage_class) {
            continue;
        }
        const double desktops = series.of(Metric::desktops).steps[step].q50;
        const double connections = series.of(Metric::connections).steps[step].q975;
        pattern.expected[static_cast<std::size_t>(series.key.app)] +=
            connections / std::max(desktops, 1.0);
    }
}

void allow_connections(const DeviationConfig& config, ClassPattern& pattern) {
    constexpr double kMost = std::numeric_limits<std::uint32_t>::max();
    for (std::size_t app = 0; app < pattern.allowed.size(); ++app) {
        const double allowed =
            config.free_connections + std::ceil(config.tolerance * pattern.expected[app]);
        pattern.allowed[app] = static_cast<std::uint32_t>(std::clamp(allowed, 0.0, kMost));
    }
}

ClassPattern class_pattern(const ForecastSet* forecasts, std::optional<std::size_t> step,
                           const ClassConfig& config) {
    ClassPattern pattern;
    pattern.usage_class = config.name;
    pattern.action = config.deviation.action;
    if (config.deviation.action == DeviationAction::off) {
        pattern.note = "off in the config";
        return pattern;
    }
    if (forecasts == nullptr || !step) {
        pattern.note = "no forecast for this bucket";
        return pattern;
    }
    const ClassHistory* history = forecasts->history_of(config.name);
    if (history == nullptr || history->days < kPatternMinDays) {
        pattern.note = "less than 2 days of history";
        return pattern;
    }
    pattern.active = true;
    pattern.destinations = history->destinations;
    for (const DestinationSpec& spec : config.monitor) {
        pattern.destinations.push_back(format_destination(spec));
    }
    std::sort(pattern.destinations.begin(), pattern.destinations.end());
    pattern.destinations.erase(
        std::unique(pattern.destinations.begin(), pattern.destinations.end()),
        pattern.destinations.end());
    expect_connections(*forecasts, *step, pattern);
    allow_connections(config.deviation, pattern);
    return pattern;
}

} // namespace

bool ClassPattern::expects(const std::string& destination) const {
    return std::binary_search(destinations.begin(), destinations.end(), destination);
}

Pattern make_pattern(const ForecastSet* forecasts, std::int64_t now,
                     std::span<const ClassConfig> classes, std::chrono::seconds bucket) {
    Pattern pattern;
    pattern.bucket = AnalyticsClock::bucket_start(now, bucket);
    pattern.until = pattern.bucket + bucket.count();
    const auto step = forecasts != nullptr ? forecasts->step_at(now) : std::nullopt;
    for (const ClassConfig& config : classes) {
        pattern.classes.push_back(class_pattern(forecasts, step, config));
    }
    return pattern;
}

DeviationVerdict judge(const ClassPattern& pattern, AppType app, const std::string& destination,
                       std::uint32_t seen) {
    DeviationVerdict verdict;
    verdict.seen = seen;
    if (!pattern.active) {
        return verdict;
    }
    const auto index = static_cast<std::size_t>(app);
    verdict.expected = pattern.expected[index];
    verdict.allowed = pattern.allowed[index];
    verdict.deviates = !pattern.expects(destination) && seen > verdict.allowed;
    return verdict;
}

} // namespace foregate::control
