// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/classify/tls_client_hello.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace foregate::dataplane {
namespace {

using Bytes = std::vector<std::uint8_t>;

void put16(Bytes& to, std::size_t value) {
    to.push_back(static_cast<std::uint8_t>(value >> 8));
    to.push_back(static_cast<std::uint8_t>(value));
}

void append(Bytes& to, const Bytes& from) {
    to.insert(to.end(), from.begin(), from.end());
}

Bytes extension(std::size_t type, const Bytes& body) {
    Bytes bytes;
    put16(bytes, type);
    put16(bytes, body.size());
    append(bytes, body);
    return bytes;
}

Bytes server_name(const std::string& name) {
    Bytes body;
    put16(body, name.size() + 3);
    body.push_back(0);
    put16(body, name.size());
    body.insert(body.end(), name.begin(), name.end());
    return extension(0, body);
}

/// A hello as browsers send it: GREASE in ciphers and extensions (RFC 8701), a session id.
Bytes hello_with(const std::vector<Bytes>& extensions, bool extension_block = true) {
    Bytes body{3, 3};
    body.insert(body.end(), 32, 0x5a);
    body.push_back(32);
    body.insert(body.end(), 32, 0x11);
    append(body, {0, 6, 0x0a, 0x0a, 0x13, 0x01, 0xc0, 0x2f});
    append(body, {1, 0});
    if (extension_block) {
        Bytes all;
        for (const Bytes& one : extensions) {
            append(all, one);
        }
        put16(body, all.size());
        append(body, all);
    }
    Bytes handshake{1, 0};
    put16(handshake, body.size());
    append(handshake, body);
    return handshake;
}

/// Cut into records of at most `size` bytes.
Bytes in_records(const Bytes& handshake, std::size_t size = 16384) {
    Bytes stream;
    for (std::size_t at = 0; at < handshake.size(); at += size) {
        const std::size_t step = std::min(size, handshake.size() - at);
        append(stream, {22, 3, 1});
        put16(stream, step);
        stream.insert(stream.end(), handshake.begin() + static_cast<std::ptrdiff_t>(at),
                      handshake.begin() + static_cast<std::ptrdiff_t>(at + step));
    }
    return stream;
}

const Bytes kGrease = extension(0x2a2a, {0});

TEST(TlsClientHello, FindsTheNameBetweenOtherExtensions) {
    const Bytes stream = in_records(hello_with(
        {kGrease, extension(23, {}), server_name("WWW.Example.COM"), extension(43, {2, 3, 4})}));
    TlsClientHello hello;
    ASSERT_EQ(parse_tls_client_hello(stream, hello), TlsResult::found);
    EXPECT_EQ(hello.server_name.view(), "www.example.com");
    EXPECT_FALSE(hello.server_name.odd);
    EXPECT_FALSE(hello.encrypted_hello);
}

TEST(TlsClientHello, FindsTheNameAcrossRecordsOfAnySize) {
    const Bytes handshake = hello_with({kGrease, server_name("split.example")});
    for (std::size_t size = 1; size < handshake.size() + 2; ++size) {
        TlsClientHello hello;
        ASSERT_EQ(parse_tls_client_hello(in_records(handshake, size), hello), TlsResult::found)
            << size;
        EXPECT_EQ(hello.server_name.view(), "split.example") << size;
    }
}

TEST(TlsClientHello, EveryTruncationIsIncompleteUntilTheNameIsThere) {
    for (const std::size_t record : {std::size_t{16384}, std::size_t{7}}) {
        const Bytes stream =
            in_records(hello_with({server_name("cut.example"), extension(43, {2, 3, 4})}), record);
        bool found = false;
        for (std::size_t size = 0; size <= stream.size(); ++size) {
            TlsClientHello hello;
            const auto result = parse_tls_client_hello(std::span(stream).first(size), hello);
            ASSERT_TRUE(result == TlsResult::incomplete || result == TlsResult::found) << size;
            ASSERT_FALSE(found && result != TlsResult::found) << size;
            found = result == TlsResult::found;
            EXPECT_EQ(hello.server_name.view(), found ? "cut.example" : "");
        }
        EXPECT_TRUE(found);
    }
}

TEST(TlsClientHello, AHelloWithoutANameIsNone) {
    TlsClientHello hello;
    EXPECT_EQ(parse_tls_client_hello(in_records(hello_with({kGrease})), hello), TlsResult::none);
    EXPECT_EQ(parse_tls_client_hello(in_records(hello_with({})), hello), TlsResult::none);
    EXPECT_EQ(parse_tls_client_hello(in_records(hello_with({}, false)), hello), TlsResult::none);
    EXPECT_EQ(parse_tls_client_hello(in_records(hello_with({server_name("")})), hello),
              TlsResult::none);
}

TEST(TlsClientHello, SeesTheEncryptedHelloExtension) {
    TlsClientHello hello;
    ASSERT_EQ(parse_tls_client_hello(in_records(hello_with({server_name("public.example"),
                                                            extension(0xfe0d, {0, 1, 2})})),
                                     hello),
              TlsResult::found);
    EXPECT_TRUE(hello.encrypted_hello);
}

TEST(TlsClientHello, OtherProtocolsAreToldByTheirFirstBytes) {
    TlsClientHello hello;
    const auto judge = [&hello](const std::string& text) {
        return parse_tls_client_hello(
            {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, hello);
    };
    EXPECT_EQ(judge("G"), TlsResult::not_tls);
    EXPECT_EQ(judge("SSH-2.0-x\r\n"), TlsResult::not_tls);
    EXPECT_EQ(judge(""), TlsResult::incomplete);
    EXPECT_EQ(judge("\x16"), TlsResult::incomplete);
    EXPECT_EQ(judge("\x16\x02"), TlsResult::not_tls);
    EXPECT_EQ(judge("\x17\x03\x03"), TlsResult::not_tls);
    Bytes server_hello = in_records(hello_with({server_name("a.example")}));
    server_hello[5] = 2;
    EXPECT_EQ(parse_tls_client_hello(server_hello, hello), TlsResult::not_tls);
}

TEST(TlsClientHello, ContradictingLengthsAreNotTls) {
    const Bytes good = in_records(hello_with({server_name("a.example")}));
    TlsClientHello hello;
    Bytes empty_record = good;
    empty_record[3] = 0;
    empty_record[4] = 0;
    EXPECT_EQ(parse_tls_client_hello(empty_record, hello), TlsResult::not_tls);
    Bytes long_session = good;
    long_session[5 + 4 + 34] = 255; // session id beyond the hello
    EXPECT_EQ(parse_tls_client_hello(long_session, hello), TlsResult::not_tls);
    Bytes bad_list = extension(0, {0, 200, 0, 0, 1, 'a'});
    EXPECT_EQ(parse_tls_client_hello(in_records(hello_with({bad_list})), hello),
              TlsResult::not_tls);
}

TEST(TlsClientHello, ANameBeforeAContradictionStays) {
    // The list goes on behind the name with less than another entry needs.
    const Bytes list =
        extension(0, {0, 14, 0, 0, 9, 'a', '.', 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0, 0});
    TlsClientHello hello;
    ASSERT_EQ(parse_tls_client_hello(in_records(hello_with({list})), hello), TlsResult::found);
    EXPECT_EQ(hello.server_name.view(), "a.example");
}

TEST(TlsClientHello, LineFeedsAndOverlongNamesAreMarked) {
    TlsClientHello hello;
    ASSERT_EQ(parse_tls_client_hello(in_records(hello_with({server_name("a\nb.example")})), hello),
              TlsResult::found);
    EXPECT_EQ(hello.server_name.view(), "a?b.example");
    EXPECT_TRUE(hello.server_name.odd);
    const std::string overlong = std::string(1000, 'x') + ".evil.example.";
    ASSERT_EQ(parse_tls_client_hello(in_records(hello_with({server_name(overlong)})), hello),
              TlsResult::found);
    EXPECT_TRUE(hello.server_name.odd);
    EXPECT_TRUE(hello.server_name.view().ends_with(".evil.example"));
}

TEST(TlsClientHello, ProtocolsVersionsAndGrease) {
    const Bytes alpn = extension(
        16, {0, 15, 2, 0x5a, 0x5a, 2, 'h', '2', 8, 'h', 't', 't', 'p', '/', '1', '.', '1'});
    const Bytes versions = extension(43, {6, 0x3a, 0x3a, 3, 4, 3, 3});
    TlsClientHello hello;
    ASSERT_EQ(parse_tls_client_hello(
                  in_records(hello_with({alpn, server_name("a.example"), versions})), hello),
              TlsResult::found);
    EXPECT_EQ(hello.protocols.view(), "h2,http/1.1");
    EXPECT_EQ(hello.protocols.first(), "h2");
    EXPECT_TRUE(hello.protocols.contains("http/1.1"));
    EXPECT_FALSE(hello.protocols.contains("http/1"));
    EXPECT_EQ(hello.version, 0x0304);
    EXPECT_TRUE(hello.grease);
    EXPECT_TRUE(hello.whole);
    ASSERT_EQ(parse_tls_client_hello(in_records(hello_with({server_name("a.example")})), hello),
              TlsResult::found);
    EXPECT_TRUE(hello.protocols.empty());
    EXPECT_FALSE(hello.protocols.contains(""));
    EXPECT_EQ(hello.version, 0x0303);
    EXPECT_FALSE(hello.grease);
}

TEST(TlsClientHello, WhatIsNotThereYetIsNotWhole) {
    const Bytes stream =
        in_records(hello_with({server_name("a.example"), extension(16, {0, 3, 2, 'h', '2'})}));
    TlsClientHello hello;
    ASSERT_EQ(parse_tls_client_hello(std::span(stream).first(stream.size() - 1), hello),
              TlsResult::found);
    EXPECT_FALSE(hello.whole);
    EXPECT_TRUE(hello.protocols.empty());
}

TEST(TlsClientHello, DamagedProtocolListsAndTooManyDoNoHarm) {
    Bytes list;
    for (int i = 0; i < 200; ++i) {
        append(list, {4, 'p', ',', '\n', '1'});
    }
    TlsClientHello hello;
    Bytes body;
    put16(body, list.size());
    append(body, list);
    for (const Bytes& damaged :
         {extension(16, body), extension(16, {0, 9, 200, 'h'}), extension(16, {0}),
          extension(16, {}), extension(43, {}), extension(43, {9, 3})}) {
        ASSERT_EQ(parse_tls_client_hello(
                      in_records(hello_with({damaged, server_name("a.example")})), hello),
                  TlsResult::found);
        EXPECT_EQ(hello.server_name.view(), "a.example");
        EXPECT_TRUE(hello.whole);
    }
    ASSERT_EQ(parse_tls_client_hello(in_records(hello_with({extension(16, body)})), hello),
              TlsResult::none);
    EXPECT_EQ(hello.protocols.first(), "p??1");
    EXPECT_LE(hello.protocols.view().size(), ProtocolList::kMaxBytes);
}

TEST(TlsClientHello, WithoutRecordsAsQuicCarriesIt) {
    const Bytes handshake = hello_with({server_name("bare.example")});
    TlsClientHello hello;
    ASSERT_EQ(parse_tls_handshake(handshake, hello), TlsResult::found);
    EXPECT_EQ(hello.server_name.view(), "bare.example");
    EXPECT_EQ(parse_tls_handshake(std::span(handshake).first(50), hello), TlsResult::incomplete);
    EXPECT_EQ(parse_tls_handshake(in_records(handshake), hello), TlsResult::not_tls);
}

/// A DTLS record with a fragment of the handshake message `hello`.
Bytes in_dtls(const Bytes& hello, std::size_t from, std::size_t size) {
    Bytes datagram{22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0};
    put16(datagram, 12 + size);
    datagram.push_back(hello[0]);
    append(datagram, {hello[1], hello[2], hello[3], 0, 0, 0});
    put16(datagram, from);
    datagram.push_back(0);
    put16(datagram, size);
    const auto at = hello.begin() + 4 + static_cast<std::ptrdiff_t>(from);
    datagram.insert(datagram.end(), at, at + static_cast<std::ptrdiff_t>(size));
    return datagram;
}

TEST(TlsClientHello, Dtls) {
    Bytes hello =
        hello_with({server_name("dtls.example"), extension(43, {4, 0xfe, 0xfc, 0xfe, 0xfd})});
    hello[4] = 0xfe;
    hello[5] = 0xfd;
    const auto after_session = hello.begin() + 4 + 2 + 32 + 1 + 32;
    hello.insert(after_session, {3, 'c', 'o', 'o'}); // the cookie
    const std::size_t body = hello.size() - 4;
    hello[2] = static_cast<std::uint8_t>(body >> 8);
    hello[3] = static_cast<std::uint8_t>(body);
    TlsClientHello out;
    ASSERT_EQ(parse_dtls_client_hello(in_dtls(hello, 0, body), out), TlsResult::found);
    EXPECT_EQ(out.server_name.view(), "dtls.example");
    EXPECT_EQ(out.version, 0x0304);
    EXPECT_EQ(parse_dtls_client_hello(in_dtls(hello, 0, 90), out), TlsResult::incomplete);
    EXPECT_EQ(parse_dtls_client_hello(in_dtls(hello, 90, body - 90), out), TlsResult::incomplete);
    Bytes other = in_dtls(hello, 0, body);
    other[13] = 2; // a ServerHello
    EXPECT_EQ(parse_dtls_client_hello(other, out), TlsResult::not_tls);
    other[0] = 23;
    EXPECT_EQ(parse_dtls_client_hello(other, out), TlsResult::not_tls);
    EXPECT_EQ(parse_dtls_client_hello({}, out), TlsResult::not_tls);
}

} // namespace
} // namespace foregate::dataplane
