// SPDX-License-Identifier: BSD-3-Clause
// What the planner decides: allotments of bandwidth and targets for held connections. Plain data;
// everything in it is a lease that ends by itself. Times are analytics epoch seconds.
#pragma once

#include "control/usage/usage_record.h"

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace foregate::control {

enum class Direction : std::uint8_t { up, down }; ///< up: from the desktops
[[nodiscard]] const char* direction_name(Direction direction) noexcept;

struct Allotment {
    std::string usage_class;
    AppType app = AppType::other;
    std::string destination;
    Direction direction = Direction::down;
    std::uint64_t rate_bps = 0;
    std::int64_t from = 0;
    std::int64_t until = 0;

    bool operator==(const Allotment&) const = default;
};

enum class ConnectionPurpose : std::uint8_t { monitor, predicted };
[[nodiscard]] const char* purpose_name(ConnectionPurpose purpose) noexcept;

inline constexpr std::int64_t kNoEnd = std::numeric_limits<std::int64_t>::max();

/// So many held connections to the destination for every desktop of the class with a session.
struct ConnectionTarget {
    std::string usage_class;
    std::string destination;
    unsigned per_desktop = 0;
    unsigned limit = 0; ///< over all desktops of the class
    ConnectionPurpose purpose = ConnectionPurpose::predicted;
    std::int64_t until = 0;       ///< kNoEnd: as long as the session (monitor)
    std::int64_t bucket = 0;      ///< start of the bucket that asks for most; 0: monitor
    double expected_desktops = 0; ///< median of the forecast for that bucket
    double expected_connections = 0;
    std::string reason; ///< for a person

    bool operator==(const ConnectionTarget&) const = default;
};

enum class SkipReason : std::uint8_t {
    port_not_eligible, ///< neither its port nor itself is allowed
    denied,
    not_one_host, ///< a prefix or "other": nothing to connect to
    listed,       ///< on a threat list
    access_denied, ///< by the class's access list
    destination_cap,
    desktop_cap,
    total_cap,
};
[[nodiscard]] const char* skip_reason_name(SkipReason reason) noexcept;

/// A destination expected by enough desktops to hold connections to, and why none are held.
struct SkippedTarget {
    std::string usage_class;
    std::string destination;
    SkipReason reason = SkipReason::port_not_eligible;

    bool operator==(const SkippedTarget&) const = default;
};

struct Plan {
    std::int64_t made_at = 0;
    std::uint64_t budget_up_bps = 0; ///< most that allotments may sum to at any moment
    std::uint64_t budget_down_bps = 0;
    std::vector<Allotment> allotments;     ///< sorted by class, type, destination, direction, from
    std::vector<ConnectionTarget> targets; ///< most benefit for its cost first; monitors before all
    std::vector<SkippedTarget> skipped;

    bool operator==(const Plan&) const = default;
};

/// Without what has ended. For the last plan when no new one can be made.
[[nodiscard]] Plan without_ended(Plan plan, std::int64_t now);

struct PlanDiff {
    std::vector<Allotment> set;    ///< new ones, and those with another rate or end
    std::vector<Allotment> remove; ///< in the old plan and not in the new
    std::vector<ConnectionTarget> set_targets;
    std::vector<ConnectionTarget> remove_targets;
    [[nodiscard]] bool empty() const {
        return set.empty() && remove.empty() && set_targets.empty() && remove_targets.empty();
    }
};

/// `next` with the rates of `in_force` wherever they differ by less than `hysteresis` (a share) and
/// the sum stays within the budget: a forecast that trembles does not make orders.
[[nodiscard]] Plan steadied(const Plan& in_force, Plan next, double hysteresis = 0.05);
/// What to order so that `next` is in force. Reasons and expectations of a target alone are no
/// change.
[[nodiscard]] PlanDiff diff_plans(const Plan& in_force, const Plan& next);

} // namespace foregate::control
