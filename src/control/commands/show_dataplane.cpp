// SPDX-License-Identifier: BSD-3-Clause
// show ports, flows, counters, queues
#include "control/capture/capture_words.h"
#include "control/commands/naming.h"
#include "control/commands/show.h"
#include "control/commands/values.h"
#include "control/gateway.h"
#include "dataplane/watch/flow_frame.h"

#include <algorithm>
#include <span>
#include <stdexcept>

namespace foregate::control {

namespace {

/// Takes the desktop that an optional argument names, nullptr without one; false: there is none of
/// this name.
bool find_desktop(const Gateway& gateway, const CommandArgs& args, const Desktop*& desktop,
                  std::string& error) {
    desktop = nullptr;
    if (args.words.empty()) {
        return true;
    }
    desktop = gateway.sessions.table().find(std::string_view(args.words[0]));
    error = desktop == nullptr ? no_such_desktop(args.words[0]) : "";
    return desktop != nullptr;
}

Json class_queues(const Gateway& gateway) {
    Json rows = Json::array();
    const auto& ports = gateway.dataplane.settings().ports;
    for (std::uint16_t port = 0; port < ports.size(); ++port) {
        const dataplane::Shaper* shaper = gateway.dataplane.shaper(port);
        for (std::size_t i = 0; shaper != nullptr && i < dataplane::kTrafficClasses; ++i) {
            const auto traffic_class = static_cast<dataplane::TrafficClass>(i);
            rows.push_back(
                queue_row(ports[port].name, traffic_class, shaper->class_stats(traffic_class)));
        }
    }
    return rows;
}

Json allotment_queues(const Gateway& gateway) {
    Json rows = Json::array();
    const std::int64_t now = gateway.epoch_s();
    for (const Allotment& allotment : gateway.plan.plan().allotments) {
        const auto number = gateway.plan.allotment_number(allotment);
        const std::uint16_t port = allotment.direction == Direction::up ? gateway.plan.up_port()
                                                                        : gateway.plan.down_port();
        const dataplane::Shaper* shaper = gateway.dataplane.shaper(port);
        if (!number || shaper == nullptr || now < allotment.from || now >= allotment.until) {
            continue;
        }
        Json row;
        row["port"] = gateway.dataplane.settings().ports[port].name;
        row["number"] = *number;
        row["class"] = allotment.usage_class;
        row["app"] = std::string(dataplane::app_type_name(allotment.app));
        row["destination"] = allotment.destination;
        row["direction"] = direction_name(allotment.direction);
        row["rate_bps"] = allotment.rate_bps;
        append_share(row, shaper->allotment_stats(*number));
        rows.push_back(std::move(row));
    }
    return rows;
}

} // namespace

Json desktop_queues(const Gateway& gateway, const Desktop& desktop) {
    Json rows = Json::array();
    const ClassConfig& usage_class = gateway.config.classes[desktop.class_index];
    const auto& ports = gateway.dataplane.settings().ports;
    for (std::uint16_t port = 0; port < ports.size(); ++port) {
        const dataplane::Shaper* shaper = gateway.dataplane.shaper(port);
        if (shaper == nullptr) {
            continue;
        }
        Json row;
        row["port"] = ports[port].name;
        row["desktop"] = desktop.name;
        row["floor_bps"] = desktop.state == SessionState::active ? usage_class.floor_bps : 0;
        row["ceiling_bps"] =
            usage_class.ceiling_bps == 0 ? ports[port].rate_bps : usage_class.ceiling_bps;
        row["weight"] = usage_class.weight;
        append_share(row, shaper->pipe_stats(desktop.id));
        rows.push_back(std::move(row));
    }
    return rows;
}

CommandResult show_ports(Gateway& gateway, const CommandArgs&) {
    Json rows = Json::array();
    for (const dataplane::PortView& port : gateway.dataplane.ports()) {
        rows.push_back(port_row(port));
    }
    return CommandResult::success(std::move(rows));
}

/// [DESKTOP | [filter] EXPRESSION...]
CommandResult show_flows(Gateway& gateway, const CommandArgs& args) {
    const Desktop* desktop = nullptr;
    dataplane::PacketFilter filter;
    std::string error;
    if (args.words.size() > 1 || !find_desktop(gateway, args, desktop, error)) {
        std::span<const std::string> words(args.words);
        if (words[0] == "filter") {
            words = words.subspan(1);
        } else if (words.size() == 1 && words[0].find(' ') == std::string::npos &&
                   !dataplane::word_to_look_up(words[0]).empty()) {
            return CommandResult::failure(error);
        }
        try {
            filter = dataplane::PacketFilter(joined(words));
        } catch (const std::invalid_argument& problem) {
            return CommandResult::failure(problem.what());
        }
    }
    Gateway::Snapshots snapshot =
        gateway.snapshot(desktop != nullptr ? desktop->id : 0, true, false);
    std::erase_if(snapshot.flows, [&filter](const dataplane::FlowView& flow) {
        return !dataplane::matches_flow(filter, flow.desktop_address, flow.desktop_port, flow.server,
                                        flow.server_port, flow.protocol);
    });
    std::sort(snapshot.flows.begin(), snapshot.flows.end(), [](const auto& a, const auto& b) {
        return a.bytes_up + a.bytes_down > b.bytes_up + b.bytes_down;
    });
    Json rows = Json::array();
    const Naming naming = naming_of(gateway);
    for (const dataplane::FlowView& flow : snapshot.flows) {
        rows.push_back(flow_row(flow, naming));
    }
    if (snapshot.truncated) {
        rows.push_back({{"note", "there are more flows than can be shown; name a desktop"}});
    }
    return CommandResult::success(std::move(rows));
}

CommandResult show_counters(Gateway& gateway, const CommandArgs&) {
    Json rows = Json::array();
    for (std::size_t i = 0; i < dataplane::kCounters; ++i) {
        rows.push_back({{"counter", std::string(dataplane::kCounterNames[i].name)},
                        {"value", gateway.dataplane.read(static_cast<dataplane::Counter>(i))},
                        {"help", std::string(dataplane::kCounterNames[i].help)}});
    }
    return CommandResult::success(std::move(rows));
}

CommandResult show_queues(Gateway& gateway, const CommandArgs& args) {
    const Desktop* desktop = nullptr;
    std::string error;
    if (!find_desktop(gateway, args, desktop, error)) {
        return CommandResult::failure(error);
    }
    if (desktop != nullptr) {
        return CommandResult::success(desktop_queues(gateway, *desktop));
    }
    Json value;
    value["classes"] = class_queues(gateway);
    value["allotments"] = allotment_queues(gateway);
    value["desktops"] = Json::array();
    for (const Desktop& each : gateway.sessions.table().desktops()) {
        if (each.has_session()) {
            for (Json& row : desktop_queues(gateway, each)) {
                value["desktops"].push_back(std::move(row));
            }
        }
    }
    return CommandResult::success(std::move(value));
}

} // namespace foregate::control
