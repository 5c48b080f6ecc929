// SPDX-License-Identifier: BSD-3-Clause
// show threats, warnings, events
#include "control/commands/show.h"
#include "control/commands/values.h"
#include "control/gateway.h"

#include <algorithm>

namespace foregate::control {

namespace {

constexpr std::uint64_t kEvents = 20;

Json feed_row(const FeedStatus& feed, const FeedConfig* config) {
    Json row;
    row["feed"] = feed.name;
    row["action"] = config == nullptr
                        ? Json(nullptr)
                        : Json(config->action == ThreatAction::block ? "block" : "note");
    row["category"] = config == nullptr ? Json(nullptr) : Json(config->category);
    row["state"] = std::string(feed_state_name(feed.state));
    row["format"] = feed.report.format;
    row["in_force"] = feed.in_force;
    row["entries"] = feed.report.entries_seen;
    row["loaded"] = feed.report.loaded;
    row["rejected"] = feed.report.rejected;
    row["refused"] = feed.report.refused;
    row["duplicate"] = feed.report.duplicate;
    row["shadowed"] = feed.report.shadowed;
    row["unmatched"] = feed.report.unmatched;
    row["expired"] = feed.report.expired;
    row["bad_names"] = feed.report.bad_names;
    row["path"] = feed.report.path;
    return row;
}

Json named_counts(const char* key, const std::map<std::string, std::uint64_t>& counts) {
    Json rows = Json::array();
    for (const auto& [name, count] : counts) {
        rows.push_back({{key, name}, {"matches", count}});
    }
    return rows;
}

/// The first lines of a feed that were not taken, so that an operator need not read the log.
void append_bad_lines(Json& rows, const FeedStatus& feed) {
    constexpr std::size_t kLinesOfEach = 5;
    for (const auto* notes : {&feed.report.rejected_lines, &feed.report.refused_lines}) {
        for (std::size_t i = 0; i < std::min(notes->size(), kLinesOfEach); ++i) {
            rows.push_back((*notes)[i].to_string());
        }
    }
}

} // namespace

CommandResult show_threats(Gateway& gateway, const CommandArgs&) {
    const dataplane::ThreatTables* tables = gateway.threats.tables();
    const WarningDesk::Totals& totals = gateway.warnings.totals();
    Json value;
    value["names"] = tables != nullptr ? tables->db.name_count() : 0;
    value["prefixes"] = tables != nullptr ? tables->db.prefix_count() : 0;
    value["table_bytes"] = tables != nullptr ? tables->db.memory_bytes() : 0;
    value["loads"] = gateway.threats.loads();
    value["load_took_ms"] = gateway.threats.load_took().count();
    const std::string& error = gateway.threats.last_error();
    value["last_error"] = error.empty() ? Json(nullptr) : Json(error);
    value["totals"] = {{"matches", totals.threats},
                       {"blocked", totals.threats_blocked},
                       {"deviations", totals.deviations},
                       {"deviations_blocked", totals.deviations_blocked}};
    value["feeds"] = Json::array();
    Json bad_lines = Json::array();
    const auto& feeds = gateway.threats.feeds();
    for (std::size_t i = 0; i < feeds.size(); ++i) {
        const auto& configured = gateway.config.threats.feeds;
        value["feeds"].push_back(
            feed_row(feeds[i], i < configured.size() ? &configured[i] : nullptr));
        append_bad_lines(bad_lines, feeds[i]);
    }
    value["by_feed"] = named_counts("feed", totals.by_feed);
    value["by_where"] = named_counts("where", totals.by_where);
    value["bad_lines"] = std::move(bad_lines);
    return CommandResult::success(std::move(value));
}

CommandResult show_warnings(Gateway& gateway, const CommandArgs&) {
    const SteadyTime now = std::chrono::steady_clock::now();
    Json rows = Json::array();
    for (const Desktop& desktop : gateway.sessions.table().desktops()) {
        const ShadowSession* shadow = gateway.sessions.shadows().find(desktop.id);
        if (shadow == nullptr) {
            continue;
        }
        for (const Warning& warning : shadow->warnings()) {
            Json row;
            row["desktop"] = desktop.name;
            row.update(warning_row(warning, now));
            rows.push_back(std::move(row));
        }
    }
    return CommandResult::success(std::move(rows));
}

CommandResult show_events(Gateway& gateway, const CommandArgs& args) {
    std::uint64_t count = kEvents;
    if (!args.words.empty()) {
        const auto given = whole_number(args.words[0], 1, EventLog::kKept);
        if (!given) {
            return CommandResult::failure(args.words[0] +
                                          " is no number of events, expected 1 to " +
                                          std::to_string(EventLog::kKept));
        }
        count = *given;
    }
    const auto& recent = gateway.events.recent();
    Json rows = Json::array();
    for (std::size_t i = recent.size() > count ? recent.size() - count : 0; i < recent.size();
         ++i) {
        rows.push_back(event_row(recent[i]));
    }
    return CommandResult::success(std::move(rows));
}

} // namespace foregate::control
