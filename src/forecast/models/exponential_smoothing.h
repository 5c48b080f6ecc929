// SPDX-License-Identifier: BSD-3-Clause
// Simple exponential smoothing, and the theta method built on it.
// Theta: Assimakopoulos, V., Nikolopoulos, K. (2000), in the form of Hyndman, R.J., Billah, B.:
// Unmasking the Theta method. Int. J. Forecasting 19 (2003): SES with half the slope as drift.
#pragma once

#include "forecast/model.h"

#include <optional>
#include <vector>

namespace foregate::forecast {

struct SmoothedLevel {
    double level = 0;         // after the last value
    double squared_error = 0; // sum over the one-step errors after the first value
};

// level' = level + alpha (value - level), from the first value on. Missing values (observed 0) are
// passed over. values and observed of the same length, at least 1.
SmoothedLevel smooth_level(std::span<const double> values, std::span<const std::uint8_t> observed,
                           double alpha);

// The alpha of least squared one-step error, by grid and bisection of the best interval.
double fit_alpha(std::span<const double> values, std::span<const std::uint8_t> observed);

class SimpleSmoothing : public Model {
public:
    // With an alpha in (0, 1] nothing is fitted.
    explicit SimpleSmoothing(std::optional<double> alpha = std::nullopt) : given_(alpha) {}
    std::string name() const override { return "ses"; }
    bool fit(const History& history, int end) override;
    void predict(const History& history, int origin, std::span<double> out) const override;

private:
    std::optional<double> given_;
    double alpha_ = 1;
};

class Theta : public Model {
public:
    explicit Theta(Scale scale) : scale_(scale) {}
    std::string name() const override { return scale_ == Scale::raw ? "theta" : "theta_log"; }
    bool fit(const History& history, int end) override;
    void predict(const History& history, int origin, std::span<double> out) const override;

private:
    int window_begin(const History& history, int origin) const;

    Scale scale_;
    double alpha_ = 1;
};

} // namespace foregate::forecast
