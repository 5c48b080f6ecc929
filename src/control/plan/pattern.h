// SPDX-License-Identifier: BSD-3-Clause
// What is normal for a class in the bucket now running, for the early warning. Pure; any thread.
//
// A connection to a destination that the class is known to use, or monitors, is always within the
// pattern. Any other connection counts against its application type: a desktop may open
//   allowed = free_connections + tolerance x expected
// of them in a bucket, where `expected` is the upper quantile (97.5 %) of the forecast connections
// per desktop of that type, summed over its destinations, "other" included; 0 for a type that the
// class never uses. A class with less than kPatternMinDays of history has no pattern, and without a
// pattern nothing deviates: the gateway does not block out of ignorance.
#pragma once

#include "control/config/config.h"
#include "control/plan/forecast_runner.h"

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace foregate::control {

inline constexpr double kPatternMinDays = 2.0;

struct ClassPattern {
    std::string usage_class;
    bool active = false;
    DeviationAction action = DeviationAction::off;
    std::string note;                      ///< why not active
    std::vector<std::string> destinations; ///< expected ones, sorted
    /// By application type: connections per desktop in this bucket.
    std::array<double, dataplane::kAppTypeCount> expected{};
    std::array<std::uint32_t, dataplane::kAppTypeCount> allowed{}; ///< to unexpected destinations

    bool operator==(const ClassPattern&) const = default;
    [[nodiscard]] bool expects(const std::string& destination) const;
};

struct Pattern {
    std::int64_t bucket = 0;           ///< start of the bucket it is for
    std::int64_t until = 0;            ///< its end
    std::vector<ClassPattern> classes; ///< in the order of the config

    bool operator==(const Pattern&) const = default;
};

/// `now`: analytics epoch seconds. No forecasts, or none for this moment: no class is active.
[[nodiscard]] Pattern make_pattern(const ForecastSet* forecasts, std::int64_t now,
                                   std::span<const ClassConfig> classes,
                                   std::chrono::seconds bucket);

struct DeviationVerdict {
    bool deviates = false;
    double expected = 0; ///< per desktop and bucket
    std::uint32_t allowed = 0;
    std::uint32_t seen = 0;
};
/// Judges a desktop's `seen`-th connection of this type in this bucket to a destination that is not
/// expected (1 is the first). What the data plane does with the published tables, in one place.
[[nodiscard]] DeviationVerdict judge(const ClassPattern& pattern, AppType app,
                                     const std::string& destination, std::uint32_t seen);

} // namespace foregate::control
