// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/classify/flow_beginning.h"

#include <gtest/gtest.h>

namespace foregate::dataplane {
namespace {

class FlowBeginningOf : public ::testing::Test {
protected:
    FlowBeginning of(std::uint8_t protocol, std::uint16_t from, std::uint16_t to, std::uint8_t flags = 0) const {
        ParsedPacket packet;
        packet.protocol = protocol;
        packet.src_port = from;
        packet.dst_port = to;
        packet.tcp_flags = flags;
        return flow_beginning(packet, catalogue_);
    }
    const Catalogue catalogue_ = Catalogue::build(plain_catalogue_spec());
};

TEST_F(FlowBeginningOf, ASynSaysItWhateverThePorts) {
    EXPECT_TRUE(of(kProtoTcp, 443, 40000, tcp_syn).from_client);
    EXPECT_TRUE(of(kProtoTcp, 443, 40000, tcp_syn).seen);
    EXPECT_FALSE(of(kProtoTcp, 40000, 443, tcp_syn | tcp_ack).from_client);
    EXPECT_TRUE(of(kProtoTcp, 40000, 443, tcp_syn | tcp_ack).seen);
}

TEST_F(FlowBeginningOf, InTheMiddleTheKnownPortIsTheServers) {
    EXPECT_FALSE(of(kProtoTcp, 443, 40000, tcp_ack).from_client);
    EXPECT_TRUE(of(kProtoTcp, 40000, 443, tcp_ack).from_client);
    EXPECT_TRUE(of(kProtoTcp, 443, 80, tcp_ack).from_client) << "both are known: who speaks first asks";
    EXPECT_TRUE(of(kProtoTcp, 40000, 40001, tcp_ack).from_client);
    EXPECT_FALSE(of(kProtoTcp, 40000, 443, tcp_ack).seen);
}

TEST_F(FlowBeginningOf, ADatagramBeginsUnlessItsPortAnswers) {
    EXPECT_TRUE(of(kProtoUdp, 40000, 53).from_client);
    EXPECT_TRUE(of(kProtoUdp, 40000, 53).seen);
    EXPECT_FALSE(of(kProtoUdp, 53, 40000).from_client);
    EXPECT_FALSE(of(kProtoUdp, 53, 40000).seen);
}

TEST_F(FlowBeginningOf, WithoutPortsWhoSpeaksFirstAsks) {
    EXPECT_TRUE(of(47, 0, 0).from_client);
    EXPECT_TRUE(of(kProtoIcmp, 53, 53).seen);
}

} // namespace
} // namespace foregate::dataplane
