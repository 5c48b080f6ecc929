// SPDX-License-Identifier: BSD-3-Clause
#include "control/classify/classify_command.h"

#include "control/classify/capture_file.h"
#include "control/classify/catalogue_file.h"
#include "control/classify/offline_flows.h"
#include "control/classify/unwrap.h"
#include "control/threat/threat_cli.h"

#include <nlohmann/json.hpp>

#include <iomanip>
#include <ostream>

namespace foregate::control {

using dataplane::Catalogue;
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

/// What the threat list says about a flow: its server's address, and every name seen in it.
class Verdicts {
public:
    Verdicts(const std::string& feeds, std::ostream& err)
        : db_(feeds.empty() ? dataplane::ThreatDb() : threat_list_of(feeds, err)), scratch_(db_.make_scratch()) {}

    [[nodiscard]] std::string_view of(const OfflineFlow& flow) {
        std::string_view verdict = "allow";
        const auto take = [&verdict](const dataplane::ThreatEntry* entry) {
            if (entry != nullptr && verdict != "block") {
                verdict = dataplane::threat_action_name(entry->action);
            }
        };
        take(db_.match_address(flow.server));
        for (const std::string& host : flow.hosts) {
            take(db_.match_name(host, scratch_));
        }
        return verdict;
    }

private:
    dataplane::ThreatDb db_;
    dataplane::NameScratch scratch_;
};

Json to_json(const std::string& file, const Catalogue& catalogue, const OfflineFlow& flow, std::string_view verdict) {
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
    object["verdict"] = verdict;
    return object;
}

void print_line(const Catalogue& catalogue, const OfflineFlow& flow, std::string_view verdict, std::ostream& out) {
    out << std::left << std::setw(7) << protocol_text(flow) << std::setw(46)
        << flow.client.to_string() + ':' + std::to_string(flow.client_port) + " -> " + flow.server.to_string() + ':' +
               std::to_string(flow.server_port)
        << ' ' << std::setw(24) << app_text(catalogue, flow) << ' ' << std::setw(16)
        << dataplane::app_type_name(flow.type) << ' ' << std::right << std::setw(7) << flow.packets << " packets "
        << std::setw(10) << flow.bytes << " bytes  " << std::left << std::setw(6) << verdict
        << (flow.hosts.empty() ? "-" : flow.hosts.front()) << '\n';
}

void classify_file(const std::string& file, const Catalogue& catalogue, const ClassifyArguments& arguments,
                   Verdicts& verdicts, std::ostream& out, std::ostream& err) {
    CaptureFile capture{file};
    OfflineFlows flows(catalogue, dataplane::ClassifyLimits{});
    CapturedPacket packet;
    Unwrapped unwrapped;
    while (capture.next(packet)) {
        switch (unwrap(packet, !arguments.flat, unwrapped)) {
        case UnwrapResult::ip:
            flows.take_frame(unwrapped.frame);
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
            out << to_json(file, catalogue, flow, verdicts.of(flow)).dump(-1, ' ', false, Json::error_handler_t::replace) << '\n';
        } else {
            print_line(catalogue, flow, verdicts.of(flow), out);
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
    const Catalogue catalogue = compile_catalogue(arguments.catalogues);
    Verdicts verdicts(arguments.feeds, err);
    int status = 0;
    for (const std::string& file : arguments.captures) {
        try {
            classify_file(file, catalogue, arguments, verdicts, out, err);
        } catch (const std::exception& error) {
            err << error.what() << '\n';
            status = 1;
        }
    }
    return status;
}

} // namespace foregate::control
