// SPDX-License-Identifier: BSD-3-Clause
// A flow that ends undecided is what it seemed to be, and its service is remembered for it.
#include "packet/gateway_rig.h"

namespace foregate::packet_test {
namespace {

using namespace dataplane;

constexpr unsigned kPort = 4433; // says nothing by itself

/// A QUIC Initial packet by its header (RFC 9000 17.2.2), with nothing in it that could be opened.
Bytes sealed_initial() {
    Bytes out{0xc3, 0, 0, 0, 1, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0};
    constexpr unsigned kSize = 1200;
    put16(out, 0x4000 | (kSize - static_cast<unsigned>(out.size()) - 2));
    out.resize(kSize, 0x5a);
    return out;
}

class PacketConclude : public GatewayTest {
protected:
    FlowView flow_from(unsigned port) {
        for (const FlowView& view : view_flows()) {
            if (view.desktop_port == port) {
                return view;
            }
        }
        ADD_FAILURE() << "no flow from port " << port;
        return {};
    }
    void take_away() {
        (void)sent(Side::upstream);
        (void)sent(Side::desktop);
    }
};

TEST_F(PacketConclude, WhatItSeemedIsRememberedOfTheService) {
    send(Side::desktop, packet().ipv4(kDesktop, kServer).udp(40000, kPort).payload(sealed_initial()));
    take_away();
    EXPECT_EQ(flow_from(40000).verdict, FlowVerdict::undecided);
    EXPECT_EQ(flow_from(40000).app, AppType::other);
    now_ns += 200 * kSecond; // longer than a UDP flow may be idle
    sweep_flows();
    ASSERT_EQ(flows(), 0U);

    send(Side::desktop, packet().ipv4(kDesktop, kServer).udp(40001, kPort).payload("x"));
    take_away();
    EXPECT_EQ(flow_from(40001).app, AppType::web) << "as QUIC is";
}

} // namespace
} // namespace foregate::packet_test
