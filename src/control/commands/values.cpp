// SPDX-License-Identifier: BSD-3-Clause
#include "control/commands/values.h"

#include "control/usage/analytics_clock.h"
#include "dataplane/packet/parse.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <map>

namespace foregate::control {

namespace {

const char* port_role(dataplane::PortKind kind) noexcept {
    switch (kind) {
    case dataplane::PortKind::desktop:
        return "desktop";
    case dataplane::PortKind::upstream:
        return "upstream";
    case dataplane::PortKind::primary_desktop:
        return "primary-desktop";
    case dataplane::PortKind::primary_client:
        return "primary-client";
    }
    return "unknown";
}

const char* verdict_text(dataplane::FlowVerdict verdict) noexcept {
    switch (verdict) {
    case dataplane::FlowVerdict::undecided:
        return "undecided";
    case dataplane::FlowVerdict::allow:
        return "allow";
    case dataplane::FlowVerdict::block:
        return "block";
    }
    return "unknown";
}

const char* tcp_text(dataplane::TcpPhase phase) noexcept {
    switch (phase) {
    case dataplane::TcpPhase::none:
        return "none";
    case dataplane::TcpPhase::opening:
        return "opening";
    case dataplane::TcpPhase::established:
        return "established";
    case dataplane::TcpPhase::closing:
        return "closing";
    case dataplane::TcpPhase::closed:
        return "closed";
    }
    return "unknown";
}

} // namespace

Json rounded(double value) {
    return std::isfinite(value) ? Json(std::round(value * 1000) / 1000) : Json(nullptr);
}

Json seconds_since(SteadyTime then, SteadyTime now) {
    return then == SteadyTime{} ? Json(nullptr)
                                : rounded(std::chrono::duration<double>(now - then).count());
}

Json local_time(std::int64_t epoch, const TimeZone& zone) {
    return epoch == kNoEnd ? Json(nullptr) : Json(format_local_time(zone.to_local(epoch)));
}

std::string mac_text(const dataplane::MacAddress& mac) {
    char text[18];
    std::snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
                  mac[3], mac[4], mac[5]);
    return text;
}

std::string protocol_text(std::uint8_t protocol) {
    switch (protocol) {
    case dataplane::kProtoTcp:
        return "tcp";
    case dataplane::kProtoUdp:
        return "udp";
    case dataplane::kProtoIcmp:
        return "icmp";
    case dataplane::kProtoIcmpv6:
        return "icmpv6";
    default:
        return std::to_string(protocol);
    }
}

std::optional<std::uint64_t> whole_number(const std::string& text, std::uint64_t least,
                                          std::uint64_t most) {
    std::uint64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc{} || stopped != end || number < least || number > most) {
        return std::nullopt;
    }
    return number;
}

Json port_row(const dataplane::PortView& port) {
    Json row;
    row["name"] = port.name;
    row["role"] = port_role(port.kind);
    row["link"] = port.link_up ? "up" : "down";
    row["device"] = port.device;
    row["driver"] = port.driver;
    row["mac"] = mac_text(port.mac);
    row["twin"] = port.twin.empty() ? Json(nullptr) : Json(port.twin);
    row["rate_bps"] = port.rate_bps;
    row["rx_queues"] = port.rx_queues;
    row["spread"] = port.spread;
    row["rx_packets"] = port.rx_packets;
    row["rx_bytes"] = port.rx_bytes;
    row["rx_missed"] = port.rx_missed;
    row["rx_no_buffer"] = port.rx_no_buffer;
    row["tx_packets"] = port.tx_packets;
    row["tx_bytes"] = port.tx_bytes;
    row["tx_errors"] = port.tx_errors;
    return row;
}

Json queue_row(const std::string& port, dataplane::TrafficClass traffic_class,
               const dataplane::ClassSnapshot& queue) {
    Json row;
    row["port"] = port;
    row["traffic_class"] =
        std::string(dataplane::kTrafficClassNames[static_cast<std::size_t>(traffic_class)]);
    row["sent_packets"] = queue.packets_sent;
    row["sent_bytes"] = queue.bytes_sent;
    row["backlog_packets"] = queue.backlog_packets;
    row["backlog_bytes"] = queue.backlog_bytes;
    row["delay_p50_us"] = rounded(dataplane::delay_quantile_us(queue.delay, 0.5));
    row["delay_p99_us"] = rounded(dataplane::delay_quantile_us(queue.delay, 0.99));
    std::uint64_t dropped = 0;
    for (std::size_t i = 1; i < dataplane::kShapeDrops; ++i) { // 0 is "none"
        row["dropped_" + std::string(dataplane::kShapeDropNames[i])] = queue.dropped[i];
        dropped += queue.dropped[i];
    }
    row["dropped"] = dropped;
    return row;
}

void append_share(Json& row, const dataplane::ShareSnapshot& share) {
    row["guaranteed_bytes"] = share.guaranteed_bytes;
    row["excess_bytes"] = share.excess_bytes;
    row["dropped_packets"] = share.dropped_packets;
    row["backlog_bytes"] = share.backlog_bytes;
}

