// SPDX-License-Identifier: BSD-3-Clause
// Minimum of a function of a few variables without derivatives, within a box.
// Nelder, J.A., Mead, R.: A simplex method for function minimization. Computer J. 7 (1965).
#pragma once

#include <functional>
#include <vector>

namespace foregate::forecast {

struct Box {
    std::vector<double> low;
    std::vector<double> high;
};

struct Minimum {
    std::vector<double> point;
    double value = 0;
    int evaluations = 0;
};

// `start` lies in the box; points outside are moved to its edge before they are evaluated.
// Stops after `max_evaluations` (and at most as many more as a last step takes), or when the
// simplex's values agree to a share of `tolerance` and its size is sqrt(tolerance) of the box.
// A value that is not finite counts as infinitely bad. Deterministic.
Minimum nelder_mead(const std::function<double(const std::vector<double>&)>& function,
                    const std::vector<double>& start, const Box& box, double step_share,
                    int max_evaluations, double tolerance);

} // namespace foregate::forecast
