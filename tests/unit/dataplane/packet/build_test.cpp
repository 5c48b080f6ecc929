// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/packet/build.h"

#include "dataplane/packet/checksum.h"
#include "dataplane/packet/parse.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <vector>

namespace foregate::dataplane {
namespace {

std::vector<std::uint8_t> option_bytes(const SegmentSpec& spec) {
    std::vector<std::uint8_t> out(kMaxBuiltBytes);
    out.resize(build_tcp_frame(spec, out.data()));
    const unsigned ip = spec.src.is_v4() ? 20 : 40;
    return {out.begin() + ip + 20, out.end()};
}

SegmentSpec syn(OptionOrder order) {
    SegmentSpec s;
    s.src = *IpAddress::parse("10.0.0.1");
    s.dst = *IpAddress::parse("10.0.0.2");
    s.flags = tcp_syn;
    s.options.mss = 1460;
    s.options.window_scale = 8;
    s.options.sack_permitted = true;
    s.options.order = order;
    return s;
}

TEST(BuildTcp, OptionOrderIsThatOfTheOperatingSystem) {
    const std::vector<std::uint8_t> windows{2, 4, 5, 0xb4, 1, 3, 3, 8, 1, 1, 4, 2};
    EXPECT_EQ(option_bytes(syn(OptionOrder::windows_like)), windows);
    SegmentSpec linux_syn = syn(OptionOrder::linux_like);
    linux_syn.options.timestamps = true;
    linux_syn.options.ts_val = 0x01020304;
    const std::vector<std::uint8_t> expected{2, 4, 5, 0xb4, 4, 2, 8, 10, 1, 2,
                                             3, 4, 0, 0,    0, 0, 1, 3,  3, 8};
    EXPECT_EQ(option_bytes(linux_syn), expected);
    linux_syn.flags = tcp_ack;
    const std::vector<std::uint8_t> stamps{1, 1, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0};
    EXPECT_EQ(option_bytes(linux_syn), stamps);
}

TEST(BuildTcp, ParsesBackWithRightChecksums) {
    std::mt19937 random(5);
    for (int i = 0; i < 5000; ++i) {
        SegmentSpec s;
        const bool v6 = random() % 2 == 0;
        s.src = v6 ? *IpAddress::parse("fd00::1")
                   : IpAddress::from_v4(static_cast<std::uint32_t>(random()) | 1U);
        s.dst = v6 ? *IpAddress::parse("fd00::2")
                   : IpAddress::from_v4(static_cast<std::uint32_t>(random()) | 1U);
        s.src_port = static_cast<std::uint16_t>(random());
        s.dst_port = static_cast<std::uint16_t>(random());
        s.seq = static_cast<std::uint32_t>(random());
        s.ack = static_cast<std::uint32_t>(random());
        s.window = static_cast<std::uint16_t>(random());
        s.ttl = static_cast<std::uint8_t>(1 + random() % 255);
        s.flags = random() % 2 == 0 ? tcp_syn : tcp_ack | tcp_psh;
        s.options.mss = random() % 2 == 0 ? 0 : 1400;
        s.options.window_scale = random() % 2 == 0 ? kNoWindowScale : std::uint8_t{9};
        s.options.sack_permitted = random() % 2 == 0;
        s.options.timestamps = random() % 2 == 0;
        s.options.order = random() % 2 == 0 ? OptionOrder::linux_like : OptionOrder::windows_like;
        s.payload_length = static_cast<std::uint16_t>(random() % 1461);
        for (unsigned b = 0; b < s.payload_length; ++b) {
            s.payload[b] = static_cast<std::uint8_t>(random());
        }
        std::vector<std::uint8_t> frame(14 + kMaxBuiltBytes);
        store_be16(frame.data() + 12, v6 ? 0x86dd : 0x0800);
        const unsigned length = build_tcp_frame(s, frame.data() + 14);
        ParsedPacket p;
        ASSERT_EQ(parse(frame.data(), 14 + length, p), ParseResult::ip);
        ASSERT_EQ(p.ip_length, length);
        ASSERT_EQ(p.src, s.src);
        ASSERT_EQ(p.dst, s.dst);
        ASSERT_EQ(p.src_port, s.src_port);
        ASSERT_EQ(p.dst_port, s.dst_port);
        ASSERT_EQ(p.ttl, s.ttl);
        ASSERT_EQ(p.tcp_flags, s.flags);
        ASSERT_EQ(p.payload_length, s.payload_length);
        ASSERT_EQ(std::memcmp(frame.data() + p.payload_offset, s.payload.data(), s.payload_length),
                  0);
        const std::uint8_t* tcp = frame.data() + p.l4_offset;
        const unsigned header = (tcp[12] >> 4) * 4U;
        ASSERT_EQ(header, 20 + tcp_options_length(s.options, s.flags));
        const TcpOptions o = parse_tcp_options(tcp, header);
        ASSERT_FALSE(o.malformed);
        ASSERT_EQ(o.timestamps, s.options.timestamps);
        const bool is_syn = (s.flags & tcp_syn) != 0;
        ASSERT_EQ(o.mss, is_syn ? s.options.mss : 0);
        ASSERT_EQ(o.window_scale, is_syn ? s.options.window_scale : kNoWindowScale);
        // A sum over header and pseudo-header that includes the checksum itself folds to zero.
        ASSERT_EQ(transport_checksum(p.src, p.dst, kProtoTcp, tcp, length - (v6 ? 40U : 20U)), 0);
        if (!v6) {
            ASSERT_EQ(checksum_fold(checksum_add(frame.data() + 14, 20, 0)), 0);
        }
    }
}

} // namespace
} // namespace foregate::dataplane
