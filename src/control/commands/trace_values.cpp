// SPDX-License-Identifier: BSD-3-Clause
#include "control/commands/trace_values.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace foregate::control {

namespace {

using dataplane::DropReason;
using dataplane::FlowVerdict;
using dataplane::ParsedPacket;
using dataplane::SecondaryState;
using dataplane::Stage;
using dataplane::StageNote;
using dataplane::TracedPacket;
using dataplane::TraceFate;

const char* fate_text(TraceFate fate) {
    switch (fate) {
    case TraceFate::pending:
        return "goes on";
    case TraceFate::kernel:
        return "kernel";
    case TraceFate::consumed:
        return "consumed";
    case TraceFate::elsewhere:
        return "elsewhere";
    case TraceFate::dropped:
        return "dropped";
    }
    return "";
}

std::string reason_text(DropReason reason) {
    const auto& row = dataplane::kDropReasonNames[static_cast<std::size_t>(reason)];
    return std::string(row.name) + ": " + std::string(row.help);
}

std::string port_text(std::uint16_t port, std::span<const std::string> ports) {
    return port < ports.size() ? ports[port] : "no port";
}

std::string flags_text(std::uint8_t flags) {
    std::string out;
    const std::pair<std::uint8_t, const char*> names[] = {{dataplane::tcp_syn, "SYN"}, {dataplane::tcp_fin, "FIN"},
                                                          {dataplane::tcp_rst, "RST"}, {dataplane::tcp_psh, "PSH"},
                                                          {dataplane::tcp_ack, "ACK"}};
    for (const auto& [bit, name] : names) {
        if ((flags & bit) != 0) {
            out += (out.empty() ? "" : "+") + std::string(name);
        }
    }
    return out;
}

std::string end_text(const IpAddress& address, std::uint16_t port, bool with_port) {
    const std::string text = address.to_string();
    if (!with_port) {
        return text;
    }
    return (address.is_v4() ? text : "[" + text + "]") + ":" + std::to_string(port);
}

const char* secondary_text(SecondaryState state) {
    switch (state) {
    case SecondaryState::open:
        return "open";
    case SecondaryState::cut:
        return "cut";
    default:
        return "without a session, or cut until it is used";
    }
}

std::string flow_text(const StageNote& note, const Naming& naming) {
    std::string out = note.new_flow ? "new flow" : "known flow";
    out += note.from_desktop ? ", from the desktop" : ", to the desktop";
    if (note.has_desktop) {
        out += ", desktop " + naming.desktop(note.desktop) + ", class " + naming.usage_class(note.usage_class);
    } else {
        out += ", of no desktop";
    }
    return out + ", " + std::string(dataplane::app_type_name(note.app)) + ", secondary " + secondary_text(note.secondary);
}

std::string verdict_text(const StageNote& note) {
    switch (note.verdict) {
    case FlowVerdict::undecided:
        return "undecided: the next payload is looked at";
    case FlowVerdict::allow:
        return "allowed";
    case FlowVerdict::block:
        return "blocked, " + reason_text(note.blocked_for);
    }
    return "";
}

std::string splice_text(const StageNote& note, bool upstream) {
    if (note.fate == TraceFate::consumed) {
        return upstream ? "answered here for a held connection"
                        : note.spliced ? "spliced onto a held connection: answered here" : "answered here";
    }
    if (upstream) {
        return note.held_side ? "a held connection's own five-tuple" : "not a held connection's";
    }
    return note.spliced ? "spliced: translated" : "no held connection fits";
}

/// What the last stage did stands in the counters it moved.
std::string egress_text(const StageNote& note, std::span<const std::string> ports) {
    std::string out;
    for (unsigned i = 0; i < note.change_count; ++i) {
        const auto& change = note.changes[i];
        std::string one;
        if (change.is_drop) {
            one = "dropped, " + reason_text(static_cast<DropReason>(change.number));
        } else if (static_cast<dataplane::Counter>(change.number) == dataplane::Counter::forwarded) {
            one = "to the scheduler of " + port_text(note.next.port, ports);
            const std::uint16_t allotment = note.from_desktop ? note.allotment.up : note.allotment.down;
            one += allotment != 0 ? ", allotment " + std::to_string(allotment) : "";
        } else if (static_cast<dataplane::Counter>(change.number) == dataplane::Counter::to_kernel) {
            one = "to the kernel by the twin of the port it came in by";
        } else if (static_cast<dataplane::Counter>(change.number) == dataplane::Counter::answered_here) {
            one = "ends here, answered";
        } else {
            continue;
        }
        out += (out.empty() ? "" : "; ") + one;
    }
    return out.empty() ? "nothing left" : out;
}

std::string outcome(const TracedPacket& packet, const StageNote& note, const Naming& naming,
                    std::span<const std::string> ports) {
    if (note.stage == Stage::egress) {
        return egress_text(note, ports);
    }
    if (note.fate == TraceFate::dropped) {
        return reason_text(note.reason);
    }
    if (note.stage == Stage::ingress) {
        if (note.fate == TraceFate::kernel) {
            return packet.parsed.ip_version == 0 ? "not IP: the kernel's" : "the kernel's";
        }
        return "read: " + packet_text(packet);
    }
    if (note.stage == Stage::spread) {
        return note.fate == TraceFate::elsewhere ? "another worker owns it" : "this worker's";
    }
    if (note.stage == Stage::fragments) {
        return note.fate == TraceFate::elsewhere ? "waits for its first fragment"
               : packet.parsed.fragment         ? "a fragment"
                                                : "whole";
    }
    if (!note.has_flow) {
        return "not looked at";
    }
    if (note.fate != TraceFate::pending && note.fate != TraceFate::consumed) {
        return "not looked at";
    }
    switch (note.stage) {
    case Stage::flow:
        return flow_text(note, naming);
    case Stage::splice_upstream:
        return splice_text(note, true);
    case Stage::verdict:
        return verdict_text(note);
    case Stage::splice_desktop:
        return splice_text(note, false);
    case Stage::count:
        return note.fate == TraceFate::consumed ? "not looked at" : "counted";
    default:
        return "";
    }
}

Json changes(const StageNote& note) {
    Json out = Json::array();
    for (unsigned i = 0; i < note.change_count; ++i) {
        const auto& change = note.changes[i];
        const auto name = change.is_drop ? dataplane::kDropReasonNames[change.number].name
                                         : dataplane::kCounterNames[change.number].name;
        out.push_back(std::string(name) + " +" + std::to_string(change.by));
    }
    return out;
}

/// A stage that found the packet already gone from the way is left out.
bool worth_a_row(const TracedPacket& packet, unsigned stage) {
    if (stage == 0 || packet.stages[stage].stage == Stage::egress) {
        return true;
    }
    const StageNote& before = packet.stages[stage - 1];
    return before.fate == TraceFate::pending || packet.stages[stage].change_count != 0;
}

template <typename First>
void append_rows(Json& rows, const TracedPacket& packet, const Naming& naming, std::span<const std::string> ports,
                 First&& first) {
    for (unsigned i = 0; i < packet.stage_count; ++i) {
        if (!worth_a_row(packet, i)) {
            continue;
        }
        const StageNote& note = packet.stages[i];
        Json row;
        first(row);
        row["stage"] = std::string(dataplane::stage_name(note.stage));
        row["fate"] = fate_text(note.fate);
        row["outcome"] = outcome(packet, note, naming, ports);
        row["counters"] = changes(note);
        rows.push_back(std::move(row));
    }
}

Json departure_row(const std::string& packet, const dataplane::Departure& departure, std::span<const std::string> ports) {
    const bool port = departure.way == dataplane::Departure::Way::port;
    Json row;
    row["packet"] = packet;
    row["kind"] = departure.towards_source ? "answer to the desktop" : "the packet";
    row["way"] = port ? "port" : "kernel";
    row["port"] = port_text(departure.port, ports);
    row["next_hop"] = port ? Json(mac_text(departure.next_hop)) : Json(nullptr);
    row["traffic_class"] =
        port ? Json(std::string(dataplane::kTrafficClassNames[static_cast<std::size_t>(departure.traffic_class)]))
             : Json(nullptr);
    row["allotment"] = departure.allotment != 0 ? Json(departure.allotment) : Json(nullptr);
    row["tcp_flags"] = departure.tcp_flags != 0 ? Json(flags_text(departure.tcp_flags)) : Json(nullptr);
    return row;
}

/// The first drop that a packet met, also one that only the outlet counted.
std::optional<std::pair<Stage, DropReason>> drop_of(const TracedPacket& packet) {
    for (unsigned i = 0; i < packet.stage_count; ++i) {
        const StageNote& note = packet.stages[i];
        if (note.fate == TraceFate::dropped) {
            return std::pair(note.stage, note.reason);
        }
        for (unsigned c = 0; c < note.change_count; ++c) {
            if (note.changes[c].is_drop) {
                return std::pair(note.stage, static_cast<DropReason>(note.changes[c].number));
            }
        }
    }
    return std::nullopt;
}

} // namespace

