// SPDX-License-Identifier: BSD-3-Clause
// ETS(A,Ad,A): additive error, damped additive trend, additive season (Holt-Winters).
// Hyndman, Koehler, Ord, Snyder: Forecasting with Exponential Smoothing (2008), chapter 2.
// With season 1 it is Holt's damped trend.
#pragma once

#include "forecast/model.h"

#include <vector>

namespace foregate::forecast {

struct HoltWintersWeights {
    double alpha = 0.1; // level
    double beta = 0;    // trend; at most alpha
    double gamma = 0.1; // season
    double phi = 1;     // damping of the trend per step
};

struct HoltWintersState {
    double level = 0;
    double trend = 0;
    std::vector<double> seasonal; // by phase: index of the value modulo season
};

class HoltWinters : public Model {
public:
    explicit HoltWinters(Scale scale) : scale_(scale) {}
    std::string name() const override { return scale_ == Scale::raw ? "ets" : "ets_log"; }
    // Frugal: the first seasons give the state, a coarse grid and then a bounded Nelder-Mead
    // search over the last seasons the four weights. At least two seasons and six values.
    bool fit(const History& history, int end) override;
    void predict(const History& history, int origin, std::span<double> out) const override;
    const HoltWintersWeights& weights() const { return weights_; }

private:
    HoltWintersState first_state(const History& history, int end) const;
    double roll(const History& history, int end, const HoltWintersWeights& weights,
                HoltWintersState& state) const;

    Scale scale_;
    int begin_ = 0; // first value used
    HoltWintersState first_;
    HoltWintersWeights weights_;
};

} // namespace foregate::forecast
