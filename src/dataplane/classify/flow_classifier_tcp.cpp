// SPDX-License-Identifier: BSD-3-Clause
// The flow classifier's look at TCP payloads.
#include "dataplane/classify/ber_look.h"
#include "dataplane/classify/flow_classifier.h"
#include "dataplane/classify/http2_request.h"
#include "dataplane/classify/http_request.h"
#include "dataplane/classify/socks_request.h"
#include "dataplane/classify/tls_certificate.h"
#include "dataplane/classify/tls_client_hello.h"
#include "dataplane/classify/tls_records.h"
#include "dataplane/packet/parse.h"

#include <algorithm>
#include <string_view>

namespace foregate::dataplane {

namespace {

std::string_view text_of(std::span<const std::uint8_t> bytes) noexcept {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bool is_http_response(std::string_view text) noexcept {
    return text.size() >= 12 && (text.starts_with("HTTP/1.") || text.starts_with("HTTP/2 ")) && text[8] == ' ' &&
           text[9] >= '1' && text[9] <= '5';
}

/// Methods of RFC 9110, WebDAV (RFC 4918) and UPnP: a request line that is not whole yet must begin with one.
bool begins_with_method(std::string_view text) noexcept {
    static constexpr std::string_view kMethods[] = {
        "GET ",      "POST ",     "HEAD ",   "PUT ",    "DELETE ",   "OPTIONS ",   "CONNECT ", "TRACE ", "PATCH ",
        "PROPFIND ", "PROPPATCH ", "MKCOL ", "COPY ",   "MOVE ",     "LOCK ",      "UNLOCK ",  "REPORT ", "SEARCH ",
        "NOTIFY ",   "SUBSCRIBE ", "UNSUBSCRIBE ", "M-SEARCH ", "RPC_IN_DATA ", "RPC_OUT_DATA ", "BITS_POST "};
    return std::any_of(std::begin(kMethods), std::end(kMethods), [text](std::string_view method) {
        return text.starts_with(method);
    });
}

} // namespace

void FlowClassifier::look_tcp(Look& look) noexcept {
    if (look_tls(look) || look_http2(look) || look_http(look) || look_dns_stream(look) || look_stun(look) ||
        look_socks(look)) {
        return;
    }
    if (look_signatures(look, PortSpace::tcp, PayloadParser::none)) {
        name_banner(look);
        return;
    }
    if (look_ber(look)) {
        return;
    }
    const bool likely = look_at_tls_records(look.packet.payload) == RecordLook::likely;
    if (likely && ++look.state.tls_looks >= 2 && look.state.protocol == 0) {
        seem(look, look.catalogue.parser_protocol(PayloadParser::tls));
    }
}

bool FlowClassifier::look_tls(Look& look) noexcept {
    const std::uint16_t tls = look.catalogue.parser_protocol(PayloadParser::tls);
    if (tls == Catalogue::kUnknown) {
        return false;
    }
    State& state = look.state;
    const std::uint16_t within = look.catalogue.over_tls(state.protocol);
    const std::span<const std::uint8_t> payload = look.packet.payload;
    if (within != Catalogue::kUnknown && payload.size() > 2 && payload[0] == 0x16 && payload[1] == 3) {
        // Behind a STARTTLS: what begins here are streams of their own.
        state.tls_protocol = within;
        state.stream_begun = {};
        look.view = stream_view(state, look.packet);
    }
    const std::uint16_t by_port = look.catalogue.tls_protocol(look.packet.server_port);
    const std::uint16_t protocol = state.tls_protocol != 0          ? state.tls_protocol
                                   : by_port != Catalogue::kUnknown ? by_port
                                                                    : tls;
    // A hello may also stand alone behind what is none (a header of a proxy, bytes that were lost).
    const std::span<const std::uint8_t> hello_at = look.view[0] == 0x16 ? look.view : payload;
    if (hello_at[0] == 0x16) {
        TlsClientHello hello;
        const TlsResult result = parse_tls_client_hello(hello_at, hello);
        if (result == TlsResult::found) {
            std::uint16_t application = 0;
            name_hello(look, NameSpot::tls, hello, application);
            decide(look, protocol, application);
            return true;
        }
        if (result == TlsResult::none) {
            seem(look, protocol, look.catalogue.application_of_alpn(hello.protocols.first()));
            state.nameless_hello = true;
            return true;
        }
        if (result == TlsResult::incomplete && hello_at.size() > 9 && hello_at[5] == 1) {
            seem(look, protocol);
            return true;
        }
    }
    if (state.nameless_hello && !look.packet.from_client && look_certificate(look, protocol)) {
        return true;
    }
    if (look_at_tls_records(look.packet.payload) == RecordLook::sure ||
        (look.first && is_sslv2_hello(look.packet.payload))) {
        seem(look, protocol);
        return true;
    }
    return false;
}

/// The name in a hello and the application it stands for, else the one its application protocol stands for.
void FlowClassifier::name_hello(Look& look, NameSpot spot, const TlsClientHello& hello,
                                std::uint16_t& application) noexcept {
    if (SeenName* seen = look.out.add_name(spot)) {
        seen->name = hello.server_name;
    }
    application = look.catalogue.application_of_host(hello.server_name.view(), look.scratch);
    if (application == Catalogue::kUnknown) {
        application = look.catalogue.application_of_alpn(hello.protocols.first());
    }
}

/// Where the client named nobody: the application that the server's certificate is for.
bool FlowClassifier::look_certificate(Look& look, std::uint16_t protocol) noexcept {
    TlsCertificateNames names;
    const TlsResult result = parse_tls_certificate(look.view, names);
    if (result == TlsResult::incomplete || result == TlsResult::not_tls) {
        return result == TlsResult::incomplete;
    }
    std::uint16_t application = look.state.application;
    for (std::uint8_t i = 0; i < names.name_count && application == Catalogue::kUnknown; ++i) {
        application = look.catalogue.application_of_host(names.names[i].view(), look.scratch);
    }
    if (application == Catalogue::kUnknown && !names.subject.empty()) {
        application = look.catalogue.application_of_host(names.subject.view(), look.scratch);
    }
    decide(look, protocol, application);
    return true;
}

/// HTTP/2 with prior knowledge (RFC 9113 3.3).
bool FlowClassifier::look_http2(Look& look) noexcept {
    const std::uint16_t http2 = look.catalogue.parser_protocol(PayloadParser::http2);
    if (http2 == Catalogue::kUnknown || !text_of(look.view).starts_with("PRI * HTTP/2.0\r\n")) {
        return false;
    }
    Http2Request request;
    switch (parse_http2_request(look.view, request)) {
    case Http2Result::found:
        if (SeenName* seen = look.out.add_name(NameSpot::http)) {
            seen->name = request.host;
        }
        decide(look, http2, look.catalogue.application_of_host(request.host.view(), look.scratch));
        return true;
    case Http2Result::none:
        decide(look, http2);
        return true;
    case Http2Result::incomplete:
        seem(look, http2);
        return true;
    case Http2Result::not_http2:
        break;
    }
    return false;
}

/// A SOCKS client's request names where it wants to go.
bool FlowClassifier::look_socks(Look& look) noexcept {
    const std::uint16_t socks = look.catalogue.parser_protocol(PayloadParser::socks);
    if (socks == Catalogue::kUnknown) {
        return false;
    }
    const bool begun = look.state.protocol == socks;
    if (!look.packet.from_client) {
        return begun; // the proxy's answers are short and say nothing more
    }
    if (!begun && !look.first) {
        return false;
    }
    SocksRequest request;
    switch (parse_socks_request(look.view, request)) {
    case SocksResult::found: {
        if (SeenName* seen = look.out.add_name(NameSpot::http_connect)) {
            seen->name = request.host;
        }
        decide(look, socks, look.catalogue.application_of_host(request.host.view(), look.scratch));
        return true;
    }
    case SocksResult::none:
        decide(look, socks);
        return true;
    case SocksResult::incomplete:
        seem(look, socks);
        return true;
    case SocksResult::not_socks:
        break;
    }
    return false;
}

/// A mail server's greeting names it (RFC 5321 4.2): "220 mx.example ready".
void FlowClassifier::name_banner(Look& look) noexcept {
    const std::string_view text = text_of(look.packet.payload);
    const std::uint16_t protocol = look.out.decided ? look.out.protocol : look.state.protocol;
    if (look.packet.from_client || !text.starts_with("220") || text.size() < 8 ||
        look.catalogue.type(protocol) != AppType::mail) {
        return;
    }
    const std::string_view rest = text.substr(4);
    const std::string_view name = rest.substr(0, rest.find_first_of(" \r\n"));
    if (name.find('.') == std::string_view::npos) {
        return;
    }
    if (SeenName* seen = look.out.add_name(NameSpot::other)) {
        assign_name({reinterpret_cast<const std::uint8_t*>(name.data()), name.size()}, seen->name);
    }
}

bool FlowClassifier::look_dns_stream(Look& look) noexcept {
    const std::uint16_t dns = look.catalogue.parser_protocol(PayloadParser::dns);
    if (dns == Catalogue::kUnknown || look.catalogue.port_protocol(PortSpace::tcp, look.packet.server_port) != dns) {
        return false;
    }
    DnsResult result = parse_dns_tcp(look.view, dns_);
    if (result == DnsResult::malformed && look.view.size() != look.packet.payload.size()) {
        result = parse_dns_tcp(look.packet.payload, dns_);
    }
    if (result == DnsResult::query || result == DnsResult::answer) {
        found_dns(look, PayloadParser::dns, result);
        return true;
    }
    if (result == DnsResult::incomplete && look.view.size() >= 14) {
        seem(look, dns);
        return true;
    }
    return false;
}

bool FlowClassifier::look_http(Look& look) noexcept {
    const std::uint16_t http = look.catalogue.parser_protocol(PayloadParser::http);
    if (http == Catalogue::kUnknown) {
        return false;
    }
    const std::string_view text = text_of(look.packet.payload);
    if (is_http_response(text)) {
        if (look.state.tunnel) {
            look.state.stream_begun[look.side()] = false; // the proxy's yes is not the server's
            return true;
        }
        seem(look, http);
        (void)look_signatures(look, PortSpace::tcp, PayloadParser::http);
        return true;
    }
    HttpRequest request;
    HttpResult result = parse_http_request(look.view, request);
    if (result == HttpResult::not_http && look.view.size() != look.packet.payload.size()) {
        result = parse_http_request(look.packet.payload, request);
    }
    if (result == HttpResult::found || result == HttpResult::none) {
        found_http(look, request, result == HttpResult::found);
        return true;
    }
    if (result == HttpResult::incomplete && begins_with_method(text_of(look.view))) {
        seem(look, http);
        return look.view.size() > 16;
    }
    return false;
}

void FlowClassifier::found_http(Look& look, const HttpRequest& request, bool with_host) noexcept {
    const bool connect = request.method == "CONNECT";
    std::uint16_t application = 0;
    if (with_host) {
        if (SeenName* seen = look.out.add_name(connect ? NameSpot::http_connect : NameSpot::http)) {
            seen->name = request.host;
        }
        if (!request.other_host.empty()) {
            if (SeenName* seen = look.out.add_name(NameSpot::http)) {
                seen->name = request.other_host;
            }
        }
        application = look.catalogue.application_of_host(request.host.view(), look.scratch);
    }
    if (connect) {
        seem(look, look.catalogue.parser_protocol(PayloadParser::http_connect), application);
        look.state.tunnel = true;
        look.state.stream_begun[look.side()] = false; // what follows the request is a stream of its own
        return;
    }
    look.out.watch = true;
    if (look_signatures(look, PortSpace::tcp, PayloadParser::http)) {
        return;
    }
    const bool proxy = request.target.starts_with("http://") || request.target.starts_with("HTTP://");
    const std::uint16_t http_proxy = look.catalogue.parser_protocol(PayloadParser::http_proxy);
    decide(look, proxy && http_proxy != 0 ? http_proxy : look.catalogue.parser_protocol(PayloadParser::http),
           application);
}

bool FlowClassifier::look_ber(Look& look) noexcept {
    const bool tcp = look.packet.protocol == kProtoTcp;
    const std::span<const std::uint8_t> payload = look.packet.payload;
    if (is_kerberos(payload, tcp) || (tcp && look.view.size() != payload.size() && is_kerberos(look.view, true))) {
        decide(look, PayloadParser::kerberos);
        return look.out.protocol != Catalogue::kUnknown;
    }
    if (!tcp && is_snmp(payload)) {
        decide(look, PayloadParser::snmp);
        return true;
    }
    if (is_ldap(payload)) {
        decide(look, PayloadParser::ldap);
        return true;
    }
    return false;
}

} // namespace foregate::dataplane