std::string packet_text(const TracedPacket& packet) {
    const ParsedPacket& p = packet.parsed;
    if (p.ip_version == 0) {
        return "a frame of " + std::to_string(packet.length) + " bytes";
    }
    const bool ports = p.protocol == dataplane::kProtoTcp || p.protocol == dataplane::kProtoUdp;
    std::string out = protocol_text(p.protocol) + " " + end_text(p.src, p.src_port, ports) + " > " +
                      end_text(p.dst, p.dst_port, ports);
    const std::string flags = p.protocol == dataplane::kProtoTcp ? flags_text(p.tcp_flags) : "";
    out += flags.empty() ? "" : " " + flags;
    return out + ", " + std::to_string(p.ip_length) + " bytes";
}

Json trace_rows(std::span<const TracedPacket> packets, const Naming& naming, std::span<const std::string> ports) {
    Json rows = Json::array();
    for (std::size_t number = 0; number < packets.size(); ++number) {
        const TracedPacket& packet = packets[number];
        append_rows(rows, packet, naming, ports, [&](Json& row) {
            row["packet"] = number + 1;
            row["worker"] = packet.worker;
            row["port"] = port_text(packet.port, ports);
        });
    }
    return rows;
}

Json rehearsed_rows(const dataplane::RehearsalResult& result, const Naming& naming, std::span<const std::string> ports) {
    Json stages = Json::array();
    Json left = Json::array();
    for (const dataplane::RehearsedPacket& packet : result.packets) {
        append_rows(stages, packet.trace, naming, ports, [&](Json& row) { row["packet"] = packet.what; });
        for (const dataplane::Departure& departure : packet.departures) {
            left.push_back(departure_row(packet.what, departure, ports));
        }
    }
    return {{"stages", std::move(stages)}, {"left", std::move(left)}};
}

