// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <vector>

namespace foregate::forecast {

// One equally spaced series, as the caller has it. Any unit; forecasts come back in the same one.
struct Series {
    // Oldest first. NaN is a missing value: a gap is never a zero.
    std::vector<double> values;
    // Main season in steps, at least 1 (1: no season). 288 for 5-minute buckets and a day.
    int season = 1;
    // Second, longer season in steps, e.g. 2016 for a week of 5-minute buckets; 0: none.
    int long_season = 0;
    // Optional: one per value and one per forecast step (values.size() + horizon entries).
    // 0 working day, 1 Saturday, 2 Sunday or holiday; further types may be used. Empty: unknown.
    std::vector<std::uint8_t> day_type;
};

} // namespace foregate::forecast
