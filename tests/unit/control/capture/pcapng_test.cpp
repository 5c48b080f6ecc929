// SPDX-License-Identifier: BSD-3-Clause
#include "control/capture/pcapng.h"

#include "unit/control/capture/pcapng_reader.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace foregate::control {
namespace {

TEST(Pcapng, ASectionSaysWhoWroteIt) {
    PcapngBytes bytes;
    append_section(bytes, "foregate 1", "Linux", "why");
    const auto blocks = read_pcapng(bytes);
    ASSERT_EQ(blocks.size(), 1U);
    EXPECT_EQ(blocks[0].type, 0x0a0d0d0aU);
    EXPECT_EQ(blocks[0].word(0), 0x1a2b3c4dU);
    EXPECT_EQ(blocks[0].number<std::uint16_t>(4), 1); // version 1.0
    EXPECT_EQ(blocks[0].number<std::uint16_t>(6), 0);
    EXPECT_EQ(blocks[0].options.at(1), "why");
    EXPECT_EQ(blocks[0].options.at(4), "foregate 1");
}

TEST(Pcapng, AnInterfaceHasNanosecondsAndItsFilter) {
    PcapngBytes bytes;
    append_interface(bytes, "desktops", "net_af_xdp0,iface=eth1", "tcp port 443", 96);
    append_interface(bytes, "upstream", "", "", 0);
    const auto blocks = read_pcapng(bytes);
    ASSERT_EQ(blocks.size(), 2U);
    EXPECT_EQ(blocks[0].number<std::uint16_t>(0), 1); // Ethernet
    EXPECT_EQ(blocks[0].word(4), 96U);
    EXPECT_EQ(blocks[0].options.at(2), "desktops");
    EXPECT_EQ(blocks[0].options.at(3), "net_af_xdp0,iface=eth1");
    EXPECT_EQ(blocks[0].options.at(9), std::string(1, '\x09'));
    EXPECT_EQ(blocks[0].options.at(11), std::string(1, '\0') + "tcp port 443");
    EXPECT_EQ(blocks[1].options.count(11), 0U);
}

TEST(Pcapng, APacketOfAnyLengthIsPaddedAndToldApart) {
    constexpr std::uint64_t kTime = 1'780'000'000'123'456'789;
    for (std::size_t kept = 0; kept < 9; ++kept) {
        PcapngBytes bytes;
        const std::vector<std::uint8_t> frame(kept, 0xa5);
        append_packet(bytes, 2, kTime, PacketDirection::outbound, 1500, frame);
        EXPECT_EQ(bytes.size(), packet_block_bytes(kept));
        const auto blocks = read_pcapng(bytes);
        ASSERT_EQ(blocks.size(), 1U);
        EXPECT_EQ(blocks[0].type, 6U);
        EXPECT_EQ(blocks[0].word(0), 2U);
        EXPECT_EQ(blocks[0].time_ns(), kTime);
        EXPECT_EQ(blocks[0].word(12), kept);
        EXPECT_EQ(blocks[0].word(16), 1500U);
        EXPECT_TRUE(std::equal(frame.begin(), frame.end(), blocks[0].body.begin() + 20));
        EXPECT_EQ(blocks[0].options.at(2)[0] & 3, 2); // outbound
    }
}

TEST(Pcapng, StatisticsTellWhatWasLost) {
    PcapngBytes bytes;
    append_statistics(bytes, 1, 5, 1000, 3);
    const auto blocks = read_pcapng(bytes);
    ASSERT_EQ(blocks.size(), 1U);
    EXPECT_EQ(blocks[0].type, 5U);
    std::uint64_t dropped = 0;
    std::memcpy(&dropped, blocks[0].options.at(5).data(), 8);
    EXPECT_EQ(dropped, 3U);
}

} // namespace
} // namespace foregate::control
