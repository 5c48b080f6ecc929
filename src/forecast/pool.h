// SPDX-License-Identifier: BSD-3-Clause
// The members that a series gets.
#pragma once

#include "forecast/history.h"
#include "forecast/model.h"

#include <memory>
#include <vector>

namespace foregate::forecast {

// Unfitted; at least last_value. Seasonal members only with a season, weekly ones only with a
// long season, those on the log scale only if no value is negative.
std::vector<std::unique_ptr<Model>> make_members(const History& history);

} // namespace foregate::forecast
