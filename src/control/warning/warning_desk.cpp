// SPDX-License-Identifier: BSD-3-Clause
#include "control/warning/warning_desk.h"

#include "dataplane/packet/parse.h"

#include <cmath>

namespace foregate::control {

namespace {

/// Signature numbers of our own alerts; documented in docs/events.md.
constexpr std::uint32_t kThreatSignature = 9'100'001;
constexpr std::uint32_t kDeviationSignature = 9'100'002;

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

std::string where_words(dataplane::DropReason where) {
    switch (where) {
    case dataplane::DropReason::threat_dns_name:
        return "DNS question";
    case dataplane::DropReason::threat_tls_name:
        return "TLS server name";
    case dataplane::DropReason::threat_http_host:
        return "HTTP host";
    default:
        return "address";
    }
}

template <typename Report>
EventFlow flow_of(const Report& report) {
    EventFlow flow;
    flow.src_ip = report.desktop_address.to_string();
    flow.src_port = report.desktop_port;
    flow.dest_ip = report.server.to_string();
    flow.dest_port = report.server_port;
    flow.proto = protocol_name(report.protocol);
    return flow;
}

} // namespace

void WarningDesk::take(const dataplane::ThreatMatched& report, const dataplane::ThreatTables* threats,
                       std::uint32_t threats_since_generation, SteadyTime now) {
    std::string feed = "unknown";
    std::string entry = report.name.data();
    std::string category;
    if (threats != nullptr && report.generation >= threats_since_generation &&
        report.entry < threats->db.entries().size()) {
        const dataplane::ThreatEntry& matched = threats->db.entries()[report.entry];
        feed = threats->db.feed_of(matched);
        category = threats->db.category_of(matched);
        entry = matched.text() + " (line " + std::to_string(matched.line) + ")";
    }
    const std::string where = where_words(report.where);
    ++totals_.threats;
    totals_.threats_blocked += report.blocked ? 1 : 0;
    ++totals_.by_feed[feed];
    ++totals_.by_where[where];
    const Desktop* desktop = sessions_.table().find(report.desktop);
    Event event;
    event.type = "alert";
    event.desktop = desktop != nullptr ? desktop->name : "";
    event.desktop_address = report.desktop_address.to_string();
    event.flow = flow_of(report);
    EventAlert alert;
    alert.action = report.blocked ? "blocked" : "allowed";
    alert.signature_id = kThreatSignature;
    alert.signature = "foregate threat list: " + where + " " + (report.name[0] != '\0' ? report.name.data() : event.flow->dest_ip);
    alert.category = category;
    if (const auto severity = severities_.find(feed); severity != severities_.end()) {
        alert.severity = severity->second;
    }
    event.alert = alert;
    event.foregate["reason"] = std::string(dataplane::drop_reason_name(report.where));
    event.foregate["feed"] = feed;
    event.foregate["entry"] = entry;
    if (report.name[0] != '\0') {
        event.foregate["name"] = report.name.data();
    }
    events_.write(event, std::chrono::system_clock::now());
    if (ShadowSession* shadow = sessions_.shadows().find(report.desktop)) {
        const std::string destination =
            report.name[0] != '\0' ? std::string(report.name.data()) : name_of_(report.server, report.server_port);
        shadow->warn(WarningKind::threat, destination, where + ", feed " + feed + ", entry " + entry, report.blocked,
                     now);
    }
}

void WarningDesk::take(const dataplane::Deviated& report, SteadyTime now) {
    ++totals_.deviations;
    totals_.deviations_blocked += report.blocked ? 1 : 0;
    const Desktop* desktop = sessions_.table().find(report.desktop);
    const std::string app(dataplane::app_type_name(report.app));
    const std::string destination = name_of_(report.server, report.server_port);
    Event event;
    event.type = "alert";
    event.desktop = desktop != nullptr ? desktop->name : "";
    event.desktop_address = report.desktop_address.to_string();
    event.flow = flow_of(report);
    EventAlert alert;
    alert.action = report.blocked ? "blocked" : "allowed";
    alert.signature_id = kDeviationSignature;
    alert.signature = "foregate deviation: " + app + " to " + destination;
    alert.category = "deviation from the class's pattern";
    alert.severity = 2;
    event.alert = alert;
    event.foregate["reason"] = "deviation";
    event.foregate["class"] = desktop != nullptr ? desktop->usage_class : "";
    event.foregate["app"] = app;
    event.foregate["destination"] = destination;
    event.foregate["expected_connections"] = std::round(report.expected * 10) / 10;
    event.foregate["seen_connections"] = report.seen;
    events_.write(event, std::chrono::system_clock::now());
    if (ShadowSession* shadow = sessions_.shadows().find(report.desktop)) {
        shadow->warn(WarningKind::deviation, destination,
                     app + ": expected at most " + std::to_string(static_cast<int>(report.expected)) +
                         " connections to unexpected destinations in this bucket, seen " +
                         std::to_string(report.seen),
                     report.blocked, now);
    }
}

} // namespace foregate::control
