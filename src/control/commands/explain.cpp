// SPDX-License-Identifier: BSD-3-Clause
// trace, show trace, flow explain: what happens to packets, and what would happen to them.
#include "control/capture/capture_words.h"
#include "control/commands/naming.h"
#include "control/commands/show.h"
#include "control/commands/trace_values.h"
#include "control/gateway.h"
#include "control/usage/destination_text.h"

#include <algorithm>
#include <stdexcept>

namespace foregate::control {

namespace {

constexpr std::uint16_t kUsualSourcePort = 49152; ///< the first of those that RFC 6335 leaves to clients

std::vector<std::string> port_names(const Gateway& gateway) {
    std::vector<std::string> names;
    for (const PortConfig& port : gateway.config.ports) {
        names.push_back(port.name);
    }
    return names;
}

Json trace_value(const Gateway& gateway) {
    const TraceDesk& trace = gateway.trace;
    return trace_rows(trace.packets(), naming_of(gateway), port_names(gateway));
}

bool needs_port(std::uint8_t protocol) { return protocol == dataplane::kProtoTcp || protocol == dataplane::kProtoUdp; }

/// What is held for the desktop with these addresses.
std::vector<dataplane::HeldView> held_of(Gateway& gateway, const std::vector<IpAddress>& addresses) {
    for (const IpAddress& address : addresses) {
        const dataplane::DesktopRecord* record = gateway.dataplane.published().desktops->find(address);
        if (record != nullptr && record->desktop != 0) {
            return gateway.snapshot(record->desktop, false, true).held;
        }
    }
    return {};
}

/// A connection of the desktop is held to `server`.
bool is_held(const std::vector<dataplane::HeldView>& held, const IpAddress& server, std::uint16_t port) {
    return std::any_of(held.begin(), held.end(), [&](const dataplane::HeldView& view) {
        return view.state == dataplane::HeldState::held && view.server == server && view.port == port;
    });
}

/// Both ends' addresses, of one family, and what is held for the desktop. Of several addresses of a name the first, unless
/// a connection is held to another. Throws std::invalid_argument.
void resolve_ends(Gateway& gateway, const FiveTupleWords& words, dataplane::RehearsalOrder& order) {
    std::vector<IpAddress> to;
    const auto given = words.destination.address();
    if (given) {
        to.push_back(*given);
    } else {
        const std::uint16_t port = needs_port(words.protocol) ? words.destination.port : 0;
        to = gateway.directory.addresses_of(format_destination(words.destination.host, port));
        if (to.empty()) {
            throw std::invalid_argument("no address is known for " + words.destination.host +
                                        "; show destinations lists the names that are");
        }
    }
    std::vector<IpAddress> from;
    if (const auto address = words.source.address()) {
        from.push_back(*address);
    } else if (const Desktop* desktop = gateway.sessions.table().find(std::string_view(words.source.host))) {
        from = desktop->addresses;
    } else {
        throw std::invalid_argument("no desktop is called " + words.source.host);
    }
    order.held = held_of(gateway, from);
    std::stable_partition(to.begin(), to.end(),
                          [&](const IpAddress& a) { return is_held(order.held, a, words.destination.port); });
    for (const IpAddress& destination : to) {
        const auto source = std::find_if(from.begin(), from.end(),
                                         [&](const IpAddress& a) { return a.is_v4() == destination.is_v4(); });
        if (source != from.end()) {
            order.source = *source;
            order.destination = destination;
            return;
        }
    }
    throw std::invalid_argument("the two ends are of different address families");
}

std::uint64_t max_age_ns(const Gateway& gateway, const std::string& destination) {
    std::chrono::seconds age = gateway.config.plan.hold.max_age;
    for (const auto& [spec, own] : gateway.config.plan.hold.max_age_of) {
        if (format_destination(spec) == destination) {
            age = own;
        }
    }
    return static_cast<std::uint64_t>(std::chrono::nanoseconds(age).count());
}

Json held_value(const Gateway& gateway, const dataplane::RehearsalOrder& order, const dataplane::RehearsalResult& result) {
    if (result.held) {
        const auto at = std::find_if(order.held.begin(), order.held.end(),
                                     [&](const dataplane::HeldView& held) { return held.id == *result.held; });
        return at != order.held.end() ? held_row(*at, naming_of(gateway)) : Json(nullptr);
    }
    return nullptr;
}

/// Why a connection that is held would not be used.
Json fallback_value(const dataplane::RehearsalResult& result) {
    for (const dataplane::Report& report : result.reports) {
        const auto* held = std::get_if<dataplane::HeldReport>(&report);
        if (held != nullptr && held->event == dataplane::HeldEvent::fallback) {
            return std::string(dataplane::to_string(held->fallback));
        }
    }
    return nullptr;
}

Json threat_value(const Gateway& gateway, const dataplane::RehearsalResult& result) {
    for (const dataplane::Report& report : result.reports) {
        const auto* matched = std::get_if<dataplane::ThreatMatched>(&report);
        const dataplane::ThreatTables* tables = gateway.dataplane.published().threats.get();
        if (matched != nullptr && tables != nullptr && matched->entry < tables->db.entries().size()) {
            const dataplane::ThreatEntry& entry = tables->db.entries()[matched->entry];
            return {{"entry", entry.text()},
                    {"where", std::string(dataplane::drop_reason_name(matched->where))},
                    {"blocked", matched->blocked}};
        }
    }
    return nullptr;
}

Json deviation_value(const dataplane::RehearsalResult& result) {
    for (const dataplane::Report& report : result.reports) {
        if (const auto* deviated = std::get_if<dataplane::Deviated>(&report)) {
            return {{"app", std::string(dataplane::app_type_name(deviated->app))},
                    {"expected", rounded(deviated->expected)},
                    {"seen", deviated->seen},
                    {"blocked", deviated->blocked}};
        }
    }
    return nullptr;
}

/// The way of the first packet itself: where to, in which queue.
Json route_value(const dataplane::RehearsalResult& result, const std::vector<std::string>& ports) {
    for (const dataplane::RehearsedPacket& packet : result.packets) {
        for (const dataplane::Departure& d : packet.departures) {
            if (d.towards_source) {
                continue;
            }
            const bool port = d.way == dataplane::Departure::Way::port;
            return {{"way", port ? "port" : "kernel"},
                    {"port", d.port < ports.size() ? Json(ports[d.port]) : Json(nullptr)},
                    {"next_hop", port ? Json(mac_text(d.next_hop)) : Json(nullptr)}};
        }
    }
    return nullptr;
}

Json allotment_value(const Gateway& gateway, const dataplane::RehearsalResult& result) {
    for (const dataplane::RehearsedPacket& packet : result.packets) {
        const auto& last = packet.trace.stages[packet.trace.stage_count - 1];
        const std::uint16_t number = last.allotment.up;
        for (const Allotment& allotment : gateway.plan.plan().allotments) {
            if (number != 0 && gateway.plan.allotment_number(allotment) == number) {
                return {{"number", number},
                        {"class", allotment.usage_class},
                        {"destination", allotment.destination},
                        {"rate_bps", allotment.rate_bps}};
            }
        }
    }
    return nullptr;
}

Json desktop_value(const dataplane::RehearsalResult& result, const Naming& naming) {
    for (const auto& note : result.packets.front().trace.stages) {
        if (note.has_flow) {
            return {{"name", naming.desktop(note.desktop)},
                    {"class", naming.usage_class(note.usage_class)},
                    {"app", std::string(dataplane::app_type_name(note.app))}};
        }
    }
    return nullptr;
}

} // namespace

CommandResult trace(Gateway& gateway, const CommandArgs& args) {
    std::chrono::steady_clock::time_point until;
    try {
        const TraceWords words = parse_trace_words(args.words);
        until = std::chrono::steady_clock::now() + words.within;
        gateway.trace.start(words.count, dataplane::PacketFilter(words.filter), until);
    } catch (const std::exception& problem) {
        return CommandResult::failure(std::string("trace: ") + problem.what());
    }
    CommandResult waiting = CommandResult::success();
    waiting.later = [&gateway]() -> std::optional<CommandResult> {
        if (gateway.trace.running()) {
            return std::nullopt;
        }
        return CommandResult::success(trace_value(gateway));
    };
    return waiting;
}

CommandResult trace_stop(Gateway& gateway, const CommandArgs&) {
    if (!gateway.trace.running()) {
        return CommandResult::failure("no trace is running");
    }
    gateway.trace.stop();
    return CommandResult::success({{"trace", "stopped"}, {"packets", gateway.trace.packets().size()}});
}

CommandResult show_trace(Gateway& gateway, const CommandArgs&) {
    return CommandResult::success(trace_value(gateway));
}

CommandResult flow_explain(Gateway& gateway, const CommandArgs& args) {
    dataplane::RehearsalOrder order;
    dataplane::RehearsalResult result;
    dataplane::FlowLookup now;
    try {
        const FiveTupleWords words = parse_five_tuple_words(args.words);
        resolve_ends(gateway, words, order);
        order.protocol = words.protocol;
        order.destination_port = words.destination.port;
        order.source_port = words.source.port != 0 || !needs_port(words.protocol) ? words.source.port : kUsualSourcePort;
        order.name = !words.name.empty()                        ? words.name
                     : words.destination.address().has_value() ? ""
                                                                : words.destination.host;
        const dataplane::DesktopRecord* record = gateway.dataplane.published().desktops->find(order.source);
        order.desktop = record != nullptr ? record->desktop : 0;
        order.syn = gateway.keeper.syn_of(order.desktop, record != nullptr ? static_cast<std::uint16_t>(record->usage_class) : std::uint16_t{0},
                                          !order.source.is_v4());
        order.held_max_age_ns = max_age_ns(gateway, gateway.name_of(order.destination, order.destination_port));
        gateway.look_up(order, now);
        order.unexpected = now.unexpected;
        result = gateway.dataplane.rehearse(order);
    } catch (const std::exception& problem) {
        return CommandResult::failure(std::string("flow explain: ") + problem.what());
    }
    const Naming naming = naming_of(gateway);
    const std::vector<std::string> ports = port_names(gateway);
    Json value = rehearsed_verdict(result);
    if (now.found && now.view.verdict == dataplane::FlowVerdict::block) { // what stands in the table decides
        const auto blocked = static_cast<std::size_t>(dataplane::DropReason::blocked_flow);
        value["verdict"] = "drop";
        value["reason"] = std::string(dataplane::kDropReasonNames[blocked].name);
        value["help"] = std::string(dataplane::kDropReasonNames[blocked].help);
        value["stage"] = std::string(dataplane::stage_name(dataplane::Stage::verdict));
    }
    value["flow_now"] = now.found ? flow_row(now.view, naming) : Json(nullptr);
    value["desktop"] = desktop_value(result, naming);
    value["route"] = route_value(result, ports);
    value["allotment"] = allotment_value(gateway, result);
    value["held"] = held_value(gateway, order, result);
    value["held_not_used"] = fallback_value(result);
    value["threat"] = threat_value(gateway, result);
    value["deviation"] = deviation_value(result);
    value["worker"] = gateway.dataplane.worker_of(order.source, order.destination);
    value.update(rehearsed_rows(result, naming, ports));
    return CommandResult::success(std::move(value));
}

} // namespace foregate::control
