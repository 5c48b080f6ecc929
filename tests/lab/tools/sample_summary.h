// SPDX-License-Identifier: BSD-3-Clause
// Order statistics of measured samples, as they go into a probe's JSON.
#pragma once

#include <string>
#include <vector>

namespace foregate::lab {

/// {"count":..,"min":..,"mean":..,"p50":..,"p90":..,"p99":..,"max":..}; only {"count":0} without
/// samples. Percentiles by the nearest rank.
std::string summarize(std::vector<double> samples);

} // namespace foregate::lab
