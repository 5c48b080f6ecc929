// SPDX-License-Identifier: BSD-3-Clause
// Tells of what the plan changed: forecasts made, allotments set and ended, connection targets set and ended.
#pragma once

#include "control/plan/plan_runner.h"
#include "control/telemetry/event_log.h"

#include <cstdint>
#include <map>
#include <string>

namespace foregate::control {

/// Control thread only. None of these events names a desktop.
class PlanEvents {
public:
    explicit PlanEvents(EventLog& events) : events_(events) {}

    /// Compares with what was told last; call it when the plan may have changed.
    void tell(const PlanRunner& plan, EventTime now);

private:
    struct Told {
        std::uint64_t value = 0; ///< rate in bit/s, or connections per desktop
        nlohmann::ordered_json fields;
    };
    using Items = std::map<std::string, Told>;
    void tell_changes(const char* type, const char* unit, Items& before, Items after, EventTime now);

    EventLog& events_;
    std::uint64_t forecasts_told_ = 0;
    Items allotments_;
    Items targets_;
};

} // namespace foregate::control
