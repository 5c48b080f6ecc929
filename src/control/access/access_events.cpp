// SPDX-License-Identifier: BSD-3-Clause
#include "control/access/access_events.h"

#include "dataplane/packet/parse.h"

namespace foregate::control {

namespace {

std::string protocol_name(std::uint8_t protocol) {
    switch (protocol) {
    case dataplane::kProtoTcp:
        return "TCP";
    case dataplane::kProtoUdp:
        return "UDP";
    case dataplane::kProtoIcmp:
        return "ICMP";
    case dataplane::kProtoIcmpv6:
        return "IPv6-ICMP";
    default:
        return std::to_string(protocol);
    }
}

} // namespace

void AccessEvents::take(const dataplane::AccessDenied& report) {
    ++total_;
    ++reported_[{report.usage_class, report.rule}];
    const Desktop* desktop = sessions_.table().find(report.desktop);
    const auto& lists = access_.lists();
    Event event;
    event.type = "drop";
    event.desktop = desktop != nullptr ? desktop->name : "";
    event.desktop_address = report.desktop_address.to_string();
    EventFlow flow;
    flow.src_ip = report.desktop_address.to_string();
    flow.src_port = report.desktop_port;
    flow.dest_ip = report.server.to_string();
    flow.dest_port = report.server_port;
    flow.proto = protocol_name(report.protocol);
    event.flow = flow;
    event.foregate["reason"] = std::string(dataplane::drop_reason_name(report.where));
    event.foregate["class"] =
        report.usage_class + std::size_t{1} < lists.size() ? lists[report.usage_class].usage_class : "-";
    event.foregate["rule"] = access_.rule_text(report.usage_class, report.rule);
    event.foregate["what"] = report.question ? "question" : "connection";
    if (report.name[0] != '\0') {
        event.foregate["name"] = report.name.data();
    }
    events_.write(event, std::chrono::system_clock::now());
}

} // namespace foregate::control
