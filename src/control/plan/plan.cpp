// SPDX-License-Identifier: BSD-3-Clause
#include "control/plan/plan.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>
#include <utility>

namespace foregate::control {

namespace {

auto allotment_key(const Allotment& a) {
    return std::tie(a.usage_class, a.app, a.destination, a.direction, a.from);
}

bool same_allotment(const Allotment& a, const Allotment& b) {
    return allotment_key(a) == allotment_key(b);
}

auto target_key(const ConnectionTarget& t) {
    return std::tie(t.usage_class, t.destination, t.purpose);
}

bool same_target(const ConnectionTarget& a, const ConnectionTarget& b) {
    return target_key(a) == target_key(b);
}

// Only what the dialer acts on.
bool same_order(const ConnectionTarget& a, const ConnectionTarget& b) {
    return a.per_desktop == b.per_desktop && a.limit == b.limit && a.until == b.until;
}

template <class Item, class Same>
const Item* find_same(const std::vector<Item>& items, const Item& wanted, Same&& same) {
    const auto found = std::find_if(items.begin(), items.end(),
                                    [&](const Item& item) { return same(item, wanted); });
    return found == items.end() ? nullptr : &*found;
}

// Both lists of allotments are sorted, and may be long.
const Allotment* find_allotment(const std::vector<Allotment>& sorted, const Allotment& wanted) {
    const auto found = std::lower_bound(
        sorted.begin(), sorted.end(), wanted,
        [](const Allotment& a, const Allotment& b) { return allotment_key(a) < allotment_key(b); });
    return found != sorted.end() && same_allotment(*found, wanted) ? &*found : nullptr;
}

} // namespace

const char* direction_name(Direction direction) noexcept {
    return direction == Direction::up ? "up" : "down";
}

const char* purpose_name(ConnectionPurpose purpose) noexcept {
    return purpose == ConnectionPurpose::monitor ? "monitor" : "predicted";
}

const char* skip_reason_name(SkipReason reason) noexcept {
    switch (reason) {
    case SkipReason::port_not_eligible:
        return "port-not-eligible";
    case SkipReason::denied:
        return "denied";
    case SkipReason::not_one_host:
        return "not-one-host";
    case SkipReason::listed:
        return "listed";
    case SkipReason::access_denied:
        return "access-denied";
    case SkipReason::destination_cap:
        return "destination-cap";
    case SkipReason::desktop_cap:
        return "desktop-cap";
    case SkipReason::total_cap:
        return "total-cap";
    }
    return "?";
}

Plan without_ended(Plan plan, std::int64_t now) {
    std::erase_if(plan.allotments, [now](const Allotment& a) { return a.until <= now; });
    std::erase_if(plan.targets, [now](const ConnectionTarget& t) { return t.until <= now; });
    return plan;
}

Plan steadied(const Plan& in_force, Plan next, double hysteresis) {
    // What is free of the budget, by direction and bucket; only buckets do not overlap in time.
    std::map<std::pair<Direction, std::int64_t>, std::int64_t> slack;
    for (const Allotment& a : next.allotments) {
        const auto [entry, fresh] = slack.try_emplace({a.direction, a.from}, 0);
        if (fresh) {
            entry->second = static_cast<std::int64_t>(
                a.direction == Direction::up ? next.budget_up_bps : next.budget_down_bps);
        }
        entry->second -= static_cast<std::int64_t>(a.rate_bps);
    }
    // Growth that is not followed frees budget, so it comes first.
    for (const bool growing : {true, false}) {
        for (Allotment& a : next.allotments) {
            const Allotment* old = find_allotment(in_force.allotments, a);
            if (old == nullptr || old->until != a.until || old->rate_bps == a.rate_bps ||
                (a.rate_bps > old->rate_bps) != growing) {
                continue;
            }
            const auto gain =
                static_cast<std::int64_t>(a.rate_bps) - static_cast<std::int64_t>(old->rate_bps);
            const double allowed = hysteresis * static_cast<double>(old->rate_bps);
            std::int64_t& free = slack[{a.direction, a.from}];
            if (std::abs(static_cast<double>(gain)) < allowed && free + gain >= 0) {
                free += gain;
                a.rate_bps = old->rate_bps;
            }
        }
    }
    return next;
}

PlanDiff diff_plans(const Plan& in_force, const Plan& next) {
    PlanDiff diff;
    for (const Allotment& a : next.allotments) {
        const Allotment* old = find_allotment(in_force.allotments, a);
        if (old == nullptr || *old != a) {
            diff.set.push_back(a);
        }
    }
    for (const Allotment& a : in_force.allotments) {
        if (find_allotment(next.allotments, a) == nullptr) {
            diff.remove.push_back(a);
        }
    }
    for (const ConnectionTarget& t : next.targets) {
        const ConnectionTarget* old = find_same(in_force.targets, t, same_target);
        if (old == nullptr || !same_order(*old, t)) {
            diff.set_targets.push_back(t);
        }
    }
    for (const ConnectionTarget& t : in_force.targets) {
        if (find_same(next.targets, t, same_target) == nullptr) {
            diff.remove_targets.push_back(t);
        }
    }
    return diff;
}

} // namespace foregate::control
