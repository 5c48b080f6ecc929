// SPDX-License-Identifier: BSD-3-Clause
// Captures through a worker: the same answers as of a gateway that is polled, and what it would not have forwarded is
// classified and counted all the same.
#include "dataplane/offline/offline_gateway.h"
#include "packet/gateway_rig.h"

namespace foregate::packet_test {
namespace {

using namespace dataplane;

constexpr unsigned kMoreFragments = 0x2000;

/// The desktop side of the test network is the client, as the rig has it.
class PacketOffline : public GatewayTest {
protected:
    void start(std::vector<ThreatEntry> threats = {}) {
        std::optional<ThreatDb> list;
        if (!threats.empty()) {
            ThreatListInput input;
            input.feeds = {"test"};
            input.categories = {"test"};
            input.entries = std::move(threats);
            list = ThreatDb::build(std::move(input));
        }
        gateway_ = std::make_unique<OfflineGateway>(Catalogue::build(plain_catalogue_spec()), std::move(list),
                                                    OfflineGateway::Environment::given);
        capture_ = std::make_unique<OfflineFlows>(*gateway_, 100);
    }
    void TearDown() override {
        capture_.reset();
        gateway_.reset();
        GatewayTest::TearDown();
    }
    void take(const PacketBuilder& packet) {
        time_ns_ += kMs;
        capture_->take_frame(packet.build(), time_ns_);
    }
    const std::deque<OfflineFlow>& finish() {
        capture_->finish();
        return capture_->flows();
    }
    OfflineFlow only_flow() {
        const auto& flows = finish();
        EXPECT_EQ(flows.size(), 1U);
        return flows.empty() ? OfflineFlow{} : flows[0];
    }
    [[nodiscard]] std::string app(const OfflineFlow& flow) const { return std::string(gateway_->catalogue().name(flow.app)); }

    static PacketBuilder up(unsigned port) { return packet().ipv4(kDesktop, kServer).tcp(40000, port); }
    static PacketBuilder down(unsigned port) { return packet().ipv4(kServer, kDesktop).tcp(port, 40000); }
    static std::vector<PacketBuilder> tls_connection(std::string_view host) {
        const Bytes hello = tls_client_hello(host);
        const auto next = static_cast<std::uint32_t>(101 + hello.size());
        return {up(443).syn().seq(100),
                down(443).syn().seq(900).ack(101),
                up(443).seq(101).ack(901),
                up(443).seq(101).ack(901).payload(hello),
                down(443).seq(901).ack(next).payload_of_size(700),
                up(443).seq(next).ack(1601)};
    }
    /// UDP over IPv4 in fragments of eight bytes of data and more, by hand: offset in bytes.
    static PacketBuilder piece(unsigned id, unsigned offset, bool more, const Bytes& data) {
        return packet().ipv4(kDesktop, kServer).protocol(17).ip_id(id).payload(data).fragment_field(
            (more ? kMoreFragments : 0U) | offset / 8);
    }
    static Bytes udp_beginning(unsigned length) {
        Bytes data;
        put16(data, 5000);
        put16(data, 7777);
        put16(data, length);
        put16(data, 0);
        data.resize(16, 'u');
        return data;
    }

