// SPDX-License-Identifier: BSD-3-Clause
// `foregate forecast --in F.csv --horizon H --season S[,S2] --out G.csv`: the forecaster on its own, offline.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace foregate::control {

struct ForecastArguments {
    std::string in;
    std::string out;
    int horizon = 0;
    std::vector<int> seasons; ///< one or two, in steps
};

/// Returns the exit status; messages to `err` as `file:line: message`.
int run_forecast_command(const ForecastArguments& arguments, std::ostream& err);

} // namespace foregate::control
