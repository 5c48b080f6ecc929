// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/classify/catalogue_spec.h"

#include <initializer_list>

namespace foregate::dataplane {

namespace {

constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kUdp = 17;

ProtocolSpec protocol(std::string name, AppType type, PayloadParser parser, std::vector<PortSpan> ports) {
    ProtocolSpec spec;
    spec.name = std::move(name);
    spec.type = type;
    spec.parser = parser;
    spec.ports = std::move(ports);
    spec.carrier = parser != PayloadParser::dns;
    return spec;
}

/// Runs of ports of one type.
void add_port_types(std::uint8_t ip_protocol, PortSpace space, std::vector<PortTypeSpec>& to) {
    for (std::uint32_t port = 0; port <= 65535; ++port) {
        const AppType type = app_type_of_port(ip_protocol, static_cast<std::uint16_t>(port));
        if (type == AppType::other) {
            continue;
        }
        const auto number = static_cast<std::uint16_t>(port);
        const bool goes_on = !to.empty() && to.back().type == type && to.back().ports[0].space == space &&
                             to.back().ports[0].last + 1U == port;
        if (goes_on) {
            to.back().ports[0].last = number;
        } else {
            to.push_back({type, {{space, number, number}}});
        }
    }
}

} // namespace

CatalogueSpec plain_catalogue_spec() {
    CatalogueSpec spec;
    spec.protocols.push_back(protocol("HTTP", AppType::web, PayloadParser::http, {{PortSpace::tcp, 80, 80}}));
    spec.protocols.push_back(protocol("HTTP_Connect", AppType::web, PayloadParser::http_connect, {}));
    spec.protocols.push_back(protocol("TLS", AppType::web, PayloadParser::tls, {{PortSpace::tcp, 443, 443}}));
    spec.protocols.push_back(protocol("QUIC", AppType::web, PayloadParser::quic, {{PortSpace::udp, 443, 443}}));
    spec.protocols.push_back(protocol("DNS", AppType::name_service, PayloadParser::dns,
                                      {{PortSpace::tcp, 53, 53}, {PortSpace::udp, 53, 53}}));
    for (const std::uint16_t vpn : std::initializer_list<std::uint16_t>{47, 50, 51}) {
        ProtocolSpec by_number = protocol("IP-" + std::to_string(vpn), AppType::vpn, PayloadParser::none, {});
        by_number.ports = {{PortSpace::ip, vpn, vpn}};
        by_number.carrier = false;
        spec.protocols.push_back(std::move(by_number));
    }
    add_port_types(kTcp, PortSpace::tcp, spec.port_types);
    add_port_types(kUdp, PortSpace::udp, spec.port_types);
    return spec;
}

} // namespace foregate::dataplane
