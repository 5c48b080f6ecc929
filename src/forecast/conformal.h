// SPDX-License-Identifier: BSD-3-Clause
// Intervals from out-of-fold residuals (split-conformal; Vovk, Gammerman, Shafer 2005; Lei et al.
// 2018), with a scale of their own for every step.
#pragma once

#include "forecast/forecaster.h"

#include <span>
#include <vector>

namespace foregate::forecast {

// One block of past steps: what was forecast without knowing it, and what came.
struct Residuals {
    std::vector<double> forecast;
    std::vector<double> actual; // NaN: unknown
    bool at_phase = true;       // at the time of day (and day type) of the forecast to be made
};

// Bands around `mean`. Each step's scale joins the mean absolute residual of the same step of
// the blocks at phase with that of all blocks, taken relative to the forecast's own level plus
// `level_offset`; so a quiet hour and a surge in one series do not share a band. The
// residuals in units of their scales, with some of a Laplace distribution among them (residuals
// are few and their tails unknown), give the quantiles.
std::vector<Step> conformal_bands(std::span<const double> mean,
                                  std::span<const Residuals> residuals, double level_offset);

// Bands from nothing but the size of one step's change: Laplace, growing with the root of the step.
std::vector<Step> plain_bands(std::span<const double> mean, double mean_absolute_change);

} // namespace foregate::forecast