Json flow_row(const dataplane::FlowView& flow, const Naming& naming) {
    Json row;
    row["desktop"] = naming.desktop(flow.desktop);
    row["class"] = naming.usage_class(flow.usage_class);
    row["protocol"] = protocol_text(flow.protocol);
    row["desktop_address"] = flow.desktop_address.to_string();
    row["desktop_port"] = flow.desktop_port;
    row["server"] = flow.server.to_string();
    row["server_port"] = flow.server_port;
    row["destination"] = naming.destination(flow.server, flow.server_port);
    row["app"] = std::string(dataplane::app_type_name(flow.app));
    const std::string application =
        naming.application ? naming.application(flow.application_protocol, flow.application) : std::string();
    row["application"] = application.empty() ? Json(nullptr) : Json(application);
    row["verdict"] = verdict_text(flow.verdict);
    const bool blocked = flow.verdict == dataplane::FlowVerdict::block;
    row["reason"] =
        blocked ? Json(std::string(dataplane::drop_reason_name(flow.blocked_for))) : Json(nullptr);
    row["tcp"] = tcp_text(flow.tcp);
    row["spliced"] = flow.spliced;
    row["allotment_up"] = flow.allotment.up;
    row["allotment_down"] = flow.allotment.down;
    row["packets_up"] = flow.packets_up;
    row["packets_down"] = flow.packets_down;
    row["bytes_up"] = flow.bytes_up;
    row["bytes_down"] = flow.bytes_down;
    row["age_s"] = rounded(flow.age_ms / 1e3);
    row["idle_s"] = rounded(flow.idle_ms / 1e3);
    return row;
}

Json held_row(const dataplane::HeldView& held, const Naming& naming) {
    Json row;
    row["id"] = held.id;
    row["desktop"] = naming.desktop(held.desktop);
    row["class"] = naming.usage_class(held.usage_class);
    row["destination"] = naming.destination(held.server, held.port);
    row["server"] = held.server.to_string();
    row["port"] = held.port;
    row["source"] = held.source.to_string();
    row["held_port"] = held.held_port;
    row["desktop_port"] = held.desktop_port == 0 ? Json(nullptr) : Json(held.desktop_port);
    row["state"] = std::string(dataplane::to_string(held.state));
    row["purpose"] = std::string(dataplane::to_string(held.purpose));
    row["age_s"] = rounded(static_cast<double>(held.age_ns) / 1e9);
    row["rtt_us"] = held.rtt_us == 0 ? Json(nullptr) : Json(held.rtt_us);
    row["banner_bytes"] = held.banner_bytes;
    row["bytes_up"] = held.bytes_up;
    row["bytes_down"] = held.bytes_down;
    return row;
}

std::vector<DestinationNow> destinations_of(std::span<const dataplane::FlowView> flows,
                                            const NameOf& name_of) {
    std::map<std::string, DestinationNow> by_name;
    for (const dataplane::FlowView& flow : flows) {
        DestinationNow& now = by_name[name_of(flow.server, flow.server_port)];
        ++now.live_flows;
        now.bytes_up += flow.bytes_up;
        now.bytes_down += flow.bytes_down;
    }
    std::vector<DestinationNow> out;
    for (auto& [name, now] : by_name) {
        now.destination = name;
        out.push_back(now);
    }
    std::stable_sort(out.begin(), out.end(), [](const DestinationNow& a, const DestinationNow& b) {
        return a.live_flows > b.live_flows;
    });
    return out;
}

Json warning_row(const Warning& warning, SteadyTime now) {
    Json row;
    row["kind"] = warning_kind_name(warning.kind);
    row["destination"] = warning.destination;
    row["reason"] = warning.reason;
    row["blocked"] = warning.blocked;
    row["times"] = warning.times;
    row["first_age_s"] = seconds_since(warning.first, now);
    row["last_age_s"] = seconds_since(warning.last, now);
    return row;
}

Json event_row(const Json& event) {
    const auto text = [&event](const char* key) {
        const auto found = event.find(key);
        return found == event.end() ? Json(nullptr) : *found;
    };
    const auto end = [&event](const char* address, const char* port) {
        const auto host = event.find(address);
        if (host == event.end() || !host->is_string()) {
            return Json(nullptr);
        }
        const auto number = event.find(port);
        const std::string name = host->get<std::string>();
        if (number == event.end()) {
            return Json(name);
        }
        return Json((name.find(':') == std::string::npos ? name : '[' + name + ']') + ':' +
                    number->dump());
    };
    Json row;
    row["timestamp"] = text("timestamp");
    row["event_type"] = text("event_type");
    Json details = event.value("foregate", Json::object());
    const auto desktop = details.find("desktop");
    row["desktop"] = desktop == details.end() ? Json(nullptr) : *desktop;
    row["from"] = end("src_ip", "src_port");
    row["to"] = end("dest_ip", "dest_port");
    const auto alert = event.find("alert");
    const bool alerts = alert != event.end() && alert->is_object();
    row["action"] = alerts ? alert->value("action", Json(nullptr)) : Json(nullptr);
    row["signature"] = alerts ? alert->value("signature", Json(nullptr)) : Json(nullptr);
    details.erase("desktop");
    row["details"] = std::move(details);
    return row;
}

} // namespace foregate::control
