// SPDX-License-Identifier: BSD-3-Clause
// Who may send with which address on which port, and how large a segment may be offered.
#include "packet/gateway_rig.h"

namespace foregate::packet_test {
namespace {

using namespace dataplane;

class ParseSource : public GatewayTest {
protected:
    ParseSource() { settings.ports[0].check_source_mac = true; }
    PacketBuilder from(const std::string& source, const std::string& machine) {
        return packet().eth(port_mac(Side::desktop), mac_of(machine)).ipv4(source, kServer).tcp(40000, 443).syn();
    }
};

TEST_F(ParseSource, ADesktopHasItsOwnAddressOnly) {
    send(Side::desktop, from(kDesktop, kDesktop).build());
    only(Side::upstream);
    send(Side::desktop, from(kTwinDesktop, kDesktop).build());
    EXPECT_EQ(count(DropReason::spoofed_source), 1U);
    EXPECT_TRUE(nothing_left());
    EXPECT_EQ(flows(), 1U);
    tables.neighbours[address(kTwinDesktop)] = mac_of(kDesktop); // it has moved, and the kernel has heard of it
    publish();
    send(Side::desktop, from(kTwinDesktop, kDesktop).build());
    only(Side::upstream);
}

TEST_F(ParseSource, WhatTheKernelDoesNotKnowIsNotHeldAgainstAnybody) {
    send(Side::desktop, from("10.10.1.200", kDesktop).build()); // of class 1, never resolved
    only(Side::upstream);
    std::erase_if(tables.routes, [](const auto& r) { return r.first.length == 16; });
    tables.routes.emplace_back(*IpPrefix::parse("10.10.0.0/16"), Route{0, true, address(kOtherDesktop)});
    publish();
    send(Side::desktop, from(kTwinDesktop, kOtherDesktop).build()); // behind a router
    only(Side::upstream);
    EXPECT_EQ(drops(), 0U);
}

TEST_F(ParseSource, V6) {
    send(Side::desktop, packet().eth(port_mac(Side::desktop), mac_of(kTwinDesktop)).ipv6(kDesktop6, kServer6).udp(1, 2).build());
    EXPECT_EQ(count(DropReason::spoofed_source), 1U);
    EXPECT_TRUE(nothing_left());
}

TEST_F(ParseSource, EveryKindOfForeignSource) {
    const auto expect = [this](Side side, PacketBuilder p, DropReason why, int line) {
        const auto before = count(why);
        send(side, p.eth(port_mac(side), mac_of(p.source())).build());
        EXPECT_EQ(count(why), before + 1) << "line " << line;
        EXPECT_TRUE(nothing_left()) << "line " << line;
    };
    expect(Side::desktop, packet().ipv4("203.0.113.5", kServer).udp(1, 2), DropReason::unknown_desktop, __LINE__);
    expect(Side::desktop, packet().ipv4(kServer, kFarServer).udp(1, 2), DropReason::unknown_desktop, __LINE__);
    expect(Side::desktop, packet().ipv6("fd00:20::5", kServer6).udp(1, 2), DropReason::unknown_desktop, __LINE__);
    expect(Side::desktop, packet().ipv4("203.0.113.5", kServer).icmp(8, 0, 1), DropReason::unknown_desktop, __LINE__);
    expect(Side::upstream, packet().ipv4(kTwinDesktop, kDesktop).udp(1, 2), DropReason::spoofed_source, __LINE__);
    expect(Side::upstream, packet().ipv4("10.10.1.99", kDesktop).udp(1, 2), DropReason::spoofed_source, __LINE__);
    expect(Side::upstream, packet().ipv6("fd00:10::9", kDesktop6).udp(1, 2), DropReason::spoofed_source, __LINE__);
    EXPECT_EQ(flows(), 0U);
}

// --- MSS ---

class ParseMss : public GatewayTest {
protected:
    ParseMss() {
        settings.ports[0].mtu = 9000;
        settings.ports[1].mtu = 1400;
    }
    unsigned offered_up(unsigned own, PacketBuilder p = packet().ipv4(kDesktop, kServer)) {
        send(Side::desktop, p.tcp(port_++, 443).syn().options(mss(own).sack().nop().ws(7)));
        return only(Side::upstream).options().mss;
    }
    unsigned port_ = 40000;
};

TEST_F(ParseMss, FitsTheSmallerPortBothWays) {
    EXPECT_EQ(offered_up(8960), 1360U);
    EXPECT_EQ(offered_up(1360), 1360U);
    EXPECT_EQ(offered_up(536), 536U);
    EXPECT_EQ(offered_up(8940, packet().ipv6(kDesktop6, kServer6)), 1340U);
    send(Side::upstream, packet().ipv4(kServer, kDesktop).tcp(443, 40000).syn().ack(1).options(mss(1460).ts(1, 2)));
    const Frame answer = only(Side::desktop);
    EXPECT_EQ(answer.options().mss, 1360);
    EXPECT_EQ(answer.options().ts_ecr, 2U);
}

TEST_F(ParseMss, OnlySynsAreTouched) {
    send(Side::desktop, packet().ipv4(kDesktop, kServer).tcp(40000, 443).ack(1).options(mss(8960)));
    EXPECT_EQ(only(Side::upstream).options().mss, 8960);
    send(Side::desktop, packet().ipv4(kDesktop, kServer).tcp(40001, 443).syn());
    EXPECT_EQ(only(Side::upstream).options().mss, 0);
}

class ParseMssOff : public ParseMss {
protected:
    ParseMssOff() { settings.ports[0].mss_clamp = settings.ports[1].mss_clamp = PortSettings::kMssAny; }
};

TEST_F(ParseMssOff, LeavesThem) { EXPECT_EQ(offered_up(8960), 8960U); }

class ParseMssNumber : public ParseMss {
protected:
    ParseMssNumber() { settings.ports[0].mss_clamp = 1200; }
};

TEST_F(ParseMssNumber, TheLeastOfBothPorts) {
    EXPECT_EQ(offered_up(8960), 1200U);
    EXPECT_EQ(offered_up(8960, packet().ipv6(kDesktop6, kServer6)), 1200U);
}

} // namespace
} // namespace foregate::packet_test
