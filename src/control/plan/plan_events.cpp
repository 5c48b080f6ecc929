// SPDX-License-Identifier: BSD-3-Clause
#include "control/plan/plan_events.h"

namespace foregate::control {

void PlanEvents::tell(const PlanRunner& plan, EventTime now) {
    if (plan.forecasts_made() != forecasts_told_ && plan.forecasts() != nullptr) {
        forecasts_told_ = plan.forecasts_made();
        Event event;
        event.type = "forecast";
        event.foregate["series"] = plan.forecasts()->series.size();
        event.foregate["took_ms"] = plan.forecast_took().count();
        events_.write(event, now);
    }
    Items allotments;
    for (const Allotment& allotment : plan.plan().allotments) {
        const auto number = plan.allotment_number(allotment);
        if (!number) { // a lease that has yet to begin
            continue;
        }
        Told told{allotment.rate_bps, {}};
        told.fields["class"] = allotment.usage_class;
        told.fields["app"] = dataplane::app_type_name(allotment.app);
        told.fields["destination"] = allotment.destination;
        told.fields["direction"] = direction_name(allotment.direction);
        allotments[told.fields.dump()] = told;
    }
    tell_changes("allotment", "rate_bps", allotments_, std::move(allotments), now);
    Items targets;
    for (const ConnectionTarget& target : plan.plan().targets) {
        Told told{target.per_desktop, {}};
        told.fields["class"] = target.usage_class;
        told.fields["destination"] = target.destination;
        told.fields["purpose"] = purpose_name(target.purpose);
        targets[told.fields.dump()] = told;
    }
    tell_changes("preconnect", "connections_per_desktop", targets_, std::move(targets), now);
}

void PlanEvents::tell_changes(const char* type, const char* unit, Items& before, Items after, EventTime now) {
    const auto write = [&](const char* change, const Told& told) {
        Event event;
        event.type = type;
        event.foregate = told.fields;
        event.foregate["change"] = change;
        event.foregate[unit] = told.value;
        events_.write(event, now);
    };
    for (const auto& [key, told] : after) {
        const auto found = before.find(key);
        if (found == before.end() || found->second.value != told.value) {
            write("set", told);
        }
    }
    for (const auto& [key, told] : before) {
        if (!after.contains(key)) {
            write("ended", told);
        }
    }
    before = std::move(after);
}

} // namespace foregate::control
