// SPDX-License-Identifier: BSD-3-Clause
#include "bench/names.h"

#include "packet/payloads.h"

namespace foregate::bench {

using packet_test::Bytes;
using packet_test::put;
using packet_test::put16;

namespace {

void extension(Bytes& to, unsigned type, const Bytes& content) {
    put16(to, type);
    put16(to, static_cast<unsigned>(content.size()));
    put(to, content);
}

Bytes server_name(const std::string& host) {
    Bytes out;
    put16(out, static_cast<unsigned>(host.size() + 3));
    out.push_back(0);
    put16(out, static_cast<unsigned>(host.size()));
    put(out, packet_test::bytes_of(host));
    return out;
}

Bytes key_share() {
    Bytes out;
    put16(out, 5 + 36);
    put16(out, 0x2a2a); // GREASE, RFC 8701
    put16(out, 1);
    out.push_back(0);
    put16(out, 0x001d); // x25519
    put16(out, 32);
    out.resize(out.size() + 32, 0x77);
    return out;
}

Bytes extensions(const std::string& host) {
    Bytes out;
    extension(out, 0x1a1a, {});
    extension(out, 23, {});     // extended master secret
    extension(out, 0xff01, {0}); // renegotiation info
    extension(out, 10, {0, 8, 0x2a, 0x2a, 0, 0x1d, 0, 0x17, 0, 0x18});
    extension(out, 11, {1, 0});
    extension(out, 35, {});
    extension(out, 16, {0, 12, 2, 'h', '2', 8, 'h', 't', 't', 'p', '/', '1', '.', '1'});
    extension(out, 5, {1, 0, 0, 0, 0});
    extension(out, 13, {0, 16, 4, 3, 8, 4, 4, 1, 5, 3, 8, 5, 5, 1, 8, 6, 6, 1});
    extension(out, 0, server_name(host));
    extension(out, 18, {});
    extension(out, 51, key_share());
    extension(out, 45, {1, 1});
    extension(out, 43, {6, 0x3a, 0x3a, 3, 4, 3, 3});
    extension(out, 27, {2, 0, 2});
    return out;
}

} // namespace

std::string name_of(std::uint32_t number) {
    return "w" + std::to_string(number) + ".site" + std::to_string(number % 9973) + ".bench.test";
}

std::vector<std::uint8_t> client_hello(const std::string& host) {
    constexpr std::size_t kRecord = 517;
    Bytes hello;
    put16(hello, 0x0303);
    hello.resize(hello.size() + 32, 0x5a);
    hello.push_back(32);
    hello.resize(hello.size() + 32, 0x6b); // session of the middlebox compatibility mode
    put16(hello, 2 * 16);
    put16(hello, 0x4a4a);
    for (unsigned suite = 0; suite < 15; ++suite) {
        put16(hello, 0x1301 + suite);
    }
    hello.push_back(1);
    hello.push_back(0);
    Bytes more = extensions(host);
    const std::size_t so_far = 5 + 4 + hello.size() + 2 + more.size() + 4;
    extension(more, 21, Bytes(so_far < kRecord ? kRecord - so_far : 0)); // padding
    put16(hello, static_cast<unsigned>(more.size()));
    put(hello, more);
    Bytes record{0x16, 0x03, 0x01};
    put16(record, static_cast<unsigned>(hello.size() + 4));
    record.push_back(1);
    record.push_back(0);
    put16(record, static_cast<unsigned>(hello.size()));
    put(record, hello);
    return record;
}

std::vector<std::uint8_t> dns_question(std::uint16_t id, const std::string& name) {
    return packet_test::dns_query(id, name);
}

} // namespace foregate::bench