    std::unique_ptr<OfflineGateway> gateway_;
    std::unique_ptr<OfflineFlows> capture_;
    std::uint64_t time_ns_ = 1'600'000'000 * kSecond;
};

TEST_F(PacketOffline, SaysWhatAPolledGatewaySays) {
    start();
    for (const PacketBuilder& packet : tls_connection("www.example.org")) {
        take(packet);
        send(packet.source() == address(kDesktop) ? Side::desktop : Side::upstream, packet);
    }
    const auto polled = view_flows();
    (void)sent(Side::desktop);
    (void)sent(Side::upstream);
    ASSERT_EQ(polled.size(), 1U);
    const OfflineFlow flow = only_flow();
    EXPECT_EQ(flow.app, polled[0].application_protocol);
    EXPECT_EQ(app(flow), "TLS");
    EXPECT_EQ(flow.type, polled[0].app);
    EXPECT_EQ(flow.client, polled[0].desktop_address);
    EXPECT_EQ(flow.client_port, polled[0].desktop_port);
    EXPECT_EQ(flow.server, polled[0].server);
    EXPECT_EQ(flow.server_port, polled[0].server_port);
    EXPECT_EQ(flow.packets, polled[0].packets_up + polled[0].packets_down);
    EXPECT_EQ(flow.bytes, polled[0].bytes_up + polled[0].bytes_down);
    EXPECT_FALSE(flow.guessed);
    EXPECT_EQ(flow.hosts, std::vector<std::string>{"www.example.org"});
    EXPECT_EQ(flow.verdict, OfflineVerdict::allow);
    EXPECT_TRUE(flow.dropped.empty());
    EXPECT_EQ(flow.to_kernel, 0U);
}

TEST_F(PacketOffline, ACaptureThatBeginsWithTheServerKnowsWhoAsks) {
    start();
    take(down(443).seq(900).ack(101).payload_of_size(10));
    take(up(443).seq(101).ack(910));
    const OfflineFlow flow = only_flow();
    EXPECT_EQ(flow.client.to_string(), kDesktop);
    EXPECT_EQ(flow.server_port, 443);
    EXPECT_EQ(flow.packets, 2U);
}

TEST_F(PacketOffline, WithoutAPayloadThePortIsGuessed) {
    start();
    take(up(443).syn());
    take(packet().ipv4(kDesktop, kServer).tcp(40001, 9).syn());
    const auto& flows = finish();
    ASSERT_EQ(flows.size(), 2U);
    EXPECT_EQ(app(flows[0]), "TLS");
    EXPECT_TRUE(flows[0].guessed);
    EXPECT_EQ(app(flows[1]), "Unknown");
    EXPECT_FALSE(flows[1].guessed);
}

TEST_F(PacketOffline, AListedNameBlocksAndIsKnownForWhatItWas) {
    start({listed_name("bad.example")});
    for (const PacketBuilder& packet : tls_connection("www.bad.example")) {
        take(packet);
    }
    const OfflineFlow flow = only_flow();
    EXPECT_EQ(flow.verdict, OfflineVerdict::block);
    EXPECT_EQ(app(flow), "TLS");
    EXPECT_EQ(flow.hosts, std::vector<std::string>{"www.bad.example"});
    EXPECT_EQ(flow.packets, 6U) << "also what was dropped";
    const std::map<DropReason, std::uint64_t> dropped{{DropReason::threat_tls_name, 1}, {DropReason::blocked_flow, 2}};
    EXPECT_EQ(flow.dropped, dropped);
}

TEST_F(PacketOffline, ANotedAddressIsForwarded) {
    start({listed_prefix("10.20.0.0/24", ThreatAction::note)});
    for (const PacketBuilder& packet : tls_connection("www.example.org")) {
        take(packet);
    }
    const OfflineFlow flow = only_flow();
    EXPECT_EQ(flow.verdict, OfflineVerdict::note);
    EXPECT_TRUE(flow.dropped.empty());
    EXPECT_EQ(app(flow), "TLS");
}

TEST_F(PacketOffline, ABlockedQuestionLeavesTheOthers) {
    start({listed_name("bad.example")});
    take(packet().ipv4(kDesktop, kResolver).udp(5353, 53).payload(dns_query(1, "bad.example")));
    take(packet().ipv4(kDesktop, kResolver).udp(5353, 53).payload(dns_query(2, "good.example")));
    const OfflineFlow flow = only_flow();
    EXPECT_EQ(flow.verdict, OfflineVerdict::block);
    EXPECT_EQ(app(flow), "DNS");
    EXPECT_EQ(flow.hosts, (std::vector<std::string>{"bad.example", "good.example"}));
    EXPECT_EQ(flow.dropped, (std::map<DropReason, std::uint64_t>{{DropReason::threat_dns_name, 1}}));
}

TEST_F(PacketOffline, WhatAddressesDecideIsClassifiedAllTheSame) {
    start();
    take(packet().ipv4(kDesktop, "224.0.0.251").udp(5353, 53).payload(dns_query(1, "printer.local")));
    take(packet().ipv4(kServer, kServer).tcp(7, 443).syn());
    take(packet().ipv4("127.0.0.1", "127.0.0.2").udp(4000, 53).payload(dns_query(1, "a.example")));
    take(packet().ipv6(kDesktop6, "ff02::1:ff00:1").icmp(135, 0).ttl(255).payload_of_size(20));
    const auto& flows = finish();
    ASSERT_EQ(flows.size(), 4U);
    EXPECT_EQ(app(flows[0]), "DNS");
    EXPECT_EQ(flows[0].to_kernel, 1U) << "multicast";
    EXPECT_TRUE(flows[0].dropped.empty());
    EXPECT_EQ(app(flows[1]), "TLS");
    EXPECT_EQ(flows[1].dropped, (std::map<DropReason, std::uint64_t>{{DropReason::land, 1}}));
    EXPECT_EQ(flows[2].hosts, std::vector<std::string>{"a.example"});
    EXPECT_EQ(flows[2].dropped, (std::map<DropReason, std::uint64_t>{{DropReason::martian_source, 1}}));
    EXPECT_EQ(flows[3].to_kernel, 1U) << "neighbour discovery";
    EXPECT_EQ(flows[3].packets, 1U);
}

TEST_F(PacketOffline, FragmentsAreTheirFlowsInAnyOrder) {
    start();
    take(piece(7, 16, false, Bytes(8, 'b'))); // waits
    take(piece(7, 0, true, udp_beginning(24)));
    take(piece(8, 0, true, udp_beginning(40)));
    take(piece(8, 8, true, Bytes(16, 'x'))); // over the first
    take(piece(8, 24, false, Bytes(16, 'x')));
    const OfflineFlow flow = only_flow();
    EXPECT_EQ(flow.server_port, 7777);
    EXPECT_EQ(flow.packets, 5U);
    EXPECT_EQ(flow.dropped, (std::map<DropReason, std::uint64_t>{{DropReason::overlapping_fragment, 2}}));
}

TEST_F(PacketOffline, AFragmentThatWaitsInVainIsCountedByItsAddresses) {
    start();
    take(piece(7, 16, false, Bytes(8, 'b')));
    take(piece(9, 16, false, Bytes(8, 'b')));
    time_ns_ += 10 * kSecond; // both have outlived their time
    take(up(443).syn());
    const auto& flows = finish();
    ASSERT_EQ(flows.size(), 2U);
    const OfflineFlow& lost = flows[0].server_port == 0 ? flows[0] : flows[1];
    EXPECT_EQ(lost.client.to_string(), kDesktop);
    EXPECT_EQ(lost.packets, 2U);
    EXPECT_EQ(lost.dropped, (std::map<DropReason, std::uint64_t>{{DropReason::fragment_timeout, 2}}));
}

TEST_F(PacketOffline, UnreadableAndOtherFramesAreFlowsOfTheirOwn) {
    start();
    Bytes broken = up(443).syn().build();
    broken[14] = 0x42; // a header of eight bytes
    capture_->take_frame(broken, 0);
    capture_->take_unreadable(60);
    capture_->take_other(0x88cc, Bytes(50, 0));
    Bytes wrong_checksum = up(80).syn().build();
    wrong_checksum[24] ^= 0xff;
    capture_->take_frame(wrong_checksum, 0);
    const auto& flows = finish();
    ASSERT_EQ(flows.size(), 3U);
    EXPECT_EQ(capture_->unreadable(), 2U);
    EXPECT_EQ(flows[0].packets, 2U);
    EXPECT_EQ(flows[0].dropped, (std::map<DropReason, std::uint64_t>{{DropReason::bad_header, 1}}));
    EXPECT_EQ(flows[1].ether_type, 0x88cc);
    EXPECT_EQ(flows[1].bytes, 50U);
    EXPECT_EQ(flows[2].server_port, 80) << "checksums may be left to the card that sends";
    EXPECT_TRUE(flows[2].dropped.empty());
}

TEST_F(PacketOffline, TheLongestPacketFits) {
    start();
    take(packet().ipv4(kDesktop, kServer).udp(5000, 7777).payload_of_size(65'521 - 28));
    const OfflineFlow flow = only_flow();
    EXPECT_EQ(flow.bytes, 65'521U);
    EXPECT_TRUE(flow.dropped.empty());
    EXPECT_THROW(capture_->take_frame(Bytes(65'536, 0), 0), std::runtime_error);
}

} // namespace
} // namespace foregate::packet_test
