// SPDX-License-Identifier: BSD-3-Clause
#include "control/classify/unwrap.h"

#include "dataplane/packet/parse.h"

#include <gtest/gtest.h>

namespace foregate::control {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes join(std::initializer_list<Bytes> parts) {
    Bytes out;
    for (const Bytes& part : parts) {
        out.insert(out.end(), part.begin(), part.end());
    }
    return out;
}

Bytes ipv4(std::uint8_t protocol, const Bytes& payload, std::uint8_t last = 1) {
    const auto length = static_cast<std::uint16_t>(20 + payload.size());
    return join({{0x45, 0, static_cast<std::uint8_t>(length >> 8), static_cast<std::uint8_t>(length), 0, 0, 0, 0, 64, protocol,
                  0, 0, 10, 0, 0, last, 10, 0, 0, 200},
                 payload});
}

Bytes udp(std::uint16_t port, const Bytes& payload) {
    const auto length = static_cast<std::uint16_t>(8 + payload.size());
    return join({{0x10, 0, static_cast<std::uint8_t>(port >> 8), static_cast<std::uint8_t>(port),
                  static_cast<std::uint8_t>(length >> 8), static_cast<std::uint8_t>(length), 0, 0},
                 payload});
}

const Bytes kMacs{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
const Bytes kInner = ipv4(17, udp(53, {1, 2, 3}), 77);

/// The source address's last byte of what was unwrapped; -1 when it is no IP.
int source_of(const Bytes& packet, std::uint32_t link_type = 1, bool descend = true) {
    CapturedPacket captured;
    captured.link_type = link_type;
    captured.bytes = packet;
    Unwrapped out;
    if (unwrap(captured, descend, out) != UnwrapResult::ip) {
        return -1;
    }
    dataplane::ParsedPacket parsed;
    EXPECT_EQ(dataplane::parse(out.frame.data(), static_cast<std::uint32_t>(out.frame.size()), parsed,
                               dataplane::HeaderChecksum::known_good),
              dataplane::ParseResult::ip);
    return parsed.src.bytes[15];
}

TEST(Unwrap, LinkHeaders) {
    EXPECT_EQ(source_of(join({kMacs, {8, 0}, kInner})), 77);
    EXPECT_EQ(source_of(kInner, 101), 77);
    EXPECT_EQ(source_of(join({{2, 0, 0, 0}, kInner}), 0), 77);
    EXPECT_EQ(source_of(join({Bytes(14), {8, 0}, kInner}), 113), 77);
    EXPECT_EQ(source_of(join({{8, 0}, Bytes(18), kInner}), 276), 77);
    EXPECT_EQ(source_of(join({{0xff, 3, 0, 0x21}, kInner}), 9), 77);
    EXPECT_EQ(source_of(join({{0x0f, 0, 8, 0}, kInner}), 104), 77);
    EXPECT_EQ(source_of(kInner, 9999), -1);
}

TEST(Unwrap, Tags) {
    EXPECT_EQ(source_of(join({kMacs, {0x88, 0xa8, 0, 1, 0x81, 0, 0, 2, 8, 0}, kInner})), 77);
    EXPECT_EQ(source_of(join({kMacs, {0x88, 0x47, 0, 1, 0, 64, 0, 2, 1, 64}, kInner})), 77);
    EXPECT_EQ(source_of(join({kMacs, {0x88, 0x64, 0x11, 0, 0, 1, 0, 0, 0, 0x21}, kInner})), 77);
}

TEST(Unwrap, Tunnels) {
    const auto ethernet = [](const Bytes& packet) { return join({kMacs, {8, 0}, packet}); };
    EXPECT_EQ(source_of(ethernet(ipv4(4, kInner))), 77);
    EXPECT_EQ(source_of(ethernet(ipv4(47, join({{0, 0, 8, 0}, kInner})))), 77);
    EXPECT_EQ(source_of(ethernet(ipv4(47, join({{0x20, 0, 8, 0, 0, 0, 0, 9}, kInner})))), 77);
    EXPECT_EQ(source_of(ethernet(ipv4(17, udp(4789, join({{8, 0, 0, 0, 0, 0, 1, 0}, ethernet(kInner)}))))), 77);
    EXPECT_EQ(source_of(ethernet(ipv4(17, udp(6081, join({{0, 0, 8, 0, 0, 0, 1, 0}, kInner}))))), 77);
    EXPECT_EQ(source_of(ethernet(ipv4(4, ipv4(4, kInner)))), 77);
    EXPECT_EQ(source_of(ethernet(ipv4(4, kInner, 5)), 1, false), 5);
}

TEST(Unwrap, ATunnelWithoutIpInsideIsItself) {
    EXPECT_EQ(source_of(join({kMacs, {8, 0}, ipv4(47, {0, 0, 0x12, 0x34, 1, 2, 3}, 5)})), 5);
    EXPECT_EQ(source_of(join({kMacs, {8, 0}, ipv4(4, {0x99, 1, 2}, 5)})), 5);
}

TEST(Unwrap, NestingIsBounded) {
    Bytes packet = kInner;
    for (int i = 0; i < 40; ++i) {
        packet = ipv4(4, packet, 5);
    }
    EXPECT_EQ(source_of(join({kMacs, {8, 0}, packet})), 5);
}

TEST(Unwrap, WhatWasCutShortGetsTheLengthsOfWhatIsThere) {
    Bytes frame = join({kMacs, {8, 0}, ipv4(17, udp(53, Bytes(100, 'x')))});
    frame.resize(14 + 20 + 8 + 10);
    CapturedPacket captured;
    captured.link_type = 1;
    captured.bytes = frame;
    Unwrapped out;
    ASSERT_EQ(unwrap(captured, true, out), UnwrapResult::ip);
    dataplane::ParsedPacket parsed;
    ASSERT_EQ(dataplane::parse(out.frame.data(), static_cast<std::uint32_t>(out.frame.size()), parsed,
                               dataplane::HeaderChecksum::known_good),
              dataplane::ParseResult::ip);
    EXPECT_EQ(parsed.payload_length, 10);
}

TEST(Unwrap, OtherEtherTypesAreHandedOut) {
    const Bytes frame = join({kMacs, {8, 6}, Bytes(28)});
    CapturedPacket captured;
    captured.link_type = 1;
    captured.bytes = frame;
    Unwrapped out;
    EXPECT_EQ(unwrap(captured, true, out), UnwrapResult::not_ip);
    EXPECT_EQ(out.ether_type, 0x0806);
    EXPECT_EQ(out.rest.size(), 28U);
}

} // namespace
} // namespace foregate::control
