// SPDX-License-Identifier: BSD-3-Clause
// Carries session changes to everybody concerned: shadow session, shaper pipe, published table, held connections, event.
#pragma once

#include "control/publisher.h"
#include "control/session/shadow_session.h"
#include "control/telemetry/event_log.h"
#include "dataplane/dataplane.h"

#include <functional>
#include <map>
#include <string>

namespace foregate::control {

/// Control thread only.
class SessionControl {
public:
    SessionControl(const Config& config, dataplane::Dataplane& dataplane, Publisher& publisher, EventLog& events);

    [[nodiscard]] SessionTable& table() noexcept { return table_; }
    [[nodiscard]] const SessionTable& table() const noexcept { return table_; }
    [[nodiscard]] ShadowSessions& shadows() noexcept { return shadows_; }
    [[nodiscard]] const ShadowSessions& shadows() const noexcept { return shadows_; }

    /// Orders of an operator; the error says why not.
    [[nodiscard]] std::string login(const std::string& name, SteadyTime now);
    [[nodiscard]] std::string logout(const std::string& name, SteadyTime now);
    [[nodiscard]] std::string cut(const std::string& name, CutReason reason, SteadyTime now);
    [[nodiscard]] std::string restore(const std::string& name, SteadyTime now);

    /// A worker saw a desktop without an open session do something.
    void seen(const dataplane::DesktopSeen& report, SteadyTime now);
    /// Reads the live counters; cuts who has been idle for too long.
    void tick(SteadyTime now);
    /// Publishes desktops and pipes anew (at start).
    void publish_all();
    /// Changes of each kind since start, by name ("login", "cut:inactivity", ...).
    [[nodiscard]] const std::map<std::string, std::uint64_t>& changes() const noexcept { return changes_; }
    /// Called after each change.
    void on_change(std::function<void(const SessionEvent&)> call) { on_change_ = std::move(call); }

private:
    void follow(const SessionEvent& event);
    void set_pipe(const Desktop& desktop);
    [[nodiscard]] const Desktop* desktop_named(const std::string& name, std::string& error) const;

    const Config& config_;
    dataplane::Dataplane& dataplane_;
    Publisher& publisher_;
    EventLog& events_;
    SessionTable table_;
    ShadowSessions shadows_;
    std::map<DesktopId, std::uint64_t> activity_ms_; ///< last activity that was passed on
    std::map<std::string, std::uint64_t> changes_;
    std::function<void(const SessionEvent&)> on_change_;
};

} // namespace foregate::control
