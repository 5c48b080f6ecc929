// SPDX-License-Identifier: BSD-3-Clause
// Commands that change something: session, threat, plan, forecast, held.
#include "control/commands/naming.h"
#include "control/commands/show.h"
#include "control/gateway.h"
#include "control/telemetry/log.h"

#include <algorithm>
#include <limits>

namespace foregate::control {

namespace {

/// What a session order answers: the state that the desktop is in now.
CommandResult session_answer(const Gateway& gateway, const std::string& name,
                             const std::string& error) {
    if (!error.empty()) {
        return CommandResult::failure(error);
    }
    const Desktop* desktop = gateway.sessions.table().find(std::string_view(name));
    if (desktop == nullptr) {
        return CommandResult::failure(no_such_desktop(name));
    }
    Json value;
    value["name"] = desktop->name;
    value["state"] = session_state_name(desktop->state);
    const bool cut = desktop->state == SessionState::cut;
    value["reason"] = cut ? Json(cut_reason_name(desktop->cut_reason)) : Json(nullptr);
    value["session"] = desktop->session;
    return CommandResult::success(std::move(value));
}

CommandResult plan_switched(Gateway& gateway, bool enabled) {
    gateway.plan.set_enabled(enabled);
    return CommandResult::success({{"plan", enabled ? "on" : "off"}});
}

} // namespace

CommandResult session_login(Gateway& gateway, const CommandArgs& args) {
    const std::string& name = args.words[0];
    return session_answer(gateway, name,
                          gateway.sessions.login(name, std::chrono::steady_clock::now()));
}

CommandResult session_logout(Gateway& gateway, const CommandArgs& args) {
    const std::string& name = args.words[0];
    return session_answer(gateway, name,
                          gateway.sessions.logout(name, std::chrono::steady_clock::now()));
}

CommandResult session_cut(Gateway& gateway, const CommandArgs& args) {
    const std::string& name = args.words[0];
    CutReason reason = CutReason::operator_order;
    if (args.words.size() > 1) {
        const auto given = cut_reason_from_name(args.words[1]);
        if (!given || *given == CutReason::none) {
            std::string known;
            for (const std::string& each : desktop_then_reason(gateway, {{name}}, "")) {
                known += (known.empty() ? "" : ", ") + each;
            }
            return CommandResult::failure(args.words[1] +
                                          " is no reason for a cut, expected one of: " + known);
        }
        reason = *given;
    }
    return session_answer(gateway, name,
                          gateway.sessions.cut(name, reason, std::chrono::steady_clock::now()));
}

CommandResult session_restore(Gateway& gateway, const CommandArgs& args) {
    const std::string& name = args.words[0];
    return session_answer(gateway, name,
                          gateway.sessions.restore(name, std::chrono::steady_clock::now()));
}

CommandResult threat_reload(Gateway& gateway, const CommandArgs& args) {
    const bool accept = !args.words.empty();
    if (accept && args.words[0] != "accept") {
        return CommandResult::failure("threat reload: expected accept or nothing");
    }
    const bool begun = gateway.threats.reload(accept ? ShrunkFeeds::accept : ShrunkFeeds::keep_last_good);
    return CommandResult::success({{"reload", begun ? "begun" : "follows the one that is running"},
                                   {"loads_before", gateway.threats.loads()}});
}

CommandResult log_reopen(Gateway& gateway, const CommandArgs&) {
    gateway.events.reopen();
    reopen_log();
    return CommandResult::success({{"reopened", "events and log"}});
}

/// The interactive doors leave by themselves; given as a single command there is nothing left to do.
CommandResult quit(Gateway&, const CommandArgs&) { return CommandResult::success(); }

CommandResult plan_on(Gateway& gateway, const CommandArgs&) {
    return plan_switched(gateway, true);
}

CommandResult plan_off(Gateway& gateway, const CommandArgs&) {
    return plan_switched(gateway, false);
}

CommandResult forecast_refresh(Gateway& gateway, const CommandArgs&) {
    if (!gateway.config.forecast.enabled) {
        return CommandResult::failure("the forecast is switched off in the configuration");
    }
    gateway.plan.forecast_again();
    return CommandResult::success(
        {{"forecast", "due"}, {"forecasts_made_before", gateway.plan.forecasts_made()}});
}

CommandResult held_open(Gateway& gateway, const CommandArgs& args) {
    const std::string error = gateway.open_held(args.words[0], args.words[1]);
    if (!error.empty()) {
        return CommandResult::failure(error);
    }
    return CommandResult::success(
        {{"desktop", args.words[0]}, {"destination", args.words[1]}, {"state", "dialing"}});
}

CommandResult held_close(Gateway& gateway, const CommandArgs& args) {
    const auto id = whole_number(args.words[0], 1, std::numeric_limits<std::uint64_t>::max());
    const Gateway::Snapshots snapshot = gateway.snapshot(0, false, true);
    const auto found =
        std::find_if(snapshot.held.begin(), snapshot.held.end(),
                     [&id](const dataplane::HeldView& held) { return id && held.id == *id; });
    if (found == snapshot.held.end()) {
        return CommandResult::failure("no connection " + args.words[0] +
                                      " is held; show held lists them");
    }
    const unsigned worker = gateway.dataplane.worker_of(found->source, found->server);
    if (!gateway.dataplane.post(worker, dataplane::CloseHeld{found->id})) {
        return CommandResult::failure("the worker takes no more orders at this moment, try again");
    }
    return CommandResult::success({{"id", found->id}, {"state", "closing"}});
}

} // namespace foregate::control
