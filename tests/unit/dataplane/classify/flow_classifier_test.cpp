// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/classify/flow_classifier.h"

#include "dataplane/packet/parse.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace foregate::dataplane {
namespace {

/// A ClientHello with one server name, in one TLS record.
std::string client_hello(const std::string& host) {
    const auto be16 = [](std::size_t v) {
        return std::string{static_cast<char>(v >> 8), static_cast<char>(v & 0xff)};
    };
    const std::string entry = std::string(1, '\0') + be16(host.size()) + host;
    const std::string list = be16(entry.size()) + entry;
    const std::string extensions = be16(0) + be16(list.size()) + list;
    const std::string body = std::string("\x03\x03", 2) + std::string(32, 'r') + std::string(1, '\0') +
                             std::string("\x00\x02\x13\x01\x01\x00", 6) + be16(extensions.size()) + extensions;
    const std::string handshake = std::string(1, '\x01') + std::string(1, '\0') + be16(body.size()) + body;
    return std::string("\x16\x03\x01", 3) + be16(handshake.size()) + handshake;
}

SignatureSpec signature(std::string pattern, PortSpace over, Sender from = Sender::either, std::uint8_t packets = 1) {
    SignatureSpec spec;
    spec.pattern = std::move(pattern);
    spec.over = over;
    spec.from = from;
    spec.packets = packets;
    return spec;
}

Catalogue test_catalogue() {
    CatalogueSpec spec = plain_catalogue_spec();
    ProtocolSpec ssh{"SSH", AppType::management, {{PortSpace::tcp, 22, 22}}, {}, "", PayloadParser::none, false, {}, ""};
    ssh.signatures = {signature("^SSH-2", PortSpace::tcp)};
    ProtocolSpec slow{"Slow", AppType::gaming, {{PortSpace::udp, 999, 999}}, {}, "", PayloadParser::none, false, {}, ""};
    slow.signatures = {signature("^zz", PortSpace::udp, Sender::client, 3)};
    ProtocolSpec socket{"WebSocket", AppType::web, {}, {}, "", PayloadParser::none, true, {}, ""};
    socket.signatures = {signature("\r\nUpgrade: websocket", PortSpace::tcp)};
    socket.signatures[0].within = PayloadParser::http;
    ProtocolSpec stun{"STUN", AppType::conferencing, {}, {}, "", PayloadParser::stun, true, {}, ""};
    ProtocolSpec rtp{"RTP", AppType::voice, {}, {}, "", PayloadParser::rtp, false, {}, ""};
    ProtocolSpec imaps{"IMAPS", AppType::mail, {}, {993}, "", PayloadParser::none, false, {}, ""};
    ProtocolSpec imap{"IMAP", AppType::mail, {{PortSpace::tcp, 143, 143}}, {}, "IMAPS", PayloadParser::none, false, {}, ""};
    imap.signatures = {signature("^\\* OK ", PortSpace::tcp, Sender::server)};
    imap.signatures[0].seems = true;
    ProtocolSpec smtp{"SMTP", AppType::mail, {{PortSpace::tcp, 25, 25}}, {}, "", PayloadParser::none, false, {}, ""};
    smtp.signatures = {signature("^220 ", PortSpace::tcp, Sender::server)};
    smtp.signatures[0].seems = true;
    ProtocolSpec http2{"HTTP2", AppType::web, {}, {}, "", PayloadParser::http2, true, {}, ""};
    ProtocolSpec socks{"SOCKS", AppType::web, {{PortSpace::tcp, 1080, 1080}}, {}, "", PayloadParser::socks, false, {}, ""};
    ProtocolSpec gtp{"GTP", AppType::vpn, {{PortSpace::udp, 2152, 2152}}, {}, "", PayloadParser::gtp_user, false, {}, ""};
    gtp.signatures = {signature("^[\\x30-\\x3f]\\xff", PortSpace::udp)};
    ProtocolSpec netbios{"NetBIOS", AppType::name_service, {{PortSpace::udp, 137, 137}}, {}, "",
                         PayloadParser::netbios_name, false, {}, ""};
    for (ProtocolSpec* each : {&ssh, &slow, &socket, &stun, &rtp, &imaps, &imap, &smtp, &http2, &socks, &gtp, &netbios}) {
        spec.protocols.push_back(*each);
    }
    ApplicationSpec calls;
    calls.name = "Calls";
    calls.type = AppType::conferencing;
    calls.hosts = {"calls.example"};
    spec.applications.push_back(calls);
    return Catalogue::build(spec);
}

class FlowClassifierTest : public ::testing::Test {
protected:
    ClassifyResult& tcp(std::string_view payload, bool from_client, std::uint32_t seq, std::uint16_t port = 443) {
        return feed(payload, kProtoTcp, from_client, seq, port);
    }
    ClassifyResult& udp(std::string_view payload, bool from_client, std::uint16_t port) {
        return feed(payload, kProtoUdp, from_client, 0, port);
    }
    ClassifyResult& feed(std::string_view payload, std::uint8_t protocol, bool from_client, std::uint32_t seq,
                         std::uint16_t port) {
        classifier.feed(handle, packet(payload, protocol, from_client, seq, port), catalogue, scratch, result);
        return result;
    }
    static ClassifyPacket packet(std::string_view payload, std::uint8_t protocol, bool from_client, std::uint32_t seq,
                                 std::uint16_t port) {
        ClassifyPacket out;
        out.payload = {reinterpret_cast<const std::uint8_t*>(payload.data()), payload.size()};
        out.client_port = 50000;
        out.server_port = port;
        out.protocol = protocol;
        out.tcp_seq = seq;
        out.from_client = from_client;
        out.beginning_seen = true;
        return out;
    }
    [[nodiscard]] std::string_view name() const { return catalogue.name(result.protocol); }

