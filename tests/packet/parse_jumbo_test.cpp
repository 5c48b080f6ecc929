// SPDX-License-Identifier: BSD-3-Clause
// Long frames, frames in several buffers, and packets too long for the next link.
#include "packet/gateway_rig.h"

namespace foregate::packet_test {
namespace {

using namespace dataplane;

class ParseJumbo : public GatewayTest {
protected:
    ParseJumbo() { settings.ports[0].mtu = settings.ports[1].mtu = 9000; }
    PacketBuilder up(std::size_t ip_length) {
        return packet().ipv4(kDesktop, kServer).tcp(40000, 443).ack(1).payload(numbered(ip_length - 40));
    }
    static Bytes numbered(std::size_t size) {
        Bytes out(size);
        for (std::size_t i = 0; i < size; ++i) {
            out[i] = static_cast<std::uint8_t>(i * 5 + i / 256);
        }
        return out;
    }
};

TEST_F(ParseJumbo, WholeFramesUpAndDown) {
    send(Side::desktop, up(9000));
    const Frame out = only(Side::upstream);
    EXPECT_EQ(out.parsed.ip_length, 9000);
    EXPECT_EQ(out.payload(), numbered(8960));
    send(Side::upstream, packet().ipv6(kServer6, kDesktop6).udp(1, 2).payload(numbered(8952)));
    EXPECT_EQ(only(Side::desktop).parsed.ip_length, 9000);
    EXPECT_EQ(drops(), 0U);
}

TEST_F(ParseJumbo, InSeveralBuffers) {
    const Bytes frame = up(9000).eth(port_mac(Side::desktop), mac_of(kDesktop)).build();
    for (const std::size_t first : {std::size_t{10}, std::size_t{14}, std::size_t{33}, std::size_t{54}, std::size_t{2048},
                                    frame.size() - 1}) {
        arrive_in_parts(Side::desktop, frame, first);
        run();
        EXPECT_EQ(only(Side::upstream).payload(), numbered(8960)) << first;
    }
    EXPECT_EQ(flows(), 1U);
    EXPECT_EQ(drops(), 0U);
}

TEST_F(ParseJumbo, ANameBehindTheFirstBuffer) {
    tables.threats = {listed_name("bad.example")};
    publish();
    const Bytes request = bytes_of("GET / HTTP/1.1\r\nCookie: " + std::string(4000, 'c') + "\r\nHost: bad.example\r\n\r\n");
    send(Side::desktop, packet().ipv4(kDesktop, kServer).tcp(40000, 80).syn());
    only(Side::upstream);
    const Bytes frame = packet().ipv4(kDesktop, kServer).tcp(40000, 80).seq(1).ack(1).payload(request)
                            .eth(port_mac(Side::desktop), mac_of(kDesktop)).build();
    arrive_in_parts(Side::desktop, frame, 100);
    run();
    EXPECT_EQ(count(DropReason::threat_http_host), 1U);
    const Frame reset = only(Side::upstream);
    EXPECT_NE(reset.flags() & tcp_rst, 0U);
    EXPECT_EQ(reset.bytes.size(), 54U) << "cut short, with nothing left of the payload";
}

TEST_F(ParseJumbo, MoreThanABufferTakes) {
    const Bytes frame = up(12'000).eth(port_mac(Side::desktop), mac_of(kDesktop)).build();
    arrive_in_parts(Side::desktop, frame, 6000);
    run();
    EXPECT_EQ(count(DropReason::multi_segment), 1U);
    EXPECT_TRUE(nothing_left());
}

class ParseJumboTagged : public ParseJumbo {
protected:
    ParseJumboTagged() { settings.ports[1].vlan = {100, 10}; }
};

TEST_F(ParseJumboTagged, RoomForTheTags) {
    send(Side::desktop, up(9000));
    const Frame out = only(Side::upstream);
    EXPECT_EQ(out.parsed.vlan_count, 2);
    EXPECT_EQ(out.bytes.size(), 9000U + 14 + 8);
    EXPECT_EQ(out.payload(), numbered(8960));
}

// --- a smaller link behind a larger one ---

class ParsePathMtu : public ParseJumbo {
protected:
    ParsePathMtu() { settings.ports[1].mtu = 1500; }
    /// Goes up the twin of the port it came in by, as it came; the kernel answers or cuts it.
    void expect_kernel(PacketBuilder p) {
        const Bytes before = p.eth(port_mac(Side::desktop), mac_of(p.source())).build();
        send(Side::desktop, before);
        const auto went = to_kernel(Side::desktop);
        ASSERT_EQ(went.size(), 1U);
        EXPECT_EQ(went[0].bytes, before);
        EXPECT_TRUE(nothing_left());
    }
};

TEST_F(ParsePathMtu, TooLongIsTheKernels) {
    send(Side::desktop, up(1500));
    EXPECT_EQ(only(Side::upstream).parsed.ip_length, 1500);
    expect_kernel(up(1501));                    // don't fragment: ICMP with the MTU
    expect_kernel(up(9000).fragment_field(0));  // to be fragmented
    expect_kernel(packet().ipv6(kDesktop6, kServer6).udp(1, 2).payload_of_size(1453)); // Packet Too Big
    EXPECT_EQ(drops(), 0U);
}

TEST_F(ParsePathMtu, WithinWhatASourceMaySendThere) {
    for (int i = 0; i < 300; ++i) {
        send(Side::desktop, up(1501));
    }
    EXPECT_EQ(to_kernel(Side::desktop).size(), 257U);
    EXPECT_EQ(count(DropReason::kernel_rate), 43U);
}

TEST_F(ParsePathMtu, WhatComesBackIsNotTooLong) {
    send(Side::desktop, up(100));
    only(Side::upstream);
    send(Side::upstream, packet().ipv4(kServer, kDesktop).tcp(443, 40000).ack(1).payload_of_size(1460));
    EXPECT_EQ(only(Side::desktop).parsed.ip_length, 1500);
}

} // namespace
} // namespace foregate::packet_test
