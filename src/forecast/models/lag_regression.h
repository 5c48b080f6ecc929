// SPDX-License-Identifier: BSD-3-Clause
// An autoregression on few, well chosen lags (the last steps, around one and two seasons, whole
// seasons up to a week and two), fitted by ridge regression, forecast step by step.
#pragma once

#include "forecast/model.h"

#include <vector>

namespace foregate::forecast {

struct LagForm {
    std::string name;
    Scale scale = Scale::raw;
    int difference = 0; // 0: the values; else differences over so many steps (a season)
};

class LagRegression : public Model {
public:
    explicit LagRegression(LagForm form) : form_(std::move(form)) {}
    std::string name() const override { return form_.name; }
    bool fit(const History& history, int end) override;
    void predict(const History& history, int origin, std::span<double> out) const override;
    const std::vector<int>& lags() const { return lags_; }
    const std::vector<double>& weights() const { return weights_; } // one per lag

private:
    bool choose_lags(const History& history, int end);

    LagForm form_;
    std::vector<int> lags_; // ascending, in steps
    std::vector<double> weights_;
    double center_ = 0; // subtracted before, added after; 0 for differences
};

// The lags for a season (and a longer one, 0: none) that reach back at most `farthest` steps.
std::vector<int> sparse_lags(int season, int long_season, int farthest);

} // namespace foregate::forecast
