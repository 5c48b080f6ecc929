// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/packet/mss_clamp.h"
#include "packet/frame.h"

#include <gtest/gtest.h>

namespace foregate::dataplane {
namespace {

using packet_test::Bytes;
using packet_test::Frame;
using packet_test::packet;
using packet_test::TcpOptionList;

Bytes syn(const TcpOptionList& options) {
    return packet().ipv4("10.0.0.1", "10.0.0.2").tcp(1, 2).syn().options(options).build();
}

bool clamp(Bytes& frame, unsigned most) {
    const Frame before(frame);
    return clamp_mss(frame.data() + before.parsed.l4_offset,
                     static_cast<unsigned>(before.parsed.payload_offset - before.parsed.l4_offset),
                     static_cast<std::uint16_t>(most));
}

TEST(MssClampTest, LoweredNeverRaised) {
    Bytes frame = syn(packet_test::mss(1460).sack().ts(1, 2).nop().ws(7));
    EXPECT_TRUE(clamp(frame, 1400));
    const Frame after(frame);
    EXPECT_EQ(after.options().mss, 1400);
    EXPECT_EQ(after.options().window_scale, 7);
    EXPECT_TRUE(after.checksums_right());
    EXPECT_FALSE(clamp(frame, 1400));
    EXPECT_FALSE(clamp(frame, 1460));
    EXPECT_EQ(Frame(frame).options().mss, 1400);
}

TEST(MssClampTest, AtAnOddOffset) {
    Bytes frame = syn(TcpOptionList().nop().mss(9000).nop());
    EXPECT_TRUE(clamp(frame, 1212));
    EXPECT_EQ(Frame(frame).options().mss, 1212);
    EXPECT_TRUE(Frame(frame).checksums_right());
}

TEST(MssClampTest, NothingToLower) {
    for (Bytes frame : {syn(TcpOptionList()), syn(TcpOptionList().sack().ws(3))}) {
        const Bytes before = frame;
        EXPECT_FALSE(clamp(frame, 500));
        EXPECT_EQ(frame, before);
    }
}

TEST(MssClampTest, BrokenOptionsAreLeftAlone) {
    const Bytes heads[]{{2, 4, 0x23}, {2, 0, 0x23, 0x28}, {2, 3, 0x23, 0x28}, {0, 2, 4, 0x23}, {5, 40, 2, 4}, {2}};
    for (const Bytes& options : heads) {
        Bytes tcp(20, 0);
        packet_test::put(tcp, options);
        const Bytes before = tcp;
        EXPECT_FALSE(clamp_mss(tcp.data(), static_cast<unsigned>(tcp.size()), 500));
        EXPECT_EQ(tcp, before);
    }
}

} // namespace
} // namespace foregate::dataplane
