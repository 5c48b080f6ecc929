// SPDX-License-Identifier: BSD-3-Clause
// Translation as a property: over random packets, there and back is the identity, and checksums,
// recomputed as a whole, stay right.
#include "dataplane/splice/translate.h"

#include "splice_rig.h"

#include <gtest/gtest.h>

#include <random>

namespace foregate::dataplane {
namespace {

using namespace splice_test;

/// A TCP packet with random addresses, numbers near 2^32, payload, and options at any alignment.
Packet random_packet(std::mt19937& random, bool sack, bool stamps) {
    SegmentSpec s;
    const bool v6 = random() % 2 == 0;
    s.src = v6 ? *IpAddress::parse("2001:db8::1")
               : IpAddress::from_v4(static_cast<std::uint32_t>(random()) | 0x01000000U);
    s.dst = v6 ? *IpAddress::parse("2001:db8:1::2")
               : IpAddress::from_v4(static_cast<std::uint32_t>(random()) | 0x01000000U);
    s.src_port = static_cast<std::uint16_t>(random());
    s.dst_port = static_cast<std::uint16_t>(random());
    s.seq = random() % 3 == 0 ? 0xffffffffU - random() % 8 : static_cast<std::uint32_t>(random());
    s.ack = static_cast<std::uint32_t>(random());
    s.flags = tcp_ack;
    s.window = static_cast<std::uint16_t>(random());
    std::vector<std::uint8_t> options;
    const auto put32 = [&] {
        for (int i = 0; i < 4; ++i) {
            options.push_back(static_cast<std::uint8_t>(random()));
        }
    };
    for (auto n = random() % 3; n > 0; --n) {
        options.push_back(1); // shifts what follows to any alignment
    }
    if (stamps) {
        options.insert(options.end(), {8, 10});
        put32();
        put32();
    }
    if (sack) {
        const unsigned blocks = 1 + random() % 2;
        options.insert(options.end(), {5, static_cast<std::uint8_t>(2 + 8 * blocks)});
        for (unsigned i = 0; i < 2 * blocks; ++i) {
            put32();
        }
    }
    while (options.size() % 4 != 0) {
        options.push_back(0);
    }
    // Options travel as the first bytes of the payload, then become header by the data offset.
    std::string payload(options.begin(), options.end());
    for (auto n = random() % 50; n > 0; --n) {
        payload.push_back(static_cast<char>(random()));
    }
    Rig::set_payload(s, payload);
    Packet p = to_packet(s);
    std::uint8_t* tcp = p.frame.data() + p.parsed.l4_offset;
    replace_tcp16(tcp, 12, static_cast<std::uint16_t>(((20 + options.size()) / 4) << 12 | tcp_ack));
    p.reparse();
    return p;
}

TEST(SpliceTranslate, RoundTripAndChecksums) {
    std::mt19937 random(20261122);
    for (int i = 0; i < 20000; ++i) {
        const bool sack = random() % 2 == 0;
        const bool stamps = random() % 2 == 0;
        Packet p = random_packet(random, sack, stamps);
        ASSERT_TRUE(checksum_right(p));
        const auto original = p.frame;
        SpliceTerms terms;
        terms.seq_delta = static_cast<std::uint32_t>(random());
        terms.ts_delta = static_cast<std::uint32_t>(random());
        terms.timestamps = true;
        terms.sack = true;
        terms.held_port = static_cast<std::uint16_t>(random());
        terms.desktop_port = p.parsed.src_port;
        std::uint32_t ts = 0;
        const unsigned header = (p.tcp()[12] >> 4) * 4U;
        const std::uint32_t seq = p.seq();
        const auto before = p.options();
        ASSERT_FALSE(before.malformed);
        ASSERT_EQ(before.sack_blocks != 0, sack);

        ASSERT_TRUE(translate_to_server(p.tcp(), header, terms, ts));
        p.reparse();
        ASSERT_TRUE(checksum_right(p));
        ASSERT_EQ(p.seq(), seq + terms.seq_delta);
        ASSERT_EQ(p.parsed.src_port, terms.held_port);
        ASSERT_EQ(p.options().ts_val, stamps ? before.ts_val + terms.ts_delta : 0);
        ASSERT_EQ(p.options().ts_ecr, before.ts_ecr);

        SpliceTerms inverse = terms;
        inverse.seq_delta = 0U - terms.seq_delta;
        inverse.ts_delta = 0U - terms.ts_delta;
        inverse.held_port = terms.desktop_port;
        ASSERT_TRUE(translate_to_server(p.tcp(), header, inverse, ts));
        ASSERT_EQ(p.frame, original);
    }
}

TEST(SpliceTranslate, SackEdgesFollowTheAck) {
    std::mt19937 random(7);
    for (int i = 0; i < 20000; ++i) {
        Packet p = random_packet(random, true, random() % 2 == 0);
        SpliceTerms terms;
        terms.seq_delta = static_cast<std::uint32_t>(random());
        terms.sack = true;
        terms.desktop_port = static_cast<std::uint16_t>(random());
        const auto before = p.options();
        std::vector<std::uint32_t> edges;
        for (unsigned e = 0; e < before.sack_blocks * 2U; ++e) {
            edges.push_back(load_be32(p.tcp() + before.sack_offset + e * 4));
        }
        const std::uint32_t ack = p.ack();
        const std::uint32_t seq = p.seq();
        std::uint32_t ts = 0;
        ASSERT_TRUE(translate_to_desktop(p.tcp(), (p.tcp()[12] >> 4) * 4U, terms, ts));
        p.reparse();
        ASSERT_TRUE(checksum_right(p));
        ASSERT_EQ(p.ack(), ack - terms.seq_delta);
        ASSERT_EQ(p.seq(), seq);
        ASSERT_EQ(p.parsed.dst_port, terms.desktop_port);
        for (unsigned e = 0; e < edges.size(); ++e) {
            ASSERT_EQ(load_be32(p.tcp() + before.sack_offset + e * 4), edges[e] - terms.seq_delta);
        }
    }
}

TEST(SpliceTranslate, EchoFloorMovesAlongOverALongLife) {
    SegmentSpec s;
    s.src = *IpAddress::parse("10.0.0.1");
    s.dst = *IpAddress::parse("10.0.0.2");
    s.flags = tcp_ack;
    s.options.timestamps = true;
    SpliceTerms terms;
    terms.timestamps = true;
    terms.ts_delta = 1000;
    terms.ts_floor = 5;
    std::uint32_t ts = 0;
    // An echo a little before the floor is lifted; 40 days of milliseconds never are.
    for (std::uint64_t t = 0; t < 0x180000000ULL; t += 0x10000000ULL) {
        s.options.ts_ecr = static_cast<std::uint32_t>(t + 1005);
        Packet p = to_packet(s);
        ASSERT_TRUE(translate_to_desktop(p.tcp(), 32, terms, ts));
        ASSERT_EQ(p.options().ts_ecr, static_cast<std::uint32_t>(t + 5));
    }
}

} // namespace
} // namespace foregate::dataplane
