// SPDX-License-Identifier: BSD-3-Clause
// What workers stopped or noted: written as events, remembered in the shadow session, counted.
#pragma once

#include "control/session/session_control.h"
#include "control/telemetry/event_log.h"
#include "control/usage/usage_collector.h"
#include "dataplane/messages.h"
#include "dataplane/threat/threat_db.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace foregate::control {

/// Control thread only.
class WarningDesk {
public:
    WarningDesk(SessionControl& sessions, EventLog& events, NameOf name_of)
        : sessions_(sessions), events_(events), name_of_(std::move(name_of)) {}

    /// `threats`: the database that was published last; entries of an older one are named by what was matched.
    void take(const dataplane::ThreatMatched& report, const dataplane::ThreatTables* threats,
              std::uint32_t threats_since_generation, SteadyTime now);
    /// Of a feed's alerts; 1, the worst, for feeds that are not named.
    void set_severity(const std::string& feed, std::uint32_t severity) { severities_[feed] = severity; }
    void take(const dataplane::Deviated& report, SteadyTime now);

    struct Totals {
        std::uint64_t threats = 0, threats_blocked = 0, deviations = 0, deviations_blocked = 0;
        std::map<std::string, std::uint64_t> by_feed; ///< threats by feed
        std::map<std::string, std::uint64_t> by_where; ///< threats by where they were found
    };
    [[nodiscard]] const Totals& totals() const noexcept { return totals_; }

private:
    SessionControl& sessions_;
    EventLog& events_;
    NameOf name_of_;
    Totals totals_;
    std::map<std::string, std::uint32_t> severities_;
};

} // namespace foregate::control
