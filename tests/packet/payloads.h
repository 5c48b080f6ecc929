// SPDX-License-Identifier: BSD-3-Clause
// Application payloads for golden packets: DNS messages (RFC 1035), TLS ClientHello (RFC 8446),
// HTTP requests.
#pragma once

#include "packet/packet_builder.h"

#include <string>
#include <string_view>
#include <vector>

namespace foregate::packet_test {

inline Bytes dns_name(std::string_view text) {
    Bytes out;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('.'), text.size());
        out.push_back(static_cast<std::uint8_t>(end));
        put(out, bytes_of(text.substr(0, end)));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    out.push_back(0);
    return out;
}

inline constexpr unsigned kTypeA = 1;
inline constexpr unsigned kTypeAaaa = 28;

inline Bytes dns_message(unsigned id, unsigned flags, unsigned answers, std::string_view name,
                         unsigned type) {
    Bytes out;
    for (const unsigned field : {id, flags, 1U, answers, 0U, 0U}) {
        put16(out, field);
    }
    put(out, dns_name(name));
    put16(out, type);
    put16(out, 1);
    return out;
}

inline Bytes dns_query(unsigned id, std::string_view name, unsigned type = kTypeA) {
    return dns_message(id, 0x0100, 0, name, type);
}

/// An answer with one record for each address, all of the same family.
inline Bytes dns_answer(unsigned id, std::string_view name,
                        const std::vector<std::string>& addresses, std::uint32_t ttl_s) {
    const bool v6 = !addresses.empty() && addresses[0].find(':') != std::string::npos;
    const unsigned type = v6 ? kTypeAaaa : kTypeA;
    Bytes out = dns_message(id, 0x8180, static_cast<unsigned>(addresses.size()), name, type);
    for (const std::string& text : addresses) {
        const Bytes data = wire_address(address(text));
        put16(out, 0xc00c); // the question's name
        put16(out, type);
        put16(out, 1);
        put32(out, ttl_s);
        put16(out, static_cast<unsigned>(data.size()));
        put(out, data);
    }
    return out;
}

/// One record with a ClientHello that names `host`.
inline Bytes tls_client_hello(std::string_view host) {
    Bytes name;
    put16(name, static_cast<unsigned>(host.size() + 3)); // list
    name.push_back(0);                                   // host_name
    put16(name, static_cast<unsigned>(host.size()));
    put(name, bytes_of(host));
    Bytes extensions;
    put16(extensions, 0); // server_name
    put16(extensions, static_cast<unsigned>(name.size()));
    put(extensions, name);
    Bytes hello;
    put16(hello, 0x0303);
    hello.resize(hello.size() + 32, 0x5a); // random
    hello.push_back(0);                    // no session
    put16(hello, 2);
    put16(hello, 0x1301); // one cipher suite
    hello.push_back(1);
    hello.push_back(0); // no compression
    put16(hello, static_cast<unsigned>(extensions.size()));
    put(hello, extensions);
    Bytes record{0x16, 0x03, 0x01};
    put16(record, static_cast<unsigned>(hello.size() + 4));
    record.push_back(1); // client_hello
    record.push_back(0);
    put16(record, static_cast<unsigned>(hello.size()));
    put(record, hello);
    return record;
}

inline Bytes http_get(std::string_view host) {
    return bytes_of("GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\nAccept: */*\r\n\r\n");
}

} // namespace foregate::packet_test
