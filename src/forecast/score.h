// SPDX-License-Identifier: BSD-3-Clause
// Measures of a forecast against what came, as in the M4 competition (Makridakis et al. 2020) and
// for quantiles the pinball loss (Koenker, Bassett 1978). Pairs with a NaN are left out.
#pragma once

#include <span>

namespace foregate::forecast {

// Mean |x[t] - x[t - season]| over the pairs where both are numbers; 0 if there is none.
double mase_scale(std::span<const double> history, int season);

// Mean absolute error over `scale`. 0 if exact; infinite if only the scale is 0.
double mase(std::span<const double> actual, std::span<const double> forecast, double scale);

// Mean of 200 |y - f| / (|y| + |f|), 0..200; an exact pair counts 0.
double smape(std::span<const double> actual, std::span<const double> forecast);

// Sum |y - f| over sum |y|. 0 if exact; infinite if only the denominator is 0.
double wape(std::span<const double> actual, std::span<const double> forecast);

// Mean pinball loss of forecasts of the `level` quantile, level in (0, 1).
double pinball(std::span<const double> actual, std::span<const double> forecast, double level);

} // namespace foregate::forecast
