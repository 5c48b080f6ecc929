// SPDX-License-Identifier: BSD-3-Clause
// The flow classifier's look at UDP payloads.
#include "dataplane/classify/flow_classifier.h"
#include "dataplane/classify/quic_look.h"
#include "dataplane/classify/tls_records.h"

#include <algorithm>

namespace foregate::dataplane {

namespace {

constexpr std::uint8_t kRtpSteps = 2; ///< packets that continue an RTP stream before it is taken for one

} // namespace

void FlowClassifier::look_udp(Look& look) noexcept {
    if (look_dns(look)) {
        return;
    }
    const QuicLook quic = look_at_quic(look.packet.payload);
    if (quic != QuicLook::none && look.catalogue.parser_protocol(PayloadParser::quic) != 0) {
        decide(look, PayloadParser::quic);
        return;
    }
    const RecordLook dtls = look_at_dtls_records(look.packet.payload);
    if (dtls == RecordLook::sure && look.catalogue.parser_protocol(PayloadParser::dtls) != 0) {
        decide(look, PayloadParser::dtls, look.state.application);
        return;
    }
    if (look_signatures(look, PortSpace::udp, PayloadParser::none) || look_ber(look)) {
        return;
    }
    (void)look_media(look);
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
    look.out.dns_result = result;
    look.out.dns = &dns_;
    std::uint16_t application = 0;
    if (!dns_.name.empty()) {
        if (SeenName* seen = look.out.add_name(result == DnsResult::query ? NameSpot::dns_question : NameSpot::dns_answer)) {
            seen->name = dns_.name;
        }
        application = look.catalogue.application_of_host(dns_.name.view(), look.scratch);
    }
    look.out.watch = true;
    decide(look, parser, application);
    look.out.type = look.catalogue.type(look.out.protocol); // a question about a video site is no video
    return true;
}

bool FlowClassifier::look_media(Look& look) noexcept {
    const std::span<const std::uint8_t> payload = look.packet.payload;
    State& state = look.state;
    const std::uint16_t stun = look.catalogue.parser_protocol(PayloadParser::stun);
    const StunLook looks = look_at_stun(payload);
    if (looks != StunLook::none && stun != 0) {
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
