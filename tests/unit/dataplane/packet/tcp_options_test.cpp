// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/packet/tcp_options.h"

#include "dataplane/packet/checksum.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace foregate::dataplane {
namespace {

TcpOptions parse_bytes(std::vector<std::uint8_t> options) {
    std::vector<std::uint8_t> tcp(20);
    tcp.insert(tcp.end(), options.begin(), options.end());
    return parse_tcp_options(tcp.data(), static_cast<unsigned>(tcp.size()));
}

TEST(TcpOptions, ReadsALinuxSyn) {
    const auto o = parse_bytes({2, 4, 5, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 9, 1, 3, 3, 7});
    EXPECT_FALSE(o.malformed);
    EXPECT_EQ(o.mss, 1460);
    EXPECT_TRUE(o.sack_permitted);
    EXPECT_EQ(o.ts_val, 0x01020304U);
    EXPECT_EQ(o.ts_ecr, 9U);
    EXPECT_EQ(o.ts_offset, 28);
    EXPECT_EQ(o.window_scale, 7);
}

TEST(TcpOptions, ReadsSackAndTheRest) {
    const auto o =
        parse_bytes({1, 5, 18, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 99, 99});
    EXPECT_FALSE(o.malformed); // nothing counts after the end of options
    EXPECT_EQ(o.sack_blocks, 2);
    EXPECT_EQ(o.sack_offset, 23);
    EXPECT_TRUE(parse_bytes({29, 4, 0, 0}).authentication);
    EXPECT_TRUE(parse_bytes({30, 4, 0, 0}).mptcp);
    EXPECT_TRUE(parse_bytes({34, 2, 0, 0}).fast_open);
    EXPECT_TRUE(parse_bytes({254, 4, 0xf9, 0x89}).fast_open);
    EXPECT_FALSE(parse_bytes({254, 4, 0xf9, 0x88}).fast_open);
    std::vector<std::uint8_t> md5(18);
    md5[0] = 19;
    md5[1] = 18;
    EXPECT_TRUE(parse_bytes(md5).md5);
    EXPECT_EQ(parse_bytes({}).window_scale, kNoWindowScale);
}

TEST(TcpOptions, ImpossibleLengthsAreMalformed) {
    const std::vector<std::vector<std::uint8_t>> bad{
        {2},
        {2, 3, 5, 5},
        {2, 5, 5, 5, 5},
        {3, 4, 1, 1},
        {4, 3, 1, 1},
        {8, 8, 0, 0, 0, 0, 0, 0},
        {5, 2, 0, 0},
        {5, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
        {99, 0, 0, 0},
        {99, 1, 0, 0},
        {99, 5, 0, 0},
        {8, 10, 0, 0, 0, 0, 0, 0, 0, 0, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0},
        {19, 4, 0, 0}};
    for (std::size_t i = 0; i < bad.size(); ++i) {
        EXPECT_TRUE(parse_bytes(bad[i]).malformed) << i;
    }
}

TEST(TcpOptions, ReplacingKeepsTheChecksumAtAnyAlignment) {
    std::mt19937 random(3);
    const IpAddress a = *IpAddress::parse("10.0.0.1");
    const IpAddress b = *IpAddress::parse("10.0.0.2");
    for (int i = 0; i < 20000; ++i) {
        std::vector<std::uint8_t> tcp(60 + random() % 9);
        for (auto& byte : tcp) {
            byte = static_cast<std::uint8_t>(random());
        }
        store_be16(tcp.data() + 16, 0);
        const auto length = static_cast<std::uint32_t>(tcp.size());
        store_be16(tcp.data() + 16, transport_checksum(a, b, kProtoTcp, tcp.data(), length));
        const auto at = static_cast<unsigned>(20 + random() % 37);
        const auto value = static_cast<std::uint32_t>(random());
        replace_tcp32(tcp.data(), at, value);
        ASSERT_EQ(load_be32(tcp.data() + at), value);
        const std::uint16_t got = load_be16(tcp.data() + 16);
        store_be16(tcp.data() + 16, 0);
        ASSERT_EQ(got, transport_checksum(a, b, kProtoTcp, tcp.data(), length));
    }
}

} // namespace
} // namespace foregate::dataplane
