// SPDX-License-Identifier: BSD-3-Clause
#include "forecast/models/naive.h"

#include <algorithm>
#include <vector>

namespace foregate::forecast {
namespace {

double last_observed(const History& history, int origin) {
    int i = origin - 1;
    while (i > 0 && !history.seen(i)) {
        --i;
    }
    return history.at(i);
}

} // namespace

bool LastValue::fit(const History&, int end) {
    return end >= 1;
}

void LastValue::predict(const History& history, int origin, std::span<double> out) const {
    std::fill(out.begin(), out.end(), last_observed(history, origin));
}

bool SeasonalNaive::fit(const History&, int end) {
    return period_ > 1 && end >= period_;
}

void SeasonalNaive::predict(const History& history, int origin, std::span<double> out) const {
    for (std::size_t k = 0; k < out.size(); ++k) {
        const int into_period = static_cast<int>(k % static_cast<std::size_t>(period_));
        out[k] = history.at(origin - period_ + into_period);
    }
}

bool CalendarNaive::fit(const History& history, int end) {
    return history.knows_days() && history.season > 1 && end >= history.season;
}

void CalendarNaive::predict(const History& history, int origin, std::span<double> out) const {
    std::vector<int> days;
    for (std::size_t k = 0; k < out.size(); ++k) {
        const int target = origin + static_cast<int>(k);
        history.analogues(target, origin, history.season, true, 1, days);
        out[k] = days.empty() ? last_observed(history, origin) : history.at(days.front());
    }
}

} // namespace foregate::forecast
