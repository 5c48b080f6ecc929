// SPDX-License-Identifier: BSD-3-Clause
#include "control/commands/commands.h"

#include "control/commands/show.h"

namespace foregate::control {

namespace {

struct Row {
    const char* path;
    const char* usage;
    const char* help;
    CommandResult (*run)(Gateway&, const CommandArgs&);
    Candidates (*candidates)(Gateway&, const CommandArgs& before,
                             const std::string& partial) = nullptr;
};

// clang-format off
constexpr Row kShow[] = {
    {"show status",       "",                 "the gateway on one page", show_status},
    {"show version",      "",                 "what runs here", show_version},
    {"show ports",        "",                 "ports, their links and packets", show_ports},
    {"show cores",        "",                 "how busy each core is, and which stage takes the cycles", show_cores},
    {"show counters",     "",                 "what the workers have counted since the start", show_counters},
    {"show drops",        "",                 "packets that ended here, by reason and core", show_drops},
    {"show capture",      "",                 "the capture that runs, or the last one", show_capture},
    {"show queues",       "[DESKTOP]",        "schedulers: classes, allotments, shares", show_queues, desktop_names},
    {"show flows",        "[DESKTOP|FILTER...]", "live flows, most bytes first", show_flows, desktop_names},
    {"show sessions",     "",                 "every desktop with the state of its session", show_sessions},
    {"show session",      "NAME",             "the shadow session of one desktop", show_session, desktop_names},
    {"show classes",      "",                 "usage classes and their rules", show_classes},
    {"show destinations", "",                 "names that are known, with their addresses", show_destinations},
    {"show held",         "",                 "held connections: totals, by destination, each one", show_held},
    {"show usage",        "[BUCKETS]",        "usage records stored last, and the state of the store", show_usage},
    {"show forecast",     "[CLASS]",          "forecasts, every step of every series", show_forecast, class_names},
    {"show outlook",      "[CLASS] [STEPS]",  "forecasts of the next buckets, to read", show_outlook, class_names},
    {"show plan",         "",                 "allotments and connection targets in force", show_plan},
    {"show pattern",      "",                 "what is normal for each class in this bucket", show_pattern},
    {"show clock",        "",                 "the clock that usage, forecast and plan live by", show_clock},
    {"show threats",      "",                 "threat feeds, and what they matched", show_threats},
    {"show access",       "[CLASS]",          "access rules in force, and what they stopped", show_access, class_names},
    {"show catalogue",    "",                    "the catalogue in force: names, signatures, files", show_catalogue},
    {"show warnings",     "",                 "warnings of all sessions", show_warnings},
    {"show events",       "[COUNT]",          "the last events", show_events},
    {"show trace",        "",                 "the trace that runs, or the last one", show_trace},
    {"flow explain",      "PROTOCOL SOURCE DESTINATION [name NAME]", "what would happen to a connection, stage by stage; nothing changes", flow_explain, five_tuple},
    {"quit",              "",                 "leave the console", quit},
};

constexpr Row kOrders[] = {
    {"session login",     "NAME",                "open a session", session_login, desktop_names},
    {"session logout",    "NAME",                "end a session and close what it held", session_logout, desktop_names},
    {"session cut",       "NAME [REASON]",       "cut the secondary interface", session_cut, desktop_then_reason},
    {"session restore",   "NAME",                "bring the secondary interface back", session_restore, desktop_names},
    {"threat reload",     "[accept]",            "read the threat feeds anew; accept: shrunk ones too", threat_reload},
    {"catalogue reload",  "",                    "read the catalogue files anew", catalogue_reload},
    {"log reopen",        "",                    "open the events file and the log anew, after a rotation", log_reopen},
    {"plan on",           "",                    "plan by forecast", plan_on},
    {"plan off",          "",                    "no allotments and no connections ahead; monitors stay", plan_off},
    {"forecast refresh",  "",                    "forecast anew as soon as possible", forecast_refresh},
    {"held open",         "DESKTOP DESTINATION", "open one held connection", held_open, desktop_then_destination},
    {"trace",             "COUNT [within SECONDS] [FILTER...]", "what happens to the next packets that match, stage by stage", trace},
    {"trace stop",        "",                    "end the trace that runs", trace_stop},
    {"capture start",     "FILE [OPTIONS...]",   "record packets to a pcapng file: port NAME, in, out, snap N, size N, files N, packets N, filter ...", capture_start, capture_keywords},
    {"capture stop",      "",                    "end the capture", capture_stop},
    {"held close",        "ID",                  "close one held or spliced connection", held_close},
};
// clang-format on

void add(CommandTable& table, Gateway& gateway, const Row& row, bool changes) {
    Command command;
    command.path = row.path;
    command.usage = row.usage;
    command.help = row.help;
    command.changes = changes;
    command.run = [&gateway, run = row.run](const CommandArgs& args) { return run(gateway, args); };
    if (row.candidates != nullptr) {
        command.complete = [&gateway, candidates = row.candidates](const CommandArgs& before,
                                                                   const std::string& partial) {
            return candidates(gateway, before, partial);
        };
    }
    table.add(std::move(command));
}

} // namespace

void add_commands(CommandTable& table, Gateway& gateway) {
    for (const Row& row : kShow) {
        add(table, gateway, row, false);
    }
    for (const Row& row : kOrders) {
        add(table, gateway, row, true);
    }
}

} // namespace foregate::control
