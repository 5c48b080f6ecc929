// SPDX-License-Identifier: BSD-3-Clause
// From the members' backtest errors to weights, and from members' forecasts to one.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace foregate::forecast {

// error^-4, normalised to sum 1. All exact: equal weights. Errors are finite and at least 0.
std::vector<double> error_weights(std::span<const double> errors);

// The combination's error `combined` leads the best naive's by 2 % or more: weights unchanged.
// Less: moved towards the naive alone, fully so at no lead. `naive` is its index.
void shrink_to_naive(std::vector<double>& weights, double combined, double best_naive,
                     std::size_t naive);

enum class Pooling { mean, median };

// values[i] has weights[i]; at least one, the weights sum to 1. The weighted median is the middle
// of the members ordered by value, interpolated between the weights' midpoints.
double pool(std::span<const double> values, std::span<const double> weights, Pooling pooling);

} // namespace foregate::forecast
