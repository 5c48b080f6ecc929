// SPDX-License-Identifier: BSD-3-Clause
// show sessions, session, classes, destinations, held
#include "control/commands/naming.h"
#include "control/commands/show.h"
#include "control/gateway.h"
#include "control/usage/destination_text.h"

#include <algorithm>

namespace foregate::control {

namespace {

Json texts(const std::vector<IpAddress>& addresses) {
    Json out = Json::array();
    for (const IpAddress& address : addresses) {
        out.push_back(address.to_string());
    }
    return out;
}

Json or_null(const std::string& text) {
    return text.empty() ? Json(nullptr) : Json(text);
}

Json held_rows(const std::map<std::string, HeldCount>& counts) {
    Json rows = Json::array();
    for (const auto& [destination, count] : counts) {
        rows.push_back({{"destination", destination},
                        {"dialing", count.dialing},
                        {"held", count.held},
                        {"spliced", count.spliced},
                        {"closing", count.closing}});
    }
    return rows;
}

Json health_rows(const ShadowSession& shadow, SteadyTime now) {
    Json rows = Json::array();
    for (const auto& [destination, health] : shadow.monitored()) {
        const RoundTrip& trip = health.round_trip();
        const auto known = [&trip](double value) {
            return trip.known() ? rounded(value) : Json(nullptr);
        };
        Json row;
        row["destination"] = destination;
        row["liveness"] = liveness_name(health.liveness());
        row["rtt_us"] = known(trip.smoothed_us());
        row["rtt_variation_us"] = known(trip.variation_us());
        row["rtt_least_us"] = known(trip.least_us());
        row["rtt_last_us"] = known(trip.last_us());
        row["samples"] = trip.samples();
        row["loss_ratio"] = rounded(health.loss());
        row["failures"] = health.failures();
        row["last_answer_age_s"] = seconds_since(health.last_answer(), now);
        rows.push_back(std::move(row));
    }
    return rows;
}

void append_state(Json& value, const Desktop& desktop, SteadyTime now) {
    value["name"] = desktop.name;
    value["class"] = desktop.usage_class;
    value["state"] = session_state_name(desktop.state);
    const bool cut = desktop.state == SessionState::cut;
    value["reason"] = cut ? Json(cut_reason_name(desktop.cut_reason)) : Json(nullptr);
    value["session"] = desktop.session == 0 ? Json(nullptr) : Json(desktop.session);
    value["idle_s"] =
        desktop.has_session() ? seconds_since(desktop.activity_at, now) : Json(nullptr);
}

/// What the shadow session mirrors.
void append_shadow(Json& value, const Gateway& gateway, const ShadowSession& shadow,
                   const Desktop& desktop, const std::vector<DestinationNow>& destinations,
                   SteadyTime now) {
    const DesktopCounters totals = shadow.totals();
    value["up_bps"] = rounded(shadow.up_bps());
    value["down_bps"] = rounded(shadow.down_bps());
    value["bytes_up"] = totals.bytes_up;
    value["bytes_down"] = totals.bytes_down;
    value["packets_up"] = totals.packets_up;
    value["packets_down"] = totals.packets_down;
    value["connections"] = totals.connections;
    value["packets_blocked"] = gateway.dataplane.desktop(desktop.id).blocked;
    std::uint32_t live = 0;
    Json rows = Json::array();
    for (const DestinationNow& destination : destinations) {
        live += destination.live_flows;
        rows.push_back({{"destination", destination.destination},
                        {"live_flows", destination.live_flows},
                        {"bytes_up", destination.bytes_up},
                        {"bytes_down", destination.bytes_down}});
    }
    value["live_flows"] = live;
    value["destinations"] = std::move(rows);
    value["held"] = held_rows(gateway.keeper.counts_of(desktop.id));
    value["monitored"] = health_rows(shadow, now);
    value["queues"] = desktop_queues(gateway, desktop);
    value["warnings"] = Json::array();
    for (const Warning& warning : shadow.warnings()) {
        value["warnings"].push_back(warning_row(warning, now));
    }
}

Json counts_by_name(const std::map<std::string, std::uint64_t>& counts) {
    Json value = Json::object();
    for (const auto& [name, count] : counts) {
        value[name] = count;
    }
    return value;
}

std::uint64_t sum_of(const std::map<std::string, std::uint64_t>& counts) {
    std::uint64_t sum = 0;
    for (const auto& [name, count] : counts) {
        sum += count;
    }
    return sum;
}

Json hold_row(const DestinationHold& hold) {
    Json row;
    row["destination"] = hold.destination;
    row["class"] = hold.usage_class;
    row["purpose"] = std::string(dataplane::to_string(hold.purpose));
    row["wanted"] = hold.wanted;
    row["dialing"] = hold.dialing;
    row["held"] = hold.held;
    row["spliced"] = hold.spliced;
    row["opened_total"] = hold.opened_total;
    row["used_total"] = hold.used_total;
    row["expired_total"] = hold.expired_total;
    row["failed_total"] = hold.failed_total;
    row["last_failure"] = or_null(hold.last_failure);
    row["backoff_s"] = rounded(hold.backoff_s);
    row["max_age_s"] = rounded(hold.max_age_s);
    row["max_age_learned"] = hold.max_age_learned;
    return row;
}

} // namespace

CommandResult show_sessions(Gateway& gateway, const CommandArgs&) {
    const SteadyTime now = std::chrono::steady_clock::now();
    Json rows = Json::array();
    for (const Desktop& desktop : gateway.sessions.table().desktops()) {
        if (desktop.retired) {
            continue;
        }
        Json row;
        append_state(row, desktop, now);
        const ShadowSession* shadow = gateway.sessions.shadows().find(desktop.id);
        row["up_bps"] = shadow != nullptr ? rounded(shadow->up_bps()) : Json(nullptr);
        row["down_bps"] = shadow != nullptr ? rounded(shadow->down_bps()) : Json(nullptr);
        std::uint64_t held = 0;
        for (const auto& [destination, count] : gateway.keeper.counts_of(desktop.id)) {
            held += count.held;
        }
        row["held"] = held;
        rows.push_back(std::move(row));
    }
    return CommandResult::success(std::move(rows));
}

CommandResult show_session(Gateway& gateway, const CommandArgs& args) {
    const Desktop* desktop = gateway.sessions.table().find(std::string_view(args.words[0]));
    if (desktop == nullptr) {
        return CommandResult::failure(no_such_desktop(args.words[0]));
    }
    const SteadyTime now = std::chrono::steady_clock::now();
    Json value;
    append_state(value, *desktop, now);
    value["addresses"] = texts(desktop->addresses);
    value["configured"] = desktop->configured;
    value["opened_by"] =
        desktop->session == 0 ? Json(nullptr) : Json(login_source_name(desktop->source));
    value["login_age_s"] =
        desktop->has_session() ? seconds_since(desktop->login_at, now) : Json(nullptr);
    value["state_age_s"] = seconds_since(desktop->changed_at, now);
    const ShadowSession* shadow = gateway.sessions.shadows().find(desktop->id);
    value["shadow"] = shadow != nullptr;
    if (shadow != nullptr) {
        const Gateway::Snapshots snapshot = gateway.snapshot(desktop->id, true, false);
        append_shadow(value, gateway, *shadow, *desktop,
                      destinations_of(snapshot.flows, naming_of(gateway).destination), now);
    }
    return CommandResult::success(std::move(value));
}

CommandResult show_classes(Gateway& gateway, const CommandArgs&) {
    constexpr const char* kActions[] = {"off", "note", "block"};
    const auto counts = gateway.sessions.table().counts();
    Json rows = Json::array();
    for (std::size_t i = 0; i < gateway.config.classes.size(); ++i) {
        const ClassConfig& usage_class = gateway.config.classes[i];
        Json row;
        row["name"] = usage_class.name;
        row["desktops"] = counts[i].desktops;
        row["active"] = counts[i].active;
        row["cut"] = counts[i].cut;
        row["floor_bps"] = usage_class.floor_bps;
        row["ceiling_bps"] =
            usage_class.ceiling_bps == 0 ? Json(nullptr) : Json(usage_class.ceiling_bps);
        row["weight"] = usage_class.weight;
        const auto idle = usage_class.idle_timeout.count();
        row["idle_timeout_s"] = idle == 0 ? Json(nullptr) : Json(idle);
        row["deviation"] = kActions[static_cast<std::size_t>(usage_class.deviation.action)];
        row["monitor"] = Json::array();
        for (const DestinationSpec& destination : usage_class.monitor) {
            row["monitor"].push_back(format_destination(destination));
        }
        row["prefixes"] = Json::array();
        for (const IpPrefix& prefix : usage_class.prefixes) {
            row["prefixes"].push_back(prefix.to_string());
        }
        rows.push_back(std::move(row));
    }
    return CommandResult::success(std::move(rows));
}

CommandResult show_destinations(Gateway& gateway, const CommandArgs&) {
    Json rows = Json::array();
    for (const DestinationView& view :
         gateway.directory.snapshot(std::chrono::steady_clock::now())) {
        Json row;
        row["name"] = view.name;
        row["family"] = view.is_v6 ? "ipv6" : "ipv4";
        row["addresses"] = texts(view.addresses);
        row["ttl_left_s"] = view.ttl_left_s;
        row["source"] = answer_source_name(view.source);
        row["rotating"] = view.rotating;
        rows.push_back(std::move(row));
    }
    return CommandResult::success(std::move(rows));
}

CommandResult show_held(Gateway& gateway, const CommandArgs&) {
    const HoldTotals& totals = gateway.keeper.totals();
    Json value;
    value["totals"] = {{"dialed", totals.dialed},
                       {"opened", totals.opened},
                       {"used", totals.used},
                       {"expired", totals.expired},
                       {"moved", totals.moved},
                       {"failed", sum_of(totals.failed)},
                       {"fallbacks", sum_of(totals.fallbacks)},
                       {"failed_by_reason", counts_by_name(totals.failed)},
                       {"closed_by_reason", counts_by_name(totals.closed)},
                       {"fallbacks_by_reason", counts_by_name(totals.fallbacks)}};
    value["destinations"] = Json::array();
    for (const DestinationHold& hold : gateway.keeper.holds(std::chrono::steady_clock::now())) {
        value["destinations"].push_back(hold_row(hold));
    }
    value["connections"] = Json::array();
    const Naming naming = naming_of(gateway);
    const Gateway::Snapshots snapshot = gateway.snapshot(0, false, true);
    for (const dataplane::HeldView& held : snapshot.held) {
        Json row = held_row(held, naming);
        if (const std::string destination = gateway.keeper.destination_of(held.id);
            !destination.empty()) {
            row["destination"] =
                destination; // what it was opened for, whatever the address is called now
        }
        value["connections"].push_back(std::move(row));
    }
    value["truncated"] = snapshot.truncated;
    return CommandResult::success(std::move(value));
}

} // namespace foregate::control
