// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/watch/first_payload.h"

#include "dataplane/packet/parse.h"

#include <string>

namespace foregate::dataplane {

namespace {

using Bytes = std::vector<std::uint8_t>;

void put16(Bytes& out, std::size_t value) {
    out.push_back(static_cast<std::uint8_t>(value >> 8));
    out.push_back(static_cast<std::uint8_t>(value));
}

void put_text(Bytes& out, std::string_view text) { out.insert(out.end(), text.begin(), text.end()); }

/// RFC 8446, 4.1.2: one suite, one extension (server_name, RFC 6066).
Bytes client_hello(std::string_view name) {
    Bytes extension;
    put16(extension, 0); // server_name
    put16(extension, name.size() + 5);
    put16(extension, name.size() + 3);
    extension.push_back(0); // host_name
    put16(extension, name.size());
    put_text(extension, name);
    Bytes body;
    put16(body, 0x0303);
    body.resize(body.size() + 32, 0x5a); // random
    body.push_back(0);                   // no session
    put16(body, 2);
    put16(body, 0x1301); // TLS_AES_128_GCM_SHA256
    body.push_back(1);
    body.push_back(0); // no compression
    put16(body, extension.size());
    body.insert(body.end(), extension.begin(), extension.end());
    Bytes out{22, 3, 1}; // handshake record
    put16(out, body.size() + 4);
    out.push_back(1); // client_hello
    out.push_back(0);
    put16(out, body.size());
    out.insert(out.end(), body.begin(), body.end());
    return out;
}

Bytes dns_question(std::string_view name) {
    Bytes out{0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0}; // recursion desired, one question
    while (!name.empty()) {
        const auto dot = name.find('.');
        const std::string_view label = name.substr(0, dot);
        if (label.empty() || label.size() > 63) {
            return {};
        }
        out.push_back(static_cast<std::uint8_t>(label.size()));
        put_text(out, label);
        name = dot == std::string_view::npos ? std::string_view{} : name.substr(dot + 1);
    }
    out.push_back(0);
    put16(out, 1); // A
    put16(out, 1); // IN
    return out;
}

Bytes http_request(std::string_view name) {
    Bytes out;
    put_text(out, "GET / HTTP/1.1\r\nHost: ");
    put_text(out, name);
    put_text(out, "\r\n\r\n");
    return out;
}

} // namespace

std::vector<std::uint8_t> first_payload(std::uint8_t protocol, std::uint16_t port, std::string_view name) {
    constexpr std::size_t kLongestName = 253;
    if (name.ends_with('.')) {
        name.remove_suffix(1);
    }
    if (name.empty() || name.size() > kLongestName) {
        return {};
    }
    for (const char c : name) {
        if (c <= ' ' || c >= 0x7f) {
            return {};
        }
    }
    if (protocol == kProtoUdp && port == 53) {
        return dns_question(name);
    }
    if (protocol != kProtoTcp) {
        return {};
    }
    return port == 80 || port == 3128 || port == 8080 ? http_request(name) : client_hello(name);
}

} // namespace foregate::dataplane
