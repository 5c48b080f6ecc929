// SPDX-License-Identifier: BSD-3-Clause
#include "forecast/history.h"

#include "forecast/day_type.h"

#include <algorithm>
#include <cmath>

namespace foregate::forecast {
namespace {

constexpr double kLogOffsetShare = 0.05; // of the mean: keeps log() away from zero
constexpr double kHighOfMaximum = 3.0;

std::size_t first_kept(const std::vector<double>& values, int max_history) {
    const auto limit = static_cast<std::size_t>(max_history);
    std::size_t begin = values.size() > limit ? values.size() - limit : 0;
    while (begin < values.size() && std::isnan(values[begin])) {
        ++begin;
    }
    return begin;
}

void fill_gaps(History& history) {
    const int size = history.size();
    int last_seen = 0; // index 0 is observed
    for (int i = 1; i < size; ++i) {
        if (history.seen(i)) {
            last_seen = i;
            continue;
        }
        double& value = history.values[static_cast<std::size_t>(i)];
        if (history.season > 1 && i >= history.season) {
            value = history.at(i - history.season);
            continue;
        }
        int next = i + 1;
        while (next < size && !history.seen(next)) {
            ++next;
        }
        const double from = history.at(last_seen);
        const double share = static_cast<double>(i - last_seen) / (next - last_seen);
        value = next < size ? from * (1 - share) + history.at(next) * share : from;
    }
}

void set_limits(History& history) {
    const auto [low, high] = std::minmax_element(history.values.begin(), history.values.end());
    history.non_negative = *low >= 0;
    if (history.non_negative) {
        history.low = 0;
        history.high = kHighOfMaximum * *high;
    } else {
        // Halved first, so that the widest range a double can have does not overflow.
        const double half = *high / 2 - *low / 2;
        history.low = std::max(*low - 4 * half, -1e300);
        history.high = std::min(*high + 4 * half, 1e300);
    }
    history.high = std::min(history.high, 1e300);
}

void take_logs(History& history) {
    if (!history.non_negative) {
        return;
    }
    const auto size = static_cast<double>(history.values.size());
    double mean = 0;
    for (const double value : history.values) {
        mean += value / size;
    }
    const double lowest = *std::min_element(history.values.begin(), history.values.end());
    history.log_offset = std::max(kLogOffsetShare * mean - lowest, 0.0);
    if (lowest + history.log_offset <= 0) {
        history.log_offset = 1; // all zero
    }
    history.logs.reserve(history.values.size());
    for (const double value : history.values) {
        history.logs.push_back(std::log(value + history.log_offset));
    }
}

} // namespace

bool History::same_day_type(int a, int b) const {
    return !knows_days() ||
           day_type[static_cast<std::size_t>(a)] == day_type[static_cast<std::size_t>(b)];
}

bool History::same_day_kind(int a, int b) const {
    return !knows_days() || (day_type[static_cast<std::size_t>(a)] == 0) ==
                                (day_type[static_cast<std::size_t>(b)] == 0);
}

double History::back(Scale scale, double value) const {
    if (std::isnan(value)) {
        return low;
    }
    const double raw = scale == Scale::raw ? value : std::exp(value) - log_offset;
    return std::clamp(raw, low, high);
}

void History::analogues(int target, int origin, int stride, bool typed, int limit,
                        std::vector<int>& out) const {
    out.clear();
    const int nearest = target - stride * ((target - origin) / stride + 1);
    const int passes = typed && knows_days() ? 3 : 1;
    for (int pass = 0; pass < passes && out.empty(); ++pass) {
        for (int i = nearest; i >= 0 && static_cast<int>(out.size()) < limit; i -= stride) {
            const bool alike = !typed || pass == 2 ||
                               (pass == 0 ? same_day_type(i, target) : same_day_kind(i, target));
            if (alike && seen(i)) {
                out.push_back(i);
            }
        }
    }
}

History prepare(const Series& series, int horizon, int max_history) {
    History history;
    history.season = series.season;
    history.long_season = series.long_season > series.season ? series.long_season : 0;
    const std::size_t begin = first_kept(series.values, max_history);
    for (std::size_t i = begin; i < series.values.size(); ++i) {
        const bool seen = !std::isnan(series.values[i]);
        history.values.push_back(seen ? series.values[i] : 0.0);
        history.observed.push_back(seen ? 1 : 0);
    }
    if (!series.day_type.empty()) {
        const auto from = series.day_type.begin() + static_cast<std::ptrdiff_t>(begin);
        const auto to =
            series.day_type.begin() + static_cast<std::ptrdiff_t>(series.values.size()) + horizon;
        history.day_type.assign(from, to);
    }
    if (history.values.empty()) {
        return history;
    }
    fill_gaps(history);
    set_limits(history);
    take_logs(history);
    if (history.day_type.empty() && history.long_season == 7 * history.season) {
        history.day_type = infer_day_types(history.values, history.season, horizon);
    }
    return history;
}

} // namespace foregate::forecast
