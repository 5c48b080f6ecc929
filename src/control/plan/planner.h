// SPDX-License-Identifier: BSD-3-Clause
// The plan: forecasts in, allotments and connection targets out. Pure: same input, same plan; so it
// can be replayed offline.
//
// Allotments. For the bucket now running and every bucket that starts within the lead, each named
// destination of a class and application type gets margin x q90 of its forecast bytes as a rate.
// Floors come first: the sum of allotments is at most allotted_share of the port's rate and at most
// what the floors of all sessions leave of it; if more is asked for, all are scaled alike.
//
// Connection targets. A destination is expected in a bucket if the median of its forecast number of
// desktops is at least min_expected_share of the class's desktops. Then every session of the class
// gets max(1, median connections / median desktops) held connections, rounded up, within the caps.
// Benefit: the share of sessions expected to use one, times the connect times saved per desktop.
// Cost: the connections held. Where a cap does not fit all, the best benefit for its cost comes
// first. A destination that is busy all day is expected all day, a surge only while it lasts.
#pragma once

#include "control/config/config.h"
#include "control/plan/forecast_runner.h"
#include "control/plan/plan.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace foregate::control {

struct ClassDemand {
    std::string name;
    unsigned desktops = 0;       ///< known ones: what an expected share is a share of
    unsigned sessions = 0;       ///< desktops with a session that is not cut
    std::uint64_t floor_bps = 0; ///< per session
    std::vector<DestinationSpec> monitor;
};

struct PlanInput {
    const ForecastSet* forecasts = nullptr; ///< nullptr: no forecast, monitors only
    std::int64_t now = 0;                   ///< analytics epoch seconds
    std::uint64_t up_bps = 0;               ///< upstream port's rate; 0: not shaped, no allotments
    std::uint64_t down_bps = 0;             ///< desktop port's rate
    std::vector<ClassDemand> classes;
    PlanConfig config;
    /// Is the destination on a threat list? Such get nothing. Empty: none is.
    std::function<bool(const std::string& destination)> listed;
    /// Does the class's access list deny it? Then nothing is opened. Empty: none is.
    std::function<bool(const std::string& usage_class, const std::string& destination)> denied;
};

[[nodiscard]] Plan make_plan(const PlanInput& input);

} // namespace foregate::control