Json rehearsed_verdict(const dataplane::RehearsalResult& result) {
    Json value{{"verdict", "none"}, {"reason", nullptr}, {"help", nullptr}, {"packet", nullptr}, {"stage", nullptr}};
    for (const dataplane::RehearsedPacket& packet : result.packets) {
        const TracedPacket& trace = packet.trace;
        const TraceFate fate = trace.stages[trace.stage_count - 1].fate;
        value["packet"] = packet.what;
        if (const auto drop = drop_of(trace)) {
            const auto& row = dataplane::kDropReasonNames[static_cast<std::size_t>(drop->second)];
            value["verdict"] = "drop";
            value["reason"] = std::string(row.name);
            value["help"] = std::string(row.help);
            value["stage"] = std::string(dataplane::stage_name(drop->first));
            return value;
        }
        const bool to_kernel = std::any_of(packet.departures.begin(), packet.departures.end(), [](const auto& d) {
            return d.way == dataplane::Departure::Way::kernel && !d.towards_source;
        });
        // Once its SYN is answered here the connection is: what follows goes on over the held one.
        const bool here = fate == TraceFate::consumed || (result.held && !to_kernel);
        value["verdict"] = here ? "answer here" : to_kernel ? "kernel" : "forward";
    }
    return value;
}

} // namespace foregate::control
