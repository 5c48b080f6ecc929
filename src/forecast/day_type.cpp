// SPDX-License-Identifier: BSD-3-Clause
#include "forecast/day_type.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace foregate::forecast {
namespace {

constexpr std::size_t kWeekdays = 7;
constexpr std::size_t kMostBins = 24;   // a day is compared by the means of so many parts
constexpr double kLeastExplained = 0.3; // of the variance between days, by the two groups
constexpr std::size_t kMostDays = 8 * kWeekdays;

// One whole day, as means over its parts; the weekday is counted from the series' first day.
struct Day {
    std::size_t weekday = 0;
    std::vector<double> parts;
};

// The step of the day at which the quietest quarter of the mean day begins.
std::size_t quietest_step(std::span<const double> values, std::size_t season) {
    std::vector<double> mean(season, 0.0);
    for (std::size_t i = 0; i < values.size(); ++i) {
        mean[i % season] += values[i] / static_cast<double>(values.size());
    }
    const std::size_t window = std::max<std::size_t>(season / 4, 1);
    double sum = 0;
    for (std::size_t i = 0; i < window; ++i) {
        sum += mean[i];
    }
    double least = sum;
    std::size_t best = 0;
    for (std::size_t begin = 1; begin < season; ++begin) {
        sum += mean[(begin + window - 1) % season] - mean[begin - 1];
        if (sum < least) {
            least = sum;
            best = begin;
        }
    }
    return best;
}

std::vector<Day> whole_days(std::span<const double> values, std::size_t season, std::size_t start) {
    const std::size_t bins = std::min(season, kMostBins);
    std::vector<Day> days;
    for (std::size_t day = 0; start + (day + 1) * season <= values.size(); ++day) {
        Day one{day % kWeekdays, std::vector<double>(bins, 0.0)};
        for (std::size_t i = 0; i < season; ++i) {
            one.parts[i * bins / season] += values[start + day * season + i];
        }
        days.push_back(std::move(one));
    }
    if (days.size() > kMostDays) {
        days.erase(days.begin(), days.end() - static_cast<std::ptrdiff_t>(kMostDays));
    }
    return days;
}

using Group = std::array<std::uint8_t, kWeekdays>; // per weekday 0 or 1

// Sum over both groups of the squared distances of their days from the group's mean day.
double spread(const std::vector<Day>& days, const Group& group) {
    double sum = 0;
    for (std::size_t bin = 0; bin < days.front().parts.size(); ++bin) {
        std::array<double, 2> mean{};
        std::array<double, 2> count{};
        for (const Day& day : days) {
            mean[group[day.weekday]] += day.parts[bin];
            count[group[day.weekday]] += 1;
        }
        for (const Day& day : days) {
            const std::size_t g = group[day.weekday];
            const double distance = day.parts[bin] - mean[g] / count[g];
            sum += distance * distance;
        }
    }
    return sum;
}

} // namespace

std::vector<std::uint8_t> infer_day_types(std::span<const double> values, int season, int horizon) {
    const auto day = static_cast<std::size_t>(season);
    if (season < 2 || values.size() < 2 * kWeekdays * day) {
        return {};
    }
    const std::size_t start = quietest_step(values, day);
    const std::vector<Day> days = whole_days(values, day, start);
    const double before = spread(days, Group{});
    double least = (1 - kLeastExplained) * before;
    Group best{};
    for (const std::size_t length : {1U, 2U}) {
        for (std::size_t first = 0; first < kWeekdays; ++first) {
            Group group{};
            for (std::size_t i = 0; i < length; ++i) {
                group[(first + i) % kWeekdays] = 1;
            }
            if (const double after = spread(days, group); after < least) {
                least = after;
                best = group;
            }
        }
    }
    if (best == Group{}) {
        return {};
    }
    std::vector<std::uint8_t> types;
    for (std::size_t i = 0; i < values.size() + static_cast<std::size_t>(horizon); ++i) {
        // Steps before the first whole day belong to the weekday before it.
        types.push_back(best[((i + kWeekdays * day - start) / day) % kWeekdays]);
    }
    return types;
}

} // namespace foregate::forecast
