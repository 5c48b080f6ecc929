// SPDX-License-Identifier: BSD-3-Clause
#include "control/classify/capture_file.h"

#include <gtest/gtest.h>

#include <stdexcept>

namespace foregate::control {
namespace {

using Bytes = std::vector<std::uint8_t>;

void put32(Bytes& to, std::uint32_t value, bool big = false) {
    for (int i = 0; i < 4; ++i) {
        to.push_back(static_cast<std::uint8_t>(value >> (big ? 24 - 8 * i : 8 * i)));
    }
}

Bytes pcap(std::uint32_t magic, bool big, std::uint32_t kept, std::uint32_t length) {
    Bytes out;
    for (const std::uint32_t word : {magic, big ? 0x00020004U : 0x00040002U, 0U, 0U, 65535U, 113U}) {
        put32(out, word, big);
    }
    for (const std::uint32_t word : {7U, 5U, kept, length}) {
        put32(out, word, big);
    }
    out.insert(out.end(), kept, 0xab);
    return out;
}

TEST(CaptureFile, ReadsBothByteOrdersAndResolutions) {
    for (const bool big : {false, true}) {
        CaptureFile micro(pcap(0xa1b2c3d4, big, 4, 60), "x");
        CapturedPacket packet;
        ASSERT_TRUE(micro.next(packet));
        EXPECT_EQ(packet.time_ns, 7'000'005'000ULL);
        EXPECT_EQ(packet.link_type, 113U);
        EXPECT_EQ(packet.original_length, 60U);
        EXPECT_EQ(packet.bytes.size(), 4U);
        EXPECT_FALSE(micro.next(packet));
        EXPECT_FALSE(micro.cut_off());
        CaptureFile nano(pcap(0xa1b23c4d, big, 4, 60), "x");
        ASSERT_TRUE(nano.next(packet));
        EXPECT_EQ(packet.time_ns, 7'000'000'005ULL);
    }
}

TEST(CaptureFile, AFileThatEndsWithinAPacketSaysSo) {
    Bytes bytes = pcap(0xa1b2c3d4, false, 4, 60); // one packet of four bytes
    bytes.pop_back();
    CaptureFile capture(bytes, "x");
    CapturedPacket packet;
    EXPECT_TRUE(capture.next(packet));
    EXPECT_EQ(packet.bytes.size(), 3U);
    EXPECT_TRUE(capture.cut_off());
    EXPECT_FALSE(capture.next(packet));
    EXPECT_TRUE(capture.cut_off());
}

TEST(CaptureFile, ReadsPcapngWithItsInterfaces) {
    Bytes bytes;
    const auto block = [&](std::uint32_t type, const Bytes& body) {
        put32(bytes, type);
        put32(bytes, static_cast<std::uint32_t>(12 + body.size()));
        bytes.insert(bytes.end(), body.begin(), body.end());
        put32(bytes, static_cast<std::uint32_t>(12 + body.size()));
    };
    Bytes section;
    for (const std::uint32_t word : {0x1a2b3c4dU, 1U, 0xffffffffU, 0xffffffffU}) {
        put32(section, word);
    }
    block(0x0a0d0d0a, section);
    Bytes interface;
    put32(interface, 101);
    put32(interface, 0);
    const Bytes nanoseconds{9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0};
    interface.insert(interface.end(), nanoseconds.begin(), nanoseconds.end());
    block(1, interface);
    block(5, Bytes(8)); // statistics: passed over
    Bytes packet_block;
    for (const std::uint32_t word : {0U, 0U, 17U, 3U, 90U, 0x00434241U}) {
        put32(packet_block, word);
    }
    block(6, packet_block);
    CaptureFile capture(bytes, "x");
    CapturedPacket packet;
    ASSERT_TRUE(capture.next(packet));
    EXPECT_EQ(packet.link_type, 101U);
    EXPECT_EQ(packet.time_ns, 17U);
    EXPECT_EQ(packet.original_length, 90U);
    ASSERT_EQ(packet.bytes.size(), 3U);
    EXPECT_EQ(packet.bytes[2], 'C');
    EXPECT_FALSE(capture.next(packet));
}

TEST(CaptureFile, WhatIsNoCaptureIsRefused) {
    EXPECT_THROW(CaptureFile(Bytes(10), "x"), std::runtime_error);
    EXPECT_THROW(CaptureFile(Bytes(100, 'z'), "x"), std::runtime_error);
    EXPECT_THROW(CaptureFile("/does/not/exist.pcap"), std::runtime_error);
}

} // namespace
} // namespace foregate::control
