// SPDX-License-Identifier: BSD-3-Clause
// The flow classifier's look at UDP payloads.
#include "dataplane/classify/authority.h"
#include "dataplane/classify/flow_classifier.h"
#include "dataplane/classify/gtp_payload.h"
#include "dataplane/classify/http_request.h"
#include "dataplane/classify/local_name.h"
#include "dataplane/classify/tls_client_hello.h"
#include "dataplane/classify/tls_records.h"
#include "dataplane/packet/parse.h"

#include <algorithm>
#include <iterator>
#include <new>
#include <string_view>

namespace foregate::dataplane {

namespace {

constexpr std::uint8_t kRtpSteps = 2; ///< packets that continue an RTP stream before it is taken for one

/// What the middle of a QUIC connection may look like: the fixed bit of a short header (RFC 9000 17.3), or the public
/// flags of Google's versions, of which there only a nonce and the lengths of connection and packet numbers are set.
bool may_be_within_quic(std::uint8_t first) noexcept { return (first & 0xc0) == 0x40 || (first & 0xc3) == 0; }

/// The value of a Host line within the first bytes; empty where there is none.
std::string_view host_line(std::span<const std::uint8_t> payload) noexcept {
    constexpr std::size_t kMostBytes = 1500;
    constexpr std::string_view kHost = "\r\nHost: ";
    const std::string_view text(reinterpret_cast<const char*>(payload.data()), std::min(payload.size(), kMostBytes));
    const std::size_t at = text.find(kHost);
    const std::size_t end = at == std::string_view::npos ? at : text.find("\r\n", at + kHost.size());
    return end == std::string_view::npos ? std::string_view() : text.substr(at + kHost.size(), end - at - kHost.size());
}

} // namespace

void FlowClassifier::look_udp(Look& look) noexcept {
    if (look_dns(look)) {
        return;
    }
    if (look_quic(look)) {
        return;
    }
    const RecordLook dtls = look_at_dtls_records(look.packet.payload);
    if (dtls == RecordLook::sure && look.catalogue.parser_protocol(PayloadParser::dtls) != 0) {
        TlsClientHello hello;
        std::uint16_t application = look.state.application;
        if (parse_dtls_client_hello(look.packet.payload, hello) == TlsResult::found) {
            name_hello(look, NameSpot::tls, hello, application);
        }
        decide(look, PayloadParser::dtls, application);
        return;
    }
    if (look_signatures(look, PortSpace::udp, PayloadParser::none)) {
        // What speaks DNS on another port (DNScrypt's certificates) names its provider.
        const DnsResult result = parse_dns_message(look.packet.payload, dns_);
        if ((result == DnsResult::query || result == DnsResult::answer) && dns_.question_class == kDnsClassIn) {
            if (SeenName* seen = look.out.add_name(NameSpot::other)) {
                seen->name = dns_.name;
            }
        }
        const std::uint16_t gtp = look.catalogue.parser_protocol(PayloadParser::gtp_user);
        if (look.out.decided && look.out.protocol == gtp && gtp != Catalogue::kUnknown) {
            name_inner(look.packet.payload, look.out);
            look.out.watch = true;
        }
        return;
    }
    if (look_ber(look)) {
        return;
    }
    if (!look_media(look)) {
        look.state.against_quic = look.state.against_quic || !may_be_within_quic(look.packet.payload[0]);
    }
}

/// Names that a tunnel's packet carries: DNS, HTTP and TLS, as far as one packet tells.
void FlowClassifier::name_inner(std::span<const std::uint8_t> datagram, ClassifyResult& out) noexcept {
    constexpr std::uint16_t kNamePorts[] = {53, 5353, 5355};
    GtpPayload inner;
    if (!parse_gtp_payload(datagram, inner) || inner.payload.empty()) {
        return;
    }
    // Not the flow's own names: a list's verdict on one is none on all that the tunnel carries.
    const auto add = [&out](const NameBuffer& name) {
        SeenName* seen = name.empty() ? nullptr : out.add_name(NameSpot::other);
        if (seen != nullptr) {
            seen->name = name;
        }
    };
    if (inner.protocol == kProtoUdp) {
        const bool names = std::any_of(std::begin(kNamePorts), std::end(kNamePorts), [&inner](std::uint16_t port) {
            return inner.src_port == port || inner.dst_port == port;
        });
        const DnsResult result = names ? parse_dns_message(inner.payload, dns_) : DnsResult::malformed;
        if (result == DnsResult::query || result == DnsResult::answer) {
            add(dns_.name);
        }
        return;
    }
    TlsClientHello hello;
    if (inner.payload[0] == 0x16) {
        if (parse_tls_client_hello(inner.payload, hello) == TlsResult::found) {
            add(hello.server_name);
        }
        return;
    }
    HttpRequest request;
    switch (parse_http_request(inner.payload, request)) {
    case HttpResult::found:
        add(request.host);
        add(request.other_host);
        break;
    case HttpResult::not_http: { // the rest of a request: streams in a tunnel are not gathered
        Authority authority;
        parse_authority(host_line(inner.payload), authority);
        add(authority.host);
        break;
    }
    case HttpResult::none:
    case HttpResult::incomplete:
        break;
    }
}

bool FlowClassifier::look_dns(Look& look) noexcept {
    const auto on_port_of = [&](PayloadParser parser) {
        const std::uint16_t protocol = look.catalogue.parser_protocol(parser);
        return protocol != Catalogue::kUnknown &&
               (look.catalogue.port_protocol(PortSpace::udp, look.packet.server_port) == protocol ||
                look.catalogue.port_protocol(PortSpace::udp, look.packet.client_port) == protocol);
    };
    PayloadParser parser = PayloadParser::none;
    for (const PayloadParser candidate :
         {PayloadParser::dns, PayloadParser::mdns, PayloadParser::llmnr, PayloadParser::netbios_name}) {
        if (on_port_of(candidate)) {
            parser = candidate;
            break;
        }
    }
    if (parser == PayloadParser::none) {
        return false;
    }
    const DnsResult result = parse_dns_message(look.packet.payload, dns_);
    if (result != DnsResult::query && result != DnsResult::answer) {
        return false;
    }
    found_dns(look, parser, result);
    return true;
}

void FlowClassifier::watch(const ClassifyPacket& packet, const Catalogue& catalogue, ClassifyResult& out) noexcept {
    out.clear();
    out.decided = true;
    out.watch = true;
    const bool tcp = packet.protocol == kProtoTcp;
    const std::uint16_t gtp = catalogue.parser_protocol(PayloadParser::gtp_user);
    if (!tcp && gtp != Catalogue::kUnknown &&
        (catalogue.port_protocol(PortSpace::udp, packet.server_port) == gtp ||
         catalogue.port_protocol(PortSpace::udp, packet.client_port) == gtp)) {
        name_inner(packet.payload, out);
        return;
    }
    const PortSpace space = tcp ? PortSpace::tcp : PortSpace::udp;
    const std::uint16_t dns = catalogue.parser_protocol(PayloadParser::dns);
    if (!tcp || (dns != Catalogue::kUnknown && catalogue.port_protocol(space, packet.server_port) == dns)) {
        out.dns_result = tcp ? parse_dns_tcp(packet.payload, dns_) : parse_dns_message(packet.payload, dns_);
        if (out.dns_result == DnsResult::query || out.dns_result == DnsResult::answer) {
            out.dns = &dns_;
            if (!dns_.name.empty()) {
                out.add_name(out.dns_result == DnsResult::query ? NameSpot::dns_question : NameSpot::dns_answer)->name =
                    dns_.name;
            }
        }
        return;
    }
    if (!packet.from_client) {
        return;
    }
    HttpRequest request;
    const HttpResult result = parse_http_request(packet.payload, request);
    out.watch = result != HttpResult::not_http; // a kept-alive connection can ask for another host at any time
    if (result == HttpResult::found) {
        out.add_name(NameSpot::http)->name = request.host;
        if (!request.other_host.empty()) {
            out.add_name(NameSpot::http)->name = request.other_host;
        }
    }
}

void FlowClassifier::found_dns(Look& look, PayloadParser parser, DnsResult result) noexcept {
    look.out.dns_result = result;
    look.out.dns = &dns_;
    std::uint16_t application = 0;
    // What hosts of a network ask each other: a NetBIOS name is encoded, an announcement has no question.
    LocalName local;
    const bool netbios = parser == PayloadParser::netbios_name;
    const bool announced = parser == PayloadParser::mdns && dns_.name.empty();
    if ((netbios && parse_netbios_name(look.packet.payload, local)) ||
        (announced && parse_multicast_dns(look.packet.payload, local))) {
        SeenName* seen = local.name.empty() ? nullptr : look.out.add_name(NameSpot::other);
        if (seen != nullptr) {
            seen->name = local.name;
        }
    } else if (!dns_.name.empty()) {
        const NameSpot spot = result == DnsResult::query ? NameSpot::dns_question : NameSpot::dns_answer;
        if (SeenName* seen = look.out.add_name(spot)) {
            seen->name = dns_.name;
        }
        application = look.catalogue.application_of_host(dns_.name.view(), look.scratch);
    }
    look.out.watch = true;
    decide(look, parser, application);
    look.out.type = look.catalogue.type(look.out.protocol); // a question about a video site is no video
}

bool FlowClassifier::look_quic(Look& look) noexcept {
    const std::uint16_t quic = look.catalogue.parser_protocol(PayloadParser::quic);
    State& state = look.state;
    if (quic == Catalogue::kUnknown || (state.protocol != quic && !looks_like_quic(look.packet.payload))) {
        return false;
    }
    seem(look, quic);
    if (!look.packet.from_client && look.packet.beginning_seen) {
        return true;
    }
    if (state.gathering != Gathering::quic) {
        state.gathering = Gathering::quic;
        ::new (&state.gathered.quic) QuicHello;
        state.gathered.quic.begin();
    }
    TlsClientHello hello;
    switch (parse_quic_datagram(look.packet.payload, state.gathered.quic, quic_, hello)) {
    case QuicResult::found: {
        std::uint16_t application = 0;
        name_hello(look, NameSpot::quic, hello, application);
        decide(look, quic, application);
        break;
    }
    case QuicResult::none:
        decide(look, quic, look.catalogue.application_of_alpn(hello.protocols.first()));
        break;
    case QuicResult::incomplete:
    case QuicResult::not_quic:
        break;
    }
    return true;
}

bool FlowClassifier::look_stun(Look& look) noexcept {
    const std::uint16_t stun = look.catalogue.parser_protocol(PayloadParser::stun);
    const std::span<const std::uint8_t> payload = look.packet.payload;
    if (stun == Catalogue::kUnknown || look_at_stun(payload) == StunLook::none) {
        return false;
    }
    NameBuffer realm;
    stun_realm(payload, realm);
    std::uint16_t application = 0;
    if (!realm.empty()) {
        application = look.catalogue.application_of_host(realm.view(), look.scratch);
        if (SeenName* seen = look.out.add_name(NameSpot::other)) {
            seen->name = realm;
        }
    }
    seem(look, stun, application);
    return true;
}

bool FlowClassifier::look_media(Look& look) noexcept {
    const std::span<const std::uint8_t> payload = look.packet.payload;
    State& state = look.state;
    const std::uint16_t stun = look.catalogue.parser_protocol(PayloadParser::stun);
    if (look_stun(look)) {
        return true;
    }
    if (is_rtcp(payload) && state.protocol != stun) {
        seem(look, look.catalogue.parser_protocol(PayloadParser::rtcp));
        return true;
    }
    if (has_rtp_header(payload) && state.rtp[look.side()].take(payload) &&
        state.rtp[look.side()].steps >= kRtpSteps) {
        const std::uint16_t rtp = look.catalogue.parser_protocol(PayloadParser::rtp);
        if (state.protocol == stun && stun != 0) {
            decide(look, stun, state.application != 0 ? state.application : rtp);
        } else {
            decide(look, rtp);
        }
        return true;
    }
    return false;
}

} // namespace foregate::dataplane
