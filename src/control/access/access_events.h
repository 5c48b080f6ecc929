// SPDX-License-Identifier: BSD-3-Clause
// What the access lists have stopped: written as events, counted by class and rule. Control thread only.
#pragma once

#include "control/access/access_control.h"
#include "control/session/session_control.h"
#include "control/telemetry/event_log.h"

#include <cstdint>
#include <map>
#include <string>
#include <utility>

namespace foregate::control {

class AccessEvents {
public:
    AccessEvents(const AccessControl& access, const SessionControl& sessions, EventLog& events)
        : access_(access), sessions_(sessions), events_(events) {}

    void take(const dataplane::AccessDenied& report);

    /// By class (as the workers number it) and rule; what was reported, which under a storm is less than what was stopped.
    [[nodiscard]] const std::map<std::pair<std::uint16_t, std::uint16_t>, std::uint64_t>& reported() const noexcept {
        return reported_;
    }
    [[nodiscard]] std::uint64_t total() const noexcept { return total_; }

private:
    const AccessControl& access_;
    const SessionControl& sessions_;
    EventLog& events_;
    std::map<std::pair<std::uint16_t, std::uint16_t>, std::uint64_t> reported_;
    std::uint64_t total_ = 0;
};

} // namespace foregate::control
