// SPDX-License-Identifier: BSD-3-Clause
// The functions behind the rows of commands.cpp: each takes the gateway and what stands after its
// path. Control thread only; they read, and nothing else, except those under "orders".
#pragma once

#include "control/console/command.h"

#include <string>
#include <vector>

namespace foregate::control {

class Gateway;

// show_dataplane.cpp
CommandResult show_ports(Gateway& gateway, const CommandArgs& args);
CommandResult show_flows(Gateway& gateway, const CommandArgs& args);
CommandResult show_counters(Gateway& gateway, const CommandArgs& args);
CommandResult show_queues(Gateway& gateway, const CommandArgs& args);

// watch.cpp
CommandResult show_cores(Gateway& gateway, const CommandArgs& args);
CommandResult show_drops(Gateway& gateway, const CommandArgs& args);
CommandResult show_capture(Gateway& gateway, const CommandArgs& args);
CommandResult capture_start(Gateway& gateway, const CommandArgs& args);
CommandResult capture_stop(Gateway& gateway, const CommandArgs& args);

// explain.cpp
CommandResult trace(Gateway& gateway, const CommandArgs& args);
CommandResult trace_stop(Gateway& gateway, const CommandArgs& args);
CommandResult show_trace(Gateway& gateway, const CommandArgs& args);
CommandResult flow_explain(Gateway& gateway, const CommandArgs& args);

// show_fleet.cpp
CommandResult show_sessions(Gateway& gateway, const CommandArgs& args);
CommandResult show_session(Gateway& gateway, const CommandArgs& args);
CommandResult show_classes(Gateway& gateway, const CommandArgs& args);
CommandResult show_destinations(Gateway& gateway, const CommandArgs& args);
CommandResult show_held(Gateway& gateway, const CommandArgs& args);

// show_plan.cpp
CommandResult show_usage(Gateway& gateway, const CommandArgs& args);
CommandResult show_forecast(Gateway& gateway, const CommandArgs& args);
CommandResult show_outlook(Gateway& gateway, const CommandArgs& args);
CommandResult show_plan(Gateway& gateway, const CommandArgs& args);
CommandResult show_pattern(Gateway& gateway, const CommandArgs& args);
CommandResult show_clock(Gateway& gateway, const CommandArgs& args);

// show_threats.cpp
CommandResult show_threats(Gateway& gateway, const CommandArgs& args);
CommandResult show_access(Gateway& gateway, const CommandArgs& args); // show_access.cpp
CommandResult show_warnings(Gateway& gateway, const CommandArgs& args);
CommandResult show_events(Gateway& gateway, const CommandArgs& args);

// show_status.cpp
CommandResult show_status(Gateway& gateway, const CommandArgs& args);
CommandResult show_version(Gateway& gateway, const CommandArgs& args);

// orders.cpp
CommandResult session_login(Gateway& gateway, const CommandArgs& args);
CommandResult session_logout(Gateway& gateway, const CommandArgs& args);
CommandResult session_cut(Gateway& gateway, const CommandArgs& args);
CommandResult session_restore(Gateway& gateway, const CommandArgs& args);
CommandResult threat_reload(Gateway& gateway, const CommandArgs& args);
CommandResult catalogue_reload(Gateway& gateway, const CommandArgs& args);
CommandResult show_catalogue(Gateway& gateway, const CommandArgs& args);
CommandResult log_reopen(Gateway& gateway, const CommandArgs& args);
CommandResult quit(Gateway& gateway, const CommandArgs& args);
CommandResult plan_on(Gateway& gateway, const CommandArgs& args);
CommandResult plan_off(Gateway& gateway, const CommandArgs& args);
CommandResult forecast_refresh(Gateway& gateway, const CommandArgs& args);
CommandResult held_open(Gateway& gateway, const CommandArgs& args);
CommandResult held_close(Gateway& gateway, const CommandArgs& args);

// candidates.cpp: what Tab offers for an argument
using Candidates = std::vector<std::string>;
Candidates desktop_names(Gateway& gateway, const CommandArgs& before, const std::string& partial);
Candidates class_names(Gateway& gateway, const CommandArgs& before, const std::string& partial);
/// NAME [REASON]
Candidates desktop_then_reason(Gateway& gateway, const CommandArgs& before,
                               const std::string& partial);
/// The words of `capture start`
Candidates capture_keywords(Gateway& gateway, const CommandArgs& before, const std::string& partial);
/// PROTOCOL SOURCE DESTINATION [name NAME]
Candidates five_tuple(Gateway& gateway, const CommandArgs& before, const std::string& partial);
/// DESKTOP DESTINATION
Candidates desktop_then_destination(Gateway& gateway, const CommandArgs& before,
                                    const std::string& partial);

} // namespace foregate::control