    Catalogue catalogue = test_catalogue();
    CatalogueScratch scratch{catalogue};
    FlowClassifier classifier{{4, 6}};
    ClassifyResult result;
    std::uint32_t handle = 0;
};

TEST_F(FlowClassifierTest, AHelloDecidesAtOnce) {
    tcp(client_hello("eu.calls.example"), true, 1);
    EXPECT_TRUE(result.decided);
    EXPECT_EQ(name(), "TLS");
    EXPECT_EQ(catalogue.name(result.application), "Calls");
    EXPECT_EQ(result.type, AppType::conferencing);
    ASSERT_EQ(result.name_count, 1);
    EXPECT_EQ(result.names[0].name.view(), "eu.calls.example");
    EXPECT_EQ(handle, 0U);
    EXPECT_EQ(classifier.in_use(), 0U);
}

TEST_F(FlowClassifierTest, AHelloInThreeSegmentsOutOfOrder) {
    const std::string hello = client_hello("www.some-long-name.calls.example");
    tcp(hello.substr(0, 20), true, 100);
    EXPECT_FALSE(result.decided);
    EXPECT_NE(handle, 0U);
    tcp(hello.substr(60), true, 160);
    EXPECT_FALSE(result.decided);
    tcp(hello.substr(20, 40), true, 120);
    EXPECT_TRUE(result.decided);
    ASSERT_EQ(result.name_count, 1);
    EXPECT_EQ(result.names[0].name.view(), "www.some-long-name.calls.example");
    EXPECT_EQ(classifier.in_use(), 0U);
}

TEST_F(FlowClassifierTest, TlsOnAPortOfItsOwnIsThatProtocol) {
    tcp(client_hello("mail.example"), true, 1, 993);
    EXPECT_EQ(name(), "IMAPS");
    EXPECT_EQ(result.type, AppType::mail);
}

TEST_F(FlowClassifierTest, ATypeByPortGoesBeforeACarriersOwn) {
    tcp(client_hello("db.example"), true, 1, 5432);
    EXPECT_EQ(name(), "TLS");
    EXPECT_EQ(result.type, AppType::database);
}

TEST_F(FlowClassifierTest, HttpIsWatchedForFurtherHosts) {
    tcp("GET / HTTP/1.1\r\nHost: one.example\r\n\r\n", true, 1, 80);
    EXPECT_TRUE(result.decided);
    EXPECT_TRUE(result.watch);
    EXPECT_EQ(name(), "HTTP");
    classifier.watch(packet("GET /2 HTTP/1.1\r\nHost: two.example\r\n\r\n", kProtoTcp, true, 40, 80), catalogue, result);
    EXPECT_TRUE(result.watch);
    ASSERT_EQ(result.name_count, 1);
    EXPECT_EQ(result.names[0].name.view(), "two.example");
    classifier.watch(packet("{\"a\": 1}", kProtoTcp, true, 80, 80), catalogue, result);
    EXPECT_FALSE(result.watch);
}

TEST_F(FlowClassifierTest, WhatHttpCarriesIsNamed) {
    tcp("GET /chat HTTP/1.1\r\nHost: x.example\r\nUpgrade: websocket\r\n\r\n", true, 1, 80);
    EXPECT_EQ(name(), "WebSocket");
}

TEST_F(FlowClassifierTest, BehindAConnectTheTunnelCounts) {
    const std::string connect = "CONNECT calls.example:443 HTTP/1.1\r\nHost: calls.example:443\r\n\r\n";
    tcp(connect, true, 1, 3128);
    EXPECT_FALSE(result.decided);
    ASSERT_EQ(result.name_count, 1);
    EXPECT_EQ(result.names[0].spot, NameSpot::http_connect);
    tcp("HTTP/1.1 200 Connection established\r\n\r\n", false, 1, 3128);
    EXPECT_FALSE(result.decided);
    tcp(client_hello("calls.example"), true, 1 + static_cast<std::uint32_t>(connect.size()), 3128);
    EXPECT_TRUE(result.decided);
    EXPECT_EQ(name(), "TLS");
}

TEST_F(FlowClassifierTest, ASignatureOfSeveralPacketsWaitsForThem) {
    udp("zz1", true, 999);
    udp("zz2", true, 999);
    EXPECT_FALSE(result.decided);
    udp("zz3", true, 999);
    EXPECT_TRUE(result.decided);
    EXPECT_EQ(name(), "Slow");
    EXPECT_FALSE(result.guessed);
}

TEST_F(FlowClassifierTest, AfterTheLimitTheFlowIsWhatItsPortSays) {
    for (std::uint32_t i = 0; i < 5; ++i) {
        tcp("\x01\x02\x03", i % 2 == 0, 1 + 3 * i, 22);
        EXPECT_FALSE(result.decided) << i;
    }
    tcp("\x01\x02\x03", true, 100, 22);
    EXPECT_TRUE(result.decided);
    EXPECT_TRUE(result.guessed);
    EXPECT_EQ(name(), "SSH");
    EXPECT_EQ(classifier.in_use(), 0U);
}

TEST_F(FlowClassifierTest, ADatagramThatContradictsItsPortIsNotGuessed) {
    for (int i = 0; i < 6; ++i) {
        udp("\x01\x02\x03", true, 999);
    }
    EXPECT_TRUE(result.decided);
    EXPECT_EQ(name(), "Unknown");
}

TEST_F(FlowClassifierTest, AFullPoolStillLooksAtSinglePackets) {
    std::vector<std::uint32_t> handles(4, 0);
    for (std::uint32_t& each : handles) {
        classifier.feed(each, packet("\x01", kProtoTcp, true, 1, 22), catalogue, scratch, result);
        EXPECT_NE(each, 0U);
    }
    EXPECT_EQ(classifier.in_use(), 4U);
    tcp("\x01", true, 1);
    EXPECT_EQ(handle, 0U);
    EXPECT_FALSE(result.decided);
    EXPECT_EQ(classifier.without_state(), 1U);
    tcp("SSH-2.0-OpenSSH\r\n", false, 1);
    EXPECT_TRUE(result.decided);
    EXPECT_EQ(name(), "SSH");
    for (std::uint32_t& each : handles) {
        classifier.release(each);
        EXPECT_EQ(each, 0U);
    }
    EXPECT_EQ(classifier.in_use(), 0U);
}

TEST_F(FlowClassifierTest, AnotherCatalogueVoidsWhatWasNoted) {
    udp("zz1", true, 999);
    udp("zz2", true, 999);
    const Catalogue next = test_catalogue();
    CatalogueScratch next_scratch(next);
    classifier.feed(handle, packet("zz3", kProtoUdp, true, 0, 999), next, next_scratch, result);
    EXPECT_FALSE(result.decided);
    EXPECT_EQ(classifier.in_use(), 1U);
}

TEST_F(FlowClassifierTest, DnsHandsOutItsMessage) {
    const std::string query("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x05"
                            "calls\x07"
                            "example\x00\x00\x01\x00\x01",
                            31);
    udp(query, true, 53);
    EXPECT_TRUE(result.decided);
    EXPECT_TRUE(result.watch);
    EXPECT_EQ(name(), "DNS");
    EXPECT_EQ(result.type, AppType::name_service);
    ASSERT_NE(result.dns, nullptr);
    EXPECT_EQ(result.dns_result, DnsResult::query);
    EXPECT_EQ(result.dns->name.view(), "calls.example");
    ASSERT_EQ(result.name_count, 1);
    EXPECT_EQ(result.names[0].spot, NameSpot::dns_question);
    const std::string framed = std::string(1, '\0') + static_cast<char>(query.size()) + query;
    handle = 0;
    tcp(framed, true, 1, 53);
    EXPECT_EQ(name(), "DNS");
    EXPECT_EQ(result.names[0].name.view(), "calls.example");
}

TEST_F(FlowClassifierTest, RtpNeedsAStreamThatGoesOn) {
    const auto rtp = [](char sequence) {
        return std::string("\x80\x00\x00", 3) + sequence + std::string("\0\0\0\x01\x11\x22\x33\x44voice", 13);
    };
    udp(rtp(1), true, 40000);
    udp(rtp(2), true, 40000);
    EXPECT_FALSE(result.decided);
    udp(rtp(3), true, 40000);
    EXPECT_TRUE(result.decided);
    EXPECT_EQ(name(), "RTP");
}

TEST_F(FlowClassifierTest, OtherIpProtocolsAreDecidedByNumber) {
    feed("", 50, true, 0, 0);
    EXPECT_TRUE(result.decided);
    EXPECT_EQ(result.type, AppType::vpn);
}

TEST_F(FlowClassifierTest, AnEmptyPayloadCostsNoState) {
    tcp("", true, 1);
    EXPECT_FALSE(result.decided);
    EXPECT_EQ(handle, 0U);
    classifier.conclude(handle, packet("", kProtoTcp, true, 0, 22), catalogue, result);
    EXPECT_TRUE(result.decided);
    EXPECT_EQ(name(), "SSH");
}

TEST_F(FlowClassifierTest, PaddingBehindAnAcknowledgementIsNoPayload) {
    ClassifyPacket padded = packet(std::string_view("\0\0", 2), kProtoTcp, true, 1, 443);
    padded.tcp_flags = tcp_ack;
    classifier.feed(handle, padded, catalogue, scratch, result);
    EXPECT_EQ(handle, 0U);
    const std::string hello = client_hello("calls.example");
    tcp(hello, true, 1);
    EXPECT_TRUE(result.decided);
    EXPECT_EQ(name(), "TLS");
}

TEST_F(FlowClassifierTest, APortBehindAServerNameIsNotPartOfIt) {
    tcp(client_hello("calls.example:443"), true, 1);
    ASSERT_EQ(result.name_count, 1);
    EXPECT_EQ(result.names[0].name.view(), "calls.example");
    EXPECT_EQ(catalogue.name(result.application), "Calls");
}

TEST_F(FlowClassifierTest, AHelloInTwoSegmentsBehindAStarttls) {
    const std::string greeting = "* OK ready\r\n";
    const std::string start = "a1 STARTTLS\r\n";
    const std::string hello = client_hello("mail.calls.example");
    tcp(greeting, false, 1, 143);
    EXPECT_EQ(name(), "IMAP");
    tcp(start, true, 1, 143);
    const auto begin = static_cast<std::uint32_t>(1 + start.size());
    tcp(hello.substr(0, 30), true, begin, 143);
    EXPECT_FALSE(result.decided);
    tcp(hello.substr(30), true, begin + 30, 143);
    EXPECT_TRUE(result.decided);
    EXPECT_EQ(name(), "IMAPS");
    ASSERT_EQ(result.name_count, 1);
    EXPECT_EQ(result.names[0].name.view(), "mail.calls.example");
}

TEST_F(FlowClassifierTest, AMailServersGreetingNamesIt) {
    tcp("220 mx.example ESMTP\r\n", false, 1, 25);
    EXPECT_EQ(name(), "SMTP");
    ASSERT_EQ(result.name_count, 1);
    EXPECT_EQ(result.names[0].name.view(), "mx.example");
}

TEST_F(FlowClassifierTest, Http2WithPriorKnowledge) {
    const std::string preface("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    tcp(preface, true, 1, 80);
    EXPECT_FALSE(result.decided);
    EXPECT_EQ(name(), "HTTP2");
    // HEADERS, end of headers: :authority as a literal without indexing.
    const std::string block = std::string("\x01\x0d", 2) + "calls.example";
    const std::string frame = std::string("\x00\x00", 2) + static_cast<char>(block.size()) +
                              std::string("\x01\x04\x00\x00\x00\x01", 6) + block;
    tcp(frame, true, 1 + static_cast<std::uint32_t>(preface.size()), 80);
    EXPECT_TRUE(result.decided);
    ASSERT_EQ(result.name_count, 1);
    EXPECT_EQ(result.names[0].name.view(), "calls.example");
    EXPECT_EQ(catalogue.name(result.application), "Calls");
}

TEST_F(FlowClassifierTest, ASocksRequestNamesItsDestination) {
    tcp(std::string_view("\x05\x01\x00", 3), true, 1, 1080);
    EXPECT_FALSE(result.decided);
    EXPECT_EQ(name(), "SOCKS");
    tcp(std::string_view("\x05\x00", 2), false, 1, 1080);
    EXPECT_FALSE(result.decided);
    tcp(std::string_view("\x05\x01\x00\x03\x0d"
                         "calls.example\x01\xbb",
                         20),
        true, 4, 1080);
    EXPECT_TRUE(result.decided);
    EXPECT_EQ(name(), "SOCKS");
    EXPECT_EQ(catalogue.name(result.application), "Calls");
    ASSERT_EQ(result.name_count, 1);
    EXPECT_EQ(result.names[0].name.view(), "calls.example");
}

TEST_F(FlowClassifierTest, NamesWithinATunnelAreSeenAsLongAsItLives) {
    const std::string query("\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x05"
                            "calls\x07"
                            "example\x00\x00\x01\x00\x01",
                            31);
    const std::string inner = std::string("\x45\x00\x00\x3b\x00\x00\x00\x00\x40\x11\x00\x00\x0a\x00\x00\x01\x0a\x00\x00\x02"
                                          "\xd9\x03\x00\x35\x00\x27\x00\x00",
                                          28) +
                              query;
    const std::string datagram = std::string("\x30\xff\x00\x3b\x00\x00\x00\x01", 8) + inner;
    udp(datagram, true, 2152);
    EXPECT_TRUE(result.decided);
    EXPECT_TRUE(result.watch);
    EXPECT_EQ(name(), "GTP");
    ASSERT_EQ(result.name_count, 1);
    EXPECT_EQ(result.names[0].spot, NameSpot::other);
    EXPECT_EQ(result.names[0].name.view(), "calls.example");
    classifier.watch(packet(datagram, kProtoUdp, false, 0, 2152), catalogue, result);
    EXPECT_TRUE(result.watch);
    EXPECT_EQ(result.name_count, 1);
}

TEST_F(FlowClassifierTest, ANetbiosNameIsDecoded) {
    const std::string query = std::string("\x00\x01\x01\x10\x00\x01\x00\x00\x00\x00\x00\x00\x20", 13) +
                              "EGEDEBEMEMFDCACACACACACACACACACA" + std::string("\x00\x00\x20\x00\x01", 5);
    udp(query, true, 137);
    EXPECT_EQ(name(), "NetBIOS");
    ASSERT_EQ(result.name_count, 1);
    EXPECT_EQ(result.names[0].name.view(), "fcalls");
}

TEST_F(FlowClassifierTest, TheMiddleOfAQuicConnectionDoesNotSpeakAgainstItsPort) {
    for (int i = 0; i < 6; ++i) {
        udp("\x4c\x01\x02\x03\x04\x05\x06\x07\x08", true, 443);
    }
    EXPECT_TRUE(result.decided);
    EXPECT_TRUE(result.guessed);
    EXPECT_EQ(name(), "QUIC");
    handle = 0;
    for (int i = 0; i < 6; ++i) {
        udp(i == 3 ? "\x8f\x01\x02" : "\x4c\x01\x02", true, 443);
    }
    EXPECT_EQ(name(), "Unknown");
}

} // namespace
} // namespace foregate::dataplane
