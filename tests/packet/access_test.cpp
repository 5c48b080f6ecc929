// SPDX-License-Identifier: BSD-3-Clause
// Access lists of classes: stopped by address, port, protocol and name; what is let through until it shows a name.
#include "packet/gateway_rig.h"

namespace foregate::packet_test {
namespace {

using namespace dataplane;

constexpr unsigned kRst = 0x04;
constexpr unsigned kAck = 0x10;
constexpr auto kAllow = AccessAction::allow;
constexpr auto kDeny = AccessAction::deny;

AccessRule rule(AccessAction action, const std::string& destination, std::uint16_t port = 0, std::uint8_t protocol = 0) {
    AccessRule r;
    r.action = action;
    if (destination != "*") {
        r.prefix = IpPrefix::parse(destination);
        r.name = r.prefix ? "" : destination;
    }
    r.first_port = port;
    r.last_port = port == 0 ? std::uint16_t{0xffff} : port;
    r.protocol = protocol;
    return r;
}

class PacketAccess : public GatewayTest {
protected:
    /// Rules of class 1; class 2 has none.
    void rules(std::vector<AccessRule> list, AccessAction otherwise = kAllow) {
        tables.access = {AccessList{}, AccessList{std::move(list), otherwise}, AccessList{}};
        publish();
    }
    void named_by_dns(const std::string& server, const std::string& name) {
        tables.names[address(server)] = {name};
        publish();
    }
    PacketBuilder up(unsigned port, unsigned from = 40000) { return packet().ipv4(kDesktop, kServer).tcp(from, port); }
    PacketBuilder down(unsigned port, unsigned to = 40000) { return packet().ipv4(kServer, kDesktop).tcp(port, to); }
    void establish(unsigned port) {
        send(Side::desktop, up(port).syn().seq(100));
        send(Side::upstream, down(port).syn().seq(900).ack(101));
        send(Side::desktop, up(port).seq(101).ack(901));
        ASSERT_EQ(sent(Side::upstream).size(), 2U);
        ASSERT_EQ(sent(Side::desktop).size(), 1U);
    }
    void expect_both_reset(std::uint32_t desktop_seq, std::uint32_t server_seq) {
        const Frame to_desktop = only(Side::desktop);
        EXPECT_EQ(to_desktop.flags(), kRst);
        EXPECT_EQ(to_desktop.seq(), desktop_seq);
        const Frame to_server = only(Side::upstream);
        EXPECT_TRUE(to_server.flags() & kRst);
        EXPECT_EQ(to_server.seq(), server_seq);
        EXPECT_EQ(to_server.parsed.payload_length, 0) << "the payload must not leave";
    }
    AccessDenied only_report() {
        const auto all = reports<AccessDenied>();
        EXPECT_EQ(all.size(), 1U);
        return all.empty() ? AccessDenied{} : all[0];
    }
};

TEST_F(PacketAccess, AddressIsStoppedAtItsFirstPacketWithAReset) {
    rules({rule(kAllow, "10.20.0.80/32", 443), rule(kDeny, "10.20.0.0/24")});
    send(Side::desktop, up(8080).syn().seq(7000));
    const Frame reset = only(Side::desktop);
    EXPECT_EQ(reset.src(), kServer);
    EXPECT_EQ(reset.flags(), kRst | kAck);
    EXPECT_EQ(reset.ack(), 7001U);
    EXPECT_TRUE(nothing_left());
    EXPECT_EQ(count(DropReason::access_address), 1U);
    EXPECT_EQ(count(Counter::access_denied), 1U);
    const AccessDenied report = only_report();
    EXPECT_EQ(report.desktop, 1U);
    EXPECT_EQ(report.usage_class, 1);
    EXPECT_EQ(report.server.to_string(), kServer);
    EXPECT_EQ(report.server_port, 8080);
    EXPECT_EQ(report.rule, 1);
    EXPECT_EQ(report.where, DropReason::access_address);
    EXPECT_FALSE(report.question);
    EXPECT_STREQ(report.name.data(), "");
    send(Side::desktop, up(8080).syn().seq(7000)); // again: reset again, reported once
    EXPECT_EQ(only(Side::desktop).ack(), 7001U);
    EXPECT_EQ(reports<AccessDenied>().size(), 0U);

    establish(443); // the rule in front
    EXPECT_EQ(count(DropReason::access_address), 1U);
}

TEST_F(PacketAccess, PortsProtocolsAndBothFamilies) {
    rules({rule(kDeny, "*", 25, kProtoTcp), rule(kDeny, kServer6), rule(kDeny, "203.0.113.0/24", 443, kProtoUdp)});
    send(Side::desktop, packet().ipv4(kDesktop, kFarServer).tcp(40000, 25).syn().seq(1));
    EXPECT_EQ(only(Side::desktop).flags(), kRst | kAck);
    send(Side::desktop, packet().ipv6(kDesktop6, kServer6).tcp(40000, 80).syn().seq(1));
    EXPECT_EQ(only(Side::desktop).dst(), kDesktop6);
    send(Side::desktop, packet().ipv4(kDesktop, kFarServer).udp(5000, 443).payload("quic"));
    send(Side::desktop, packet().ipv6(kDesktop6, kServer6).icmp(128, 0, 1));
    EXPECT_TRUE(nothing_left());
    EXPECT_EQ(count(DropReason::access_address), 4U);
    send(Side::desktop, packet().ipv4(kDesktop, kFarServer).udp(5000, 25).payload("not tcp"));
    send(Side::desktop, packet().ipv4(kDesktop, kFarServer).tcp(40001, 443).syn().seq(1));
    EXPECT_EQ(sent(Side::upstream).size(), 2U);
}

TEST_F(PacketAccess, ClassesHaveListsOfTheirOwn) {
    rules({}, kDeny);
    send(Side::desktop, up(443).syn().seq(1));
    EXPECT_EQ(only(Side::desktop).flags(), kRst | kAck);
    EXPECT_EQ(only_report().rule, AccessAnswer::kDefault);
    send(Side::desktop, packet().ipv4(kUnnumbered, kServer).tcp(40000, 443).syn().seq(1)); // of class 1, without a number
    EXPECT_EQ(only(Side::desktop).dst(), kUnnumbered);
    send(Side::desktop, packet().ipv4(kOtherDesktop, kServer).tcp(40000, 443).syn().seq(1)); // of class 2
    EXPECT_EQ(only(Side::upstream).src(), kOtherDesktop);
}

TEST_F(PacketAccess, WhatBeginsUpstreamIsNotTheDesktopsDestination) {
    rules({}, kDeny);
    send(Side::upstream, packet().ipv4(kServer, kDesktop).tcp(50000, 3389).syn().seq(1));
    EXPECT_EQ(only(Side::desktop).dst_port(), 3389U);
    send(Side::desktop, packet().ipv4(kDesktop, kServer).tcp(3389, 50000).syn().seq(9).ack(2));
    EXPECT_EQ(only(Side::upstream).src_port(), 3389U);
    EXPECT_EQ(drops(), 0U);
}

TEST_F(PacketAccess, TlsNameIsDeniedAtEveryAddress) {
    rules({rule(kDeny, "shop.example")});
    establish(443);
    send(Side::desktop, up(443).seq(101).ack(901).psh().payload(tls_client_hello("www.shop.example")));
    expect_both_reset(901, 101);
    EXPECT_EQ(count(DropReason::access_name), 1U);
    const AccessDenied report = only_report();
    EXPECT_EQ(report.where, DropReason::access_name);
    EXPECT_STREQ(report.name.data(), "www.shop.example");
    EXPECT_EQ(report.rule, 0);
    EXPECT_FALSE(report.question);
    send(Side::upstream, down(443).seq(901).ack(101).payload("late"));
    EXPECT_TRUE(nothing_left());
}

TEST_F(PacketAccess, HttpHostAlsoOfALaterRequest) {
    rules({rule(kDeny, "shop.example")});
    establish(80);
    const Bytes good = http_get("good.example");
    send(Side::desktop, up(80).seq(101).ack(901).payload(good));
    EXPECT_EQ(only(Side::upstream).payload(), good);
    const auto next = static_cast<std::uint32_t>(101 + good.size());
    send(Side::desktop, up(80).seq(next).ack(901).payload(http_get("shop.example")));
    expect_both_reset(901, next);
    EXPECT_EQ(count(DropReason::access_name), 1U);
}

TEST_F(PacketAccess, AllowedByNameAloneGoesOnUntilItsFirstPayload) {
    rules({rule(kAllow, "web.example", 443)}, kDeny);
    send(Side::desktop, up(80).syn().seq(1)); // no rule could ever allow this port
    EXPECT_EQ(only(Side::desktop).flags(), kRst | kAck);
    establish(443);
    const Bytes hello = tls_client_hello("www.web.example");
    send(Side::desktop, up(443).seq(101).ack(901).payload(hello));
    EXPECT_EQ(only(Side::upstream).payload(), hello);
    publish(); // and it stays, though its address tells nothing
    send(Side::desktop, up(443).seq(101 + static_cast<std::uint32_t>(hello.size())).ack(901).payload("more"));
    EXPECT_EQ(only(Side::upstream).text(), "more");
    EXPECT_EQ(count(DropReason::access_name), 0U);
}

TEST_F(PacketAccess, AnotherNameThanTheAllowedOneIsReset) {
    rules({rule(kAllow, "web.example", 443)}, kDeny);
    establish(443);
    send(Side::desktop, up(443).seq(101).ack(901).payload(tls_client_hello("other.example")));
    expect_both_reset(901, 101);
    EXPECT_EQ(count(DropReason::access_name), 1U);
    EXPECT_EQ(only_report().rule, AccessAnswer::kDefault);
}

TEST_F(PacketAccess, NoNameAtAllIsResetAtTheFirstPayload) {
    rules({rule(kAllow, "db.example", 5432)}, kDeny);
    establish(5432);
    const auto payload = [&] {
        send(Side::desktop, up(5432).seq(101).ack(901).payload(Bytes{0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f}));
    };
    for (int i = 0; i < 300; ++i) { // DNS may name the address yet; none of them leaves
        payload();
    }
    EXPECT_TRUE(nothing_left());
    EXPECT_EQ(count(DropReason::access_wait), 300U);
    EXPECT_EQ(count(Counter::access_denied), 0U);
    now_ns += 200 * kMs;
    payload();
    expect_both_reset(901, 101);
    EXPECT_EQ(count(DropReason::access_address), 1U);
}

TEST_F(PacketAccess, NoNameWaitsForDnsThatIsOnItsWay) {
    rules({rule(kAllow, "db.example", 5432)}, kDeny);
    establish(5432);
    const Bytes startup{0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f};
    send(Side::desktop, up(5432).seq(101).ack(901).payload(startup));
    EXPECT_TRUE(nothing_left());
    named_by_dns(kServer, "db.example");
    send(Side::desktop, up(5432).seq(101).ack(901).payload(startup)); // sent again
    EXPECT_EQ(only(Side::upstream).payload(), startup);
    EXPECT_EQ(count(Counter::access_denied), 0U);
}

TEST_F(PacketAccess, NoNameIsFineWhereDnsHasNamedTheAddress) {
    rules({rule(kAllow, "db.example", 5432)}, kDeny);
    named_by_dns(kServer, "db.example");
    establish(5432);
    send(Side::desktop, up(5432).seq(101).ack(901).payload(Bytes{0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f}));
    EXPECT_EQ(sent(Side::upstream).size(), 1U);
    tables.names.clear(); // the name moves on: what is open stays
    publish();
    send(Side::desktop, up(5432).seq(109).ack(901).payload("query"));
    EXPECT_EQ(only(Side::upstream).text(), "query");
    EXPECT_EQ(drops(), 0U);
}

TEST_F(PacketAccess, AnUnfinishedNameIsWaitedForButNotForever) {
    rules({rule(kAllow, "web.example", 443)}, kDeny);
    establish(443);
    const Bytes hello = tls_client_hello("web.example");
    const Bytes part(hello.begin(), hello.begin() + 20);
    for (int i = 0; i < 8; ++i) { // never more than its beginning
        now_ns += 100 * kMs;
        send(Side::desktop, up(443).seq(101 + 20 * static_cast<std::uint32_t>(i)).ack(901).payload(part));
    }
    const auto left = sent(Side::upstream);
    ASSERT_FALSE(left.empty());
    EXPECT_LE(left.size(), 8U);
    EXPECT_TRUE(left.back().flags() & kRst);
    EXPECT_EQ(count(DropReason::access_address), 1U);
}

TEST_F(PacketAccess, QuestionsForDeniedNamesHaveNoAnswer) {
    rules({rule(kAllow, "ok.shop.example"), rule(kDeny, "shop.example"), rule(kAllow, "10.20.0.53/32")}, kDeny);
    const auto ask = [&](const std::string& name) {
        send(Side::desktop, packet().ipv4(kDesktop, kResolver).udp(5353, 53).payload(dns_query(7, name)));
    };
    ask("www.shop.example");
    const Frame reply = only(Side::desktop);
    EXPECT_EQ(reply.payload()[3] & 0x0f, 3) << "no such name";
    EXPECT_TRUE(nothing_left());
    EXPECT_EQ(count(DropReason::access_name), 1U);
    EXPECT_EQ(count(DropReason::threat_dns_name), 0U);
    EXPECT_TRUE(only_report().question);
    ask("ok.shop.example");
    ask("unlisted.example"); // the default speaks of connections
    EXPECT_EQ(sent(Side::upstream).size(), 2U);
}

TEST_F(PacketAccess, DatagramsWaitForNobodysNameAndAreLetThroughWhenDnsHasIt) {
    rules({rule(kAllow, "voice.example")}, kDeny);
    const auto talk = [&] { send(Side::desktop, packet().ipv4(kDesktop, kServer).udp(5000, 3478).payload("hello")); };
    talk();
    EXPECT_TRUE(nothing_left());
    EXPECT_EQ(count(DropReason::access_wait), 1U);
    now_ns += 200 * kMs;
    talk();
    talk();
    EXPECT_TRUE(nothing_left());
    EXPECT_EQ(count(DropReason::access_address), 1U);
    EXPECT_EQ(reports<AccessDenied>().size(), 1U);
    named_by_dns(kServer, "voice.example");
    talk();
    EXPECT_EQ(only(Side::upstream).text(), "hello");
    tables.names.clear();
    publish();
    talk();
    EXPECT_EQ(only(Side::upstream).text(), "hello") << "allowed once, it goes on";
}

TEST_F(PacketAccess, ANewRuleEndsWhatIsOpen) {
    rules({});
    establish(5432);
    send(Side::desktop, up(5432).seq(101).ack(901).payload("before"));
    EXPECT_EQ(only(Side::upstream).text(), "before");
    rules({rule(kDeny, "10.20.0.0/16")});
    send(Side::desktop, up(5432).seq(107).ack(901).payload("after"));
    const Frame reset = only(Side::desktop);
    EXPECT_EQ(reset.flags(), kRst);
    EXPECT_EQ(reset.seq(), 901U);
    EXPECT_TRUE(nothing_left());
    send(Side::upstream, down(5432).seq(901).ack(107).payload("more"));
    EXPECT_TRUE(nothing_left());
    rules({}); // and a rule that is gone lets the next one through
    send(Side::desktop, up(5432).syn().seq(5000));
    EXPECT_EQ(only(Side::upstream).seq(), 5000U);
}

TEST_F(PacketAccess, AStormOfDeniedConnectionsIsToldOfNowAndThen) {
    rules({}, kDeny);
    for (unsigned i = 0; i < 100; ++i) {
        send(Side::desktop, up(443, 20000 + i).syn().seq(1));
    }
    send(Side::desktop, packet().ipv4(kTwinDesktop, kServer).tcp(40000, 443).syn().seq(1));
    sent(Side::desktop);
    EXPECT_EQ(count(Counter::access_denied), 101U);
    const auto told = reports<AccessDenied>();
    EXPECT_EQ(std::count_if(told.begin(), told.end(), [](const AccessDenied& d) { return d.desktop == 1; }), 16);
    EXPECT_EQ(std::count_if(told.begin(), told.end(), [](const AccessDenied& d) { return d.desktop == 2; }), 1)
        << "another desktop's are not lost in it";
}

TEST_F(PacketAccess, AThreatListStandsInFrontOfAnAllowRule) {
    rules({rule(kAllow, "*")});
    tables.threats = {listed_prefix(kServer)};
    publish();
    send(Side::desktop, up(443).syn().seq(1));
    EXPECT_EQ(only(Side::desktop).flags(), kRst | kAck);
    EXPECT_EQ(count(DropReason::threat_address), 1U);
    EXPECT_EQ(count(DropReason::access_address), 0U);
}

} // namespace
} // namespace foregate::packet_test
