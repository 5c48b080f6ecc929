// SPDX-License-Identifier: BSD-3-Clause
// A flow's payloads through the classifier: the pool stays whole, and a flow is decided within the limit. Input: one byte
// of options, then payloads with a length byte before each.
#include "dataplane/classify/flow_classifier.h"
#include "dataplane/packet/parse.h"

#include <algorithm>
#include <cstdlib>
#include <span>

using namespace foregate::dataplane;

namespace {

constexpr std::uint8_t kMostPayloads = 12;
constexpr std::uint16_t kGtpPort = 2152;
constexpr std::uint16_t kNetbiosPort = 137;
constexpr std::uint16_t kMdnsPort = 5353;

/// By the upper bits of the options.
std::uint16_t server_port(std::uint8_t options) {
    switch (options >> 5) {
    case 1:
        return kGtpPort;
    case 2:
        return kNetbiosPort;
    case 3:
        return kMdnsPort;
    default:
        return (options & 2) != 0 ? 53 : (options & 4) != 0 ? 443 : 9999;
    }
}

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

Catalogue make_catalogue() {
    CatalogueSpec spec = plain_catalogue_spec();
    const auto add = [&spec](const char* name, PayloadParser parser) {
        ProtocolSpec protocol;
        protocol.name = name;
        protocol.parser = parser;
        spec.protocols.push_back(protocol);
    };
    add("DTLS", PayloadParser::dtls);
    add("STUN", PayloadParser::stun);
    add("RTP", PayloadParser::rtp);
    add("RTCP", PayloadParser::rtcp);
    add("LDAP", PayloadParser::ldap);
    add("SNMP", PayloadParser::snmp);
    add("Kerberos", PayloadParser::kerberos);
    add("HTTP2", PayloadParser::http2);
    add("SOCKS", PayloadParser::socks);
    add("GTP", PayloadParser::gtp_user);
    spec.protocols.back().ports = {{PortSpace::udp, kGtpPort, kGtpPort}};
    SignatureSpec user_data;
    user_data.pattern = "^[\\x30-\\x3f]\\xff";
    user_data.over = PortSpace::udp;
    spec.protocols.back().signatures.push_back(user_data);
    add("NetBIOS", PayloadParser::netbios_name);
    spec.protocols.back().ports = {{PortSpace::udp, kNetbiosPort, kNetbiosPort}};
    add("MDNS", PayloadParser::mdns);
    spec.protocols.back().ports = {{PortSpace::udp, kMdnsPort, kMdnsPort}};
    ProtocolSpec mail;
    mail.name = "IMAP";
    mail.over_tls = "IMAPS";
    SignatureSpec greeting;
    greeting.pattern = "^\\* OK ";
    greeting.seems = true;
    mail.signatures.push_back(greeting);
    spec.protocols.push_back(mail);
    ProtocolSpec patterns;
    patterns.name = "Patterns";
    for (const PortSpace over : {PortSpace::tcp, PortSpace::udp}) {
        SignatureSpec signature;
        signature.pattern = "^[\\x80-\\xff]{2}";
        signature.over = over;
        signature.packets = 3;
        signature.length = LengthFact{1, 3, true, -2, LengthFact::Holds::at_least};
        patterns.signatures.push_back(signature);
    }
    spec.protocols.push_back(patterns);
    return Catalogue::build(spec);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const Catalogue catalogue = make_catalogue();
    static CatalogueScratch scratch(catalogue);
    static FlowClassifier classifier({2, kMostPayloads});
    static ClassifyResult result;
    if (size < 2) {
        return 0;
    }
    const std::uint8_t options = data[0];
    std::span<const std::uint8_t> rest(data + 1, size - 1);
    std::uint32_t handle = 0;
    std::uint32_t seq[2] = {1, 1};
    unsigned payloads = 0;
    ClassifyPacket packet;
    packet.protocol = (options & 1) != 0 ? kProtoTcp : kProtoUdp;
    packet.client_port = 50000;
    packet.server_port = server_port(options);
    packet.beginning_seen = (options & 8) != 0;
    while (!rest.empty()) {
        const std::size_t length = std::min<std::size_t>(rest[0] * 8U, rest.size() - 1);
        packet.from_client = (rest[0] & 1) == 0;
        packet.payload = rest.subspan(1, length);
        rest = rest.subspan(1 + length);
        std::uint32_t& next = seq[packet.from_client ? 0 : 1];
        packet.tcp_seq = (options & 16) != 0 && (length & 3) == 0 ? next + 7 : next;
        next += static_cast<std::uint32_t>(length);
        classifier.feed(handle, packet, catalogue, scratch, result);
        payloads += length != 0 ? 1U : 0U;
        require(result.name_count <= ClassifyResult::kMostNames);
        require(result.protocol < catalogue.names() && result.application < catalogue.names());
        for (std::uint8_t i = 0; i < result.name_count; ++i) {
            require(result.names[i].name.view().find('\n') == std::string_view::npos);
        }
        if (result.decided) {
            require(handle == 0);
            classifier.watch(packet, catalogue, result);
            break;
        }
        require(payloads < kMostPayloads);
    }
    classifier.conclude(handle, packet, catalogue, result);
    require(handle == 0 && result.decided && classifier.in_use() == 0);
    return 0;
}
