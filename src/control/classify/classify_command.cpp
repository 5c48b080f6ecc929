// SPDX-License-Identifier: BSD-3-Clause
#include "control/classify/classify_command.h"

#include "control/classify/capture_file.h"
#include "control/classify/catalogue_file.h"
#include "control/classify/unwrap.h"
#include "control/threat/threat_cli.h"
#include "dataplane/offline/offline_gateway.h"
#include "dataplane/packet/parse.h"

#include <nlohmann/json.hpp>

#include <iomanip>
#include <optional>
#include <ostream>

namespace foregate::control {

using dataplane::Catalogue;
using dataplane::OfflineFlow;
using dataplane::OfflineFlows;
using dataplane::OfflineGateway;
using dataplane::OfflineVerdict;
using Json = nlohmann::ordered_json;

namespace {

std::string app_text(const Catalogue& catalogue, const OfflineFlow& flow) {
    std::string text(catalogue.name(flow.app));
    if (flow.application != 0) {
        text += '.';
        text += catalogue.name(flow.application);
    }
    return text;
}

std::string protocol_text(const OfflineFlow& flow) {
    if (flow.ether_type != 0 || (flow.protocol == 0 && flow.client == dataplane::IpAddress{})) {
        return "ether";
    }
    switch (flow.protocol) {
    case dataplane::kProtoTcp:
        return "tcp";
    case dataplane::kProtoUdp:
        return "udp";
    case dataplane::kProtoIcmp:
        return "icmp";
    case dataplane::kProtoIcmpv6:
        return "icmpv6";
    default:
        return std::to_string(flow.protocol);
    }
}

std::string_view verdict_text(const OfflineFlow& flow) {
    switch (flow.verdict) {
    case OfflineVerdict::block:
        return dataplane::threat_action_name(dataplane::ThreatAction::block);
    case OfflineVerdict::note:
        return dataplane::threat_action_name(dataplane::ThreatAction::note);
    case OfflineVerdict::allow:
        break;
    }
    return "allow";
}

/// No more flows can be in a capture of this size: each has a record's header and an IP header at least.
std::uint64_t most_flows(const CaptureFile& capture) {
    constexpr std::uint64_t kLeastPacket = 16 + 20;
    return capture.size() / kLeastPacket;
}

Json to_json(const std::string& file, const Catalogue& catalogue, const OfflineFlow& flow) {
    Json object{{"file", file},
                {"src", flow.client.to_string()},
                {"src_port", flow.client_port},
                {"dst", flow.server.to_string()},
                {"dst_port", flow.server_port},
                {"protocol", protocol_text(flow)},
                {"app", app_text(catalogue, flow)},
                {"type", dataplane::app_type_name(flow.type)},
                {"host", flow.hosts.empty() ? Json(nullptr) : Json(flow.hosts.front())}};
    if (flow.hosts.size() > 1) {
        object["hosts"] = flow.hosts;
    }
    object["packets"] = flow.packets;
    object["bytes"] = flow.bytes;
    object["guessed"] = flow.guessed;
    object["verdict"] = verdict_text(flow);
    for (const auto& [reason, count] : flow.dropped) {
        object["dropped"][std::string(dataplane::drop_reason_name(reason))] = count;
    }
    if (flow.to_kernel != 0) {
        object["to_kernel"] = flow.to_kernel;
    }
    return object;
}

void print_line(const Catalogue& catalogue, const OfflineFlow& flow, std::ostream& out) {
    out << std::left << std::setw(7) << protocol_text(flow) << std::setw(46)
        << flow.client.to_string() + ':' + std::to_string(flow.client_port) + " -> " + flow.server.to_string() + ':' +
               std::to_string(flow.server_port)
        << ' ' << std::setw(24) << app_text(catalogue, flow) << ' ' << std::setw(16)
        << dataplane::app_type_name(flow.type) << ' ' << std::right << std::setw(7) << flow.packets << " packets "
        << std::setw(10) << flow.bytes << " bytes  " << std::left << std::setw(6) << verdict_text(flow)
        << (flow.hosts.empty() ? "-" : flow.hosts.front());
    for (const auto& [reason, count] : flow.dropped) {
        out << "  " << count << ' ' << dataplane::drop_reason_name(reason);
    }
    out << '\n';
}

void classify_file(const std::string& file, OfflineGateway& gateway, const ClassifyArguments& arguments,
                   std::ostream& out, std::ostream& err) {
    CaptureFile capture{file};
    OfflineFlows flows(gateway, most_flows(capture));
    CapturedPacket packet;
    Unwrapped unwrapped;
    while (capture.next(packet)) {
        switch (unwrap(packet, !arguments.flat, unwrapped)) {
        case UnwrapResult::ip:
            flows.take_frame(unwrapped.frame, packet.time_ns);
            break;
        case UnwrapResult::not_ip:
            flows.take_other(unwrapped.ether_type, unwrapped.rest);
            break;
        case UnwrapResult::unknown:
            flows.take_unreadable(packet.bytes.size());
            break;
        }
    }
    flows.finish();
    for (const OfflineFlow& flow : flows.flows()) {
        if (arguments.json) {
            out << to_json(file, gateway.catalogue(), flow).dump(-1, ' ', false, Json::error_handler_t::replace) << '\n';
        } else {
            print_line(gateway.catalogue(), flow, out);
        }
    }
    if (flows.unreadable() != 0) {
        err << file << ": " << flows.unreadable() << " packets could not be read\n";
    }
    if (capture.cut_off()) {
        err << file << ": ends within a packet\n";
    }
}

} // namespace

int run_classify(const ClassifyArguments& arguments, std::ostream& out, std::ostream& err) {
    std::optional<dataplane::ThreatDb> threats;
    if (!arguments.feeds.empty()) {
        threats = threat_list_of(arguments.feeds, err);
    }
    OfflineGateway gateway(compile_catalogue(arguments.catalogues), std::move(threats));
    int status = 0;
    for (const std::string& file : arguments.captures) {
        try {
            classify_file(file, gateway, arguments, out, err);
        } catch (const std::exception& error) {
            err << error.what() << '\n';
            status = 1;
        }
    }
    return status;
}

} // namespace foregate::control
