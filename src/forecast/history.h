// SPDX-License-Identifier: BSD-3-Clause
// A series made ready for the models: gaps filled, limits known, days comparable.
#pragma once

#include "forecast/series.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace foregate::forecast {

enum class Scale { raw, log };

// Index 0 is the oldest value kept. Indices from size() on are future steps: only day_type
// reaches there. Immutable once prepared.
struct History {
    std::vector<double> values;         // finite; gaps filled from the past
    std::vector<double> logs;           // log(value + log_offset); empty if a value is negative
    std::vector<std::uint8_t> observed; // 0: the value was missing and is filled
    std::vector<std::uint8_t> day_type; // size() + horizon entries, or empty
    int season = 1;
    int long_season = 0; // 0: none, or not longer than season
    bool non_negative = true;
    double log_offset = 0;
    double low = 0; // forecasts are clipped to [low, high]
    double high = 0;

    int size() const { return static_cast<int>(values.size()); }
    double at(int index) const { return values[static_cast<std::size_t>(index)]; }
    bool seen(int index) const { return observed[static_cast<std::size_t>(index)] != 0; }
    bool knows_days() const { return !day_type.empty(); }
    // Same day type, or both unknown.
    bool same_day_type(int a, int b) const;
    // Both working days or both not (Saturday, Sunday, holiday).
    bool same_day_kind(int a, int b) const;
    const std::vector<double>& on(Scale scale) const { return scale == Scale::raw ? values : logs; }
    // From the given scale back to the unit of the series, clipped to [low, high].
    double back(Scale scale, double value) const;
    // Past indices comparable to `target` and before `origin`, latest first, at most `limit`:
    // whole multiples of `stride` back. By day type if `typed` and days are known; a day type never
    // seen before falls back to the same kind of day, and then to any day. Missing ones are left
    // out.
    void analogues(int target, int origin, int stride, bool typed, int limit,
                   std::vector<int>& out) const;
};

// Leading missing values are dropped, and all but the last max_history values.
// A gap takes the value one season before (itself perhaps filled), else the straight line between
// its neighbours, else the last value seen. Unknown day types are inferred where the long season is
// seven seasons. If nothing is observed, the history is empty.
History prepare(const Series& series, int horizon, int max_history);

} // namespace foregate::forecast
