// SPDX-License-Identifier: BSD-3-Clause
// The forecast of one series: a pool of models, weighted by a rolling-origin backtest, with
// intervals from the combination's own out-of-fold residuals (split-conformal).
// Pure: same input, same output, bit for bit; no state, so any number of threads may call it.
#pragma once

#include "forecast/series.h"

#include <string>
#include <vector>

namespace foregate::forecast {

// One step ahead, in the unit of the series. Quantiles never cross; none of the numbers is
// negative if no observed value was.
struct Step {
    double mean = 0;
    double q025 = 0;
    double q10 = 0;
    double q50 = 0;
    double q90 = 0;
    double q975 = 0;
};

struct MemberReport {
    std::string name;
    double weight = 0; // all weights sum to 1
    // Backtest error. Horizon of a season and more: sqrt(MASE * sMAPE/200). Shorter: MASE.
    // 0 for all members if there was no backtest.
    double error = 0;
};

struct Forecast {
    std::vector<Step> steps;           // horizon entries, the first one step after the last value
    std::vector<MemberReport> members; // heaviest first
    std::string chosen;                // the member with most weight
    bool fallback = false;             // true: too little history for a backtest
    std::string note;                  // for a person: why fallback, what was left out
};

struct ForecastOptions {
    int horizon = 12; // steps ahead, at least 1
    // Backtest blocks of `horizon` steps, spaced by whole seasons, if horizon >= season.
    int origins = 3;
    // If horizon < season: at most so many past days' blocks at the time of day of the forecast
    // (same kind of day where day types are known) ...
    int phase_origins = 5;
    // ... and so many blocks right before the forecast, one after the other.
    int recent_origins = 16;
    // The series counts things: quantiles become whole numbers (rounded outward), mean does not.
    bool integer_counts = false;
    // The series counts arrivals of many independent sources: the band is never narrower than that
    // of a Poisson variable with this mean (normal approximation), however calm the past was.
    bool arrivals = false;
    // Only the last so many values are looked at (bounds the cost); useful from two long
    // seasons on.
    int max_history = 8064;
};

// Throws std::invalid_argument with a clear message for misuse only: horizon or season below 1,
// negative long_season, any of them above a million, infinite values, day_type of the wrong length,
// origins or max_history below 1.
// Whatever the values are, the answer is finite: nothing observed gives zeros with `fallback`.
Forecast forecast(const Series& series, const ForecastOptions& options);

} // namespace foregate::forecast
