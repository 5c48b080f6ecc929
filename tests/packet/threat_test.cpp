// SPDX-License-Identifier: BSD-3-Clause
// Listed destinations: stopped by address, DNS name, TLS server name and HTTP host, and what each
// end is told.
#include "packet/gateway_rig.h"

#include <cstring>

namespace foregate::packet_test {
namespace {

using namespace dataplane;

constexpr unsigned kRst = 0x04;
constexpr unsigned kAck = 0x10;

class PacketThreat : public GatewayTest {
protected:
    void list(std::vector<ThreatEntry> entries) {
        tables.threats = std::move(entries);
        publish();
    }
    PacketBuilder up(unsigned port) { return packet().ipv4(kDesktop, kServer).tcp(40000, port); }
    PacketBuilder down(unsigned port) { return packet().ipv4(kServer, kDesktop).tcp(port, 40000); }
    /// A handshake that passes; what it sent is taken away.
    void establish(unsigned port) {
        send(Side::desktop, up(port).syn().seq(100));
        send(Side::upstream, down(port).syn().seq(900).ack(101));
        send(Side::desktop, up(port).seq(101).ack(901));
        ASSERT_EQ(sent(Side::upstream).size(), 2U);
        ASSERT_EQ(sent(Side::desktop).size(), 1U);
    }
    ThreatMatched only_match() {
        const auto all = reports<ThreatMatched>();
        EXPECT_EQ(all.size(), 1U);
        return all.empty() ? ThreatMatched{} : all[0];
    }
};

TEST_F(PacketThreat, AddressIsStoppedAtItsFirstPacketWithAReset) {
    list({listed_prefix("10.20.0.64/27")});
    send(Side::desktop, up(443).syn().seq(7000));
    const Frame reset = only(Side::desktop);
    EXPECT_EQ(reset.src(), kServer);
    EXPECT_EQ(reset.dst(), kDesktop);
    EXPECT_EQ(reset.src_port(), 443U);
    EXPECT_EQ(reset.dst_port(), 40000U);
    EXPECT_EQ(reset.flags(), kRst | kAck);
    EXPECT_EQ(reset.ack(), 7001U);
    EXPECT_EQ(reset.dst_mac(), mac_of(kDesktop));
    EXPECT_TRUE(nothing_left());
    EXPECT_EQ(count(DropReason::threat_address), 1U);
    EXPECT_EQ(count(Counter::resets_sent), 1U);

    const ThreatMatched match = only_match();
    EXPECT_EQ(match.desktop, 1U);
    EXPECT_EQ(match.server.to_string(), kServer);
    EXPECT_EQ(match.server_port, 443);
    EXPECT_EQ(match.where, DropReason::threat_address);
    EXPECT_TRUE(match.blocked);
    EXPECT_EQ(match.generation, 2U);

    send(Side::desktop, up(443).syn().seq(7000)); // again: reset again, reported once
    EXPECT_EQ(only(Side::desktop).ack(), 7001U);
    send(Side::desktop, up(443).seq(7001).ack(1).payload("data"));
    send(Side::upstream, down(443).seq(1).ack(1));
    EXPECT_TRUE(nothing_left());
    EXPECT_EQ(count(DropReason::blocked_flow), 3U);
    EXPECT_EQ(reports<ThreatMatched>().size(), 0U);
    EXPECT_EQ(worker().desktop(1).blocked.read(), 1U);
}

TEST_F(PacketThreat, AddressOfEitherFamilyAndAnyProtocol) {
    list({listed_prefix(kServer6), listed_prefix("203.0.113.0/24")});
    send(Side::desktop, packet().ipv6(kDesktop6, kServer6).tcp(40000, 443).syn().seq(1));
    const Frame reset = only(Side::desktop);
    EXPECT_EQ(reset.dst(), kDesktop6);
    EXPECT_EQ(reset.flags(), kRst | kAck);
    send(Side::desktop, packet().ipv4(kDesktop, kFarServer).udp(5000, 443).payload("quic"));
    send(Side::desktop, packet().ipv4(kDesktop, kFarServer).icmp(8, 0, 1));
    send(Side::upstream,
         packet().ipv4(kFarServer, kDesktop).tcp(6666, 3389).syn()); // it comes by itself
    EXPECT_TRUE(nothing_left());
    EXPECT_EQ(reports<ThreatMatched>().size(), 4U);
    EXPECT_EQ(count(DropReason::threat_address), 4U);
}

TEST_F(PacketThreat, NoteLetsPassAndIsReportedOnceForAFlow) {
    list({listed_prefix(kServer, ThreatAction::note),
          listed_name("soft.example", ThreatAction::note)});
    establish(443);
    const ThreatMatched match = only_match();
    EXPECT_FALSE(match.blocked);
    publish(); // looked at again, not reported again
    send(Side::desktop, up(443).seq(101).ack(901).payload(tls_client_hello("www.soft.example")));
    EXPECT_EQ(sent(Side::upstream).size(), 1U);
    const ThreatMatched name = only_match();
    EXPECT_EQ(name.where, DropReason::threat_tls_name);
    EXPECT_FALSE(name.blocked);
    EXPECT_EQ(drops(), 0U);
}

TEST_F(PacketThreat, DnsQuestionIsAnsweredWithNxdomain) {
    list({listed_name("evil.example")});
    const Bytes question = dns_query(0xbeef, "WWW.Evil.example");
    send(Side::desktop, packet().ipv4(kDesktop, kResolver).udp(5353, 53).payload(question));
    const Frame reply = only(Side::desktop);
    EXPECT_EQ(reply.src(), kResolver);
    EXPECT_EQ(reply.dst(), kDesktop);
    EXPECT_EQ(reply.src_port(), 53U);
    EXPECT_EQ(reply.dst_port(), 5353U);
    EXPECT_EQ(reply.dst_mac(), mac_of(kDesktop));
    EXPECT_NE(reply.half(reply.parsed.l4_offset + 6U), 0U) << "UDP without a checksum";
    const Bytes message = reply.payload();
    ASSERT_EQ(message.size(), question.size());
    EXPECT_EQ(message[0] * 256 + message[1], 0xbeef);
    EXPECT_EQ(message[2] & 0x80, 0x80) << "an answer";
    EXPECT_EQ(message[3] & 0x0f, 3) << "no such name";
    EXPECT_TRUE(std::equal(message.begin() + 12, message.end(), question.begin() + 12))
        << "the question as asked";
    EXPECT_TRUE(nothing_left());
    EXPECT_EQ(count(DropReason::threat_dns_name), 1U);
    const ThreatMatched match = only_match();
    EXPECT_EQ(match.where, DropReason::threat_dns_name);
    EXPECT_STREQ(match.name.data(), "www.evil.example");
    EXPECT_EQ(worker().desktop(1).blocked.read(), 1U);

    // The same socket may ask for something else.
    send(Side::desktop,
         packet().ipv4(kDesktop, kResolver).udp(5353, 53).payload(dns_query(2, "good.example")));
    EXPECT_EQ(only(Side::upstream).dst(), kResolver);
}

TEST_F(PacketThreat, DnsQuestionOverV6) {
    list({listed_name("evil.example")});
    send(Side::desktop, packet()
                            .ipv6(kDesktop6, kServer6)
                            .udp(5353, 53)
                            .payload(dns_query(7, "evil.example", kTypeAaaa)));
    const Frame reply = only(Side::desktop);
    EXPECT_EQ(reply.src(), kServer6);
    EXPECT_EQ(reply.payload()[3] & 0x0f, 3);
    EXPECT_TRUE(nothing_left());
}

TEST_F(PacketThreat, DnsAnswersAreLearned) {
    const std::string name = "db.lab.example";
    send(Side::desktop,
         packet().ipv4(kDesktop, kResolver).udp(5353, 53).payload(dns_query(9, name)));
    const Bytes answer = dns_answer(9, name, {"10.20.0.5", "10.20.0.6"}, 30);
    send(Side::upstream, packet().ipv4(kResolver, kDesktop).udp(53, 5353).payload(answer));
    EXPECT_EQ(only(Side::desktop).payload(), answer);
    const auto learned = reports<DnsLearned>();
    ASSERT_EQ(learned.size(), 1U);
    EXPECT_STREQ(learned[0].name.data(), name.c_str());
    ASSERT_EQ(learned[0].count, 2);
    EXPECT_EQ(learned[0].addresses[1].to_string(), "10.20.0.6");
    EXPECT_EQ(learned[0].ttl_s, 30U);
    EXPECT_EQ(learned[0].usage_class, 1);
    EXPECT_EQ(count(Counter::dns_answers), 1U);
    // What a desktop itself calls an answer teaches nothing.
    send(Side::desktop, packet().ipv4(kDesktop, kResolver).udp(5353, 53).payload(answer));
    EXPECT_EQ(reports<DnsLearned>().size(), 0U);
}

TEST_F(PacketThreat, TlsNameResetsBothEndsInSequence) {
    list({listed_name("evil.example")});
    establish(443);
    const Bytes hello = tls_client_hello("cdn.evil.example");
    send(Side::desktop, up(443).seq(101).ack(901).psh().payload(hello));
    const Frame to_desktop = only(Side::desktop);
    EXPECT_EQ(to_desktop.src(), kServer);
    EXPECT_EQ(to_desktop.flags(), kRst);
    EXPECT_EQ(to_desktop.seq(), 901U) << "what the desktop expects next";
    const Frame to_server = only(Side::upstream);
    EXPECT_EQ(to_server.src(), kDesktop);
    EXPECT_EQ(to_server.src_port(), 40000U);
    EXPECT_TRUE(to_server.flags() & kRst);
    EXPECT_EQ(to_server.seq(), 101U) << "what the server expects next";
    EXPECT_EQ(to_server.parsed.payload_length, 0) << "the name must not leave";
    EXPECT_EQ(to_server.bytes.size(), 54U);
    EXPECT_EQ(count(DropReason::threat_tls_name), 1U);
    EXPECT_STREQ(only_match().name.data(), "cdn.evil.example");
    send(Side::desktop, up(443).seq(101).ack(901).psh().payload(hello)); // a retransmission
    send(Side::upstream, down(443).seq(901).ack(101).payload("late"));
    EXPECT_TRUE(nothing_left());
    EXPECT_EQ(count(DropReason::blocked_flow), 2U);
}

TEST_F(PacketThreat, TlsNameOverV6WithTimestamps) {
    list({listed_name("evil.example")});
    const auto v6 = [] { return packet().ipv6(kDesktop6, kServer6).tcp(40000, 443); };
    send(Side::desktop, v6().syn().seq(100).options(mss(1440).sack().ts(5, 0)));
    send(Side::upstream,
         packet().ipv6(kServer6, kDesktop6).tcp(443, 40000).syn().seq(900).ack(101));
    sent(Side::upstream);
    sent(Side::desktop);
    send(Side::desktop,
         v6().seq(101).ack(901).options(ts(6, 1)).payload(tls_client_hello("evil.example")));
    const Frame to_server = only(Side::upstream);
    EXPECT_TRUE(to_server.flags() & kRst);
    EXPECT_EQ(to_server.seq(), 101U);
    EXPECT_EQ(to_server.parsed.payload_length, 0);
    EXPECT_EQ(only(Side::desktop).seq(), 901U);
}

TEST_F(PacketThreat, TlsNameThatIsNotListedPassesAndIsTold) {
    list({listed_name("evil.example")});
    establish(443);
    const Bytes hello = tls_client_hello("good.example");
    send(Side::desktop, up(443).seq(101).ack(901).payload(hello));
    EXPECT_EQ(only(Side::upstream).payload(), hello);
    const auto names = reports<NameSeen>();
    ASSERT_EQ(names.size(), 1U);
    EXPECT_STREQ(names[0].name.data(), "good.example");
    EXPECT_EQ(names[0].server.to_string(), kServer);
    EXPECT_EQ(names[0].port, 443);
    EXPECT_EQ(drops(), 0U);
}

TEST_F(PacketThreat, HttpHostAlsoOfALaterRequest) {
    list({listed_name("evil.example")});
    establish(80);
    const Bytes good = http_get("good.example");
    send(Side::desktop, up(80).seq(101).ack(901).payload(good));
    EXPECT_EQ(only(Side::upstream).payload(), good);
    const auto next = static_cast<std::uint32_t>(101 + good.size());
    send(Side::desktop, up(80).seq(next).ack(901).payload(http_get("shop.evil.example:80")));
    const Frame to_server = only(Side::upstream);
    EXPECT_TRUE(to_server.flags() & kRst);
    EXPECT_EQ(to_server.seq(), next);
    EXPECT_EQ(to_server.parsed.payload_length, 0);
    EXPECT_EQ(only(Side::desktop).seq(), 901U);
    const ThreatMatched match = only_match();
    EXPECT_EQ(match.where, DropReason::threat_http_host);
    EXPECT_STREQ(match.name.data(), "shop.evil.example");
}

TEST_F(PacketThreat, NewListStopsAFlowThatIsUnderWay) {
    establish(5432);
    send(Side::desktop, up(5432).seq(101).ack(901).payload("before"));
    EXPECT_EQ(only(Side::upstream).text(), "before");
    list({listed_prefix(kServer)});
    send(Side::desktop, up(5432).seq(107).ack(901).payload("after"));
    const Frame reset = only(Side::desktop);
    EXPECT_EQ(reset.flags(), kRst);
    EXPECT_EQ(reset.seq(), 901U);
    EXPECT_TRUE(nothing_left());
    EXPECT_EQ(only_match().where, DropReason::threat_address);
    send(Side::upstream, down(5432).seq(901).ack(107).payload("more"));
    EXPECT_TRUE(nothing_left());
}

TEST_F(PacketThreat, UnlistedTrafficIsUntouched) {
    list({listed_prefix("198.51.100.0/24"), listed_name("evil.example")});
    establish(22);
    for (int i = 0; i < 6; ++i) {
        send(Side::desktop,
             up(22).seq(101 + 4 * static_cast<std::uint32_t>(i)).ack(901).payload("SSH-"));
    }
    EXPECT_EQ(sent(Side::upstream).size(), 6U);
    EXPECT_EQ(drops(), 0U);
    EXPECT_EQ(count(Counter::threat_matches), 0U);
}

} // namespace
} // namespace foregate::packet_test
