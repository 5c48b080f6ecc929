// SPDX-License-Identifier: BSD-3-Clause
// Rolling-origin backtest: every member forecasts blocks of the past from what was known before
// them, fitted once before the oldest of them.
#pragma once

#include "forecast/forecaster.h"
#include "forecast/history.h"
#include "forecast/model.h"

#include <memory>
#include <span>
#include <vector>

namespace foregate::forecast {

struct Origin {
    int index = 0;        // first step forecast
    bool at_phase = true; // a whole number of seasons before the forecast to be made
};

// Oldest first. A horizon of a season or more: blocks spaced by whole seasons. Shorter: past days'
// blocks at the same time of day (of the target's day type where known), and the latest blocks.
// None older than half the history or a season, whichever is later; maybe none at all.
std::vector<Origin> plan_origins(const History& history, const ForecastOptions& options);

class Backtest {
public:
    // Members that cannot be fitted before the oldest origin are removed from `members`; the
    // others are left fitted there.
    Backtest(const History& history, std::vector<Origin> origins, int horizon,
             std::vector<std::unique_ptr<Model>>& members);

    const std::vector<Origin>& origins() const { return origins_; }
    std::size_t members() const { return predictions_.size(); }
    // Steps from this origin that lie before the end of the history and were observed are NaN-free.
    std::span<const double> actual(std::size_t origin) const;
    std::span<const double> prediction(std::size_t member, std::size_t origin) const;
    // One error per member over all origins but `without` (none: origins().size()):
    // MASE, or with `relative` sqrt(MASE * sMAPE / 200).
    std::vector<double> errors(bool relative, std::size_t without) const;

private:
    struct Sum {
        double absolute = 0;
        double relative = 0;
        double count = 0;
    };
    std::vector<Origin> origins_;
    std::size_t horizon_;
    double scale_ = 1;                             // of MASE
    std::vector<double> actual_;                   // origin by origin; NaN: unknown
    std::vector<std::vector<double>> predictions_; // per member, origin by origin
    std::vector<std::vector<Sum>> sums_;           // per member and origin
};

} // namespace foregate::forecast
