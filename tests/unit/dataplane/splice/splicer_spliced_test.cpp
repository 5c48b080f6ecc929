// SPDX-License-Identifier: BSD-3-Clause
// Established splices: translation, banner, ends.
#include "splice_rig.h"

#include <gtest/gtest.h>

namespace foregate::dataplane {
namespace {

using namespace splice_test;

TEST(SplicerSpliced, BothDirectionsAcrossTheWrap) {
    for (const bool v6 : {false, true}) {
        Rig rig({.v6 = v6, .timestamps = true});
        ASSERT_TRUE(rig.splice());
        rig.desktop_ts += 5;
        ASSERT_EQ(rig.desktop_sends(tcp_ack | tcp_psh, rig.c(), rig.s(), "question").verdict,
                  SpliceVerdict::forward);
        EXPECT_EQ(rig.packet.parsed.src_port, kDesktopPort); // the parse is from before
        ASSERT_TRUE(rig.packet.reparse());
        EXPECT_EQ(rig.packet.parsed.src_port, rig.held_port);
        EXPECT_EQ(rig.packet.seq(), rig.iss + 1);
        EXPECT_EQ(rig.packet.ack(), rig.s());
        EXPECT_EQ(rig.packet.payload(), "question");
        EXPECT_TRUE(checksum_right(rig.packet));
        const auto up = rig.packet.options();
        EXPECT_EQ(up.ts_ecr, rig.server_ts);
        EXPECT_FALSE(seq_before(up.ts_val, rig.upstream_ts + 50)); // 50 ms have passed
        rig.upstream_ts = up.ts_val;
        ++rig.server_ts;
        const std::string answer(40, 'a'); // crosses 2^32 in the server's numbers
        ASSERT_EQ(rig.server_sends(tcp_ack, rig.s(), rig.iss + 9, answer).verdict,
                  SpliceVerdict::forward);
        ASSERT_TRUE(rig.packet.reparse());
        EXPECT_EQ(rig.packet.parsed.dst_port, kDesktopPort);
        EXPECT_EQ(rig.packet.seq(), rig.s());
        EXPECT_EQ(rig.packet.ack(), rig.c() + 8);
        EXPECT_EQ(rig.packet.options().ts_val, rig.server_ts);
        EXPECT_EQ(rig.packet.options().ts_ecr, rig.desktop_ts);
        EXPECT_TRUE(checksum_right(rig.packet));
    }
}

TEST(SplicerSpliced, EchoesFromBeforeTheDesktopAreLifted) {
    Rig rig({.timestamps = true});
    ASSERT_TRUE(rig.splice());
    rig.server_sends(tcp_ack, rig.s(), rig.iss + 1, "x"); // echoes the gateway's own SYN
    EXPECT_EQ(rig.packet.options().ts_ecr, rig.desktop_ts);
}

TEST(SplicerSpliced, BannerIsReplayedInOrderAndRepeatedUntilAcknowledged) {
    for (const std::size_t size : {std::size_t{1}, std::size_t{1500}, std::size_t{2816}}) {
        Rig rig({.timestamps = true});
        ASSERT_TRUE(rig.hold());
        std::string banner(size, '?');
        for (std::size_t i = 0; i < size; ++i) {
            banner[i] = static_cast<char>('a' + i % 23);
        }
        for (std::size_t at = 0; at < size; at += 1000) {
            rig.server_sends(tcp_ack, rig.s() + static_cast<std::uint32_t>(at), rig.iss + 1,
                             banner.substr(at, 1000));
        }
        rig.sent();
        ASSERT_TRUE(rig.connect());
        rig.desktop_sends(tcp_ack, rig.c(), rig.s());
        for (int round = 0; round < 3; ++round) {
            std::string got;
            for (const auto& s : rig.sent()) {
                EXPECT_TRUE(s.to_desktop);
                EXPECT_EQ(s.seq, rig.s() + static_cast<std::uint32_t>(got.size()));
                EXPECT_EQ(s.ack, rig.c());
                EXPECT_LE(s.payload_length + 12U, 1460U);
                got.append(reinterpret_cast<const char*>(s.payload.data()), s.payload_length);
            }
            EXPECT_EQ(got, banner);
            rig.pass(std::uint64_t{210 * kMs} << round);
        }
        rig.sent();
        const auto end = rig.s() + static_cast<std::uint32_t>(size);
        rig.desktop_sends(tcp_ack, rig.c(), end);
        EXPECT_EQ(rig.splicer.free_banner_buffers(), rig.options.settings.banner_buffers);
        rig.pass(10 * kSecond);
        EXPECT_TRUE(rig.sent().empty());
        EXPECT_TRUE(rig.all_checksums_right);
    }
}

TEST(SplicerSpliced, PartlyAcknowledgedBannerIsRepeatedFromThere) {
    Rig rig;
    ASSERT_TRUE(rig.hold());
    rig.server_sends(tcp_ack, rig.s(), rig.iss + 1, "220 ready");
    ASSERT_TRUE(rig.only().has_value());
    ASSERT_TRUE(rig.connect());
    rig.desktop_sends(tcp_ack, rig.c(), rig.s());
    rig.sent();
    rig.desktop_sends(tcp_ack, rig.c(), rig.s() + 4);
    rig.pass(300 * kMs);
    const auto rest = rig.only();
    ASSERT_TRUE(rest);
    EXPECT_EQ(rest->seq, rig.s() + 4);
    EXPECT_EQ(rest->payload_length, 5);
    rig.pass(300 * kSecond); // never acknowledged
    EXPECT_EQ(rig.last_report().close, HeldClose::desktop_silent);
    EXPECT_TRUE(rig.nothing_left());
}

TEST(SplicerSpliced, HalfCloseBothWaysAndPortReuse) {
    for (const bool desktop_first : {true, false}) {
        Rig rig;
        ASSERT_TRUE(rig.splice());
        rig.pass(20 * kSecond); // long after the hand-over
        const std::uint32_t up = rig.iss + 1;
        if (desktop_first) {
            rig.desktop_sends(tcp_fin | tcp_ack, rig.c(), rig.s());
            EXPECT_EQ(rig.packet.seq(), up);
            rig.server_sends(tcp_ack, rig.s(), up + 1, "late"); // the other half is still open
            rig.server_sends(tcp_fin | tcp_ack, rig.s() + 4, up + 1);
            EXPECT_EQ(rig.splicer.state(rig.ref), HeldState::spliced);
            rig.desktop_sends(tcp_ack, rig.c() + 1, rig.s() + 5);
        } else {
            rig.server_sends(tcp_fin | tcp_ack, rig.s(), up);
            rig.desktop_sends(tcp_ack, rig.c(), rig.s() + 1, "last");
            rig.desktop_sends(tcp_fin | tcp_ack, rig.c() + 4, rig.s() + 1);
            EXPECT_EQ(rig.splicer.state(rig.ref), HeldState::spliced);
            rig.server_sends(tcp_ack, rig.s() + 1, up + 5);
        }
        EXPECT_EQ(rig.splicer.state(rig.ref), HeldState::closing);
        const auto r = rig.last_report();
        EXPECT_EQ(r.event, HeldEvent::splice_ended);
        EXPECT_EQ(r.close, HeldClose::finished);
        EXPECT_EQ(r.bytes_up + r.bytes_down, 4U);
        // A repeated FIN is still translated while it lingers.
        EXPECT_EQ(rig.server_sends(tcp_fin | tcp_ack, rig.s() + 4, up + 1).verdict,
                  SpliceVerdict::forward);
        if (desktop_first) {
            EXPECT_EQ(rig.from_desktop(rig.desktop_syn_segment()).verdict, SpliceVerdict::stale);
            EXPECT_EQ(rig.splicer.in_use(), 0U);
        }
        EXPECT_TRUE(rig.nothing_left());
    }
}

TEST(SplicerSpliced, SimultaneousClose) {
    Rig rig;
    ASSERT_TRUE(rig.splice());
    rig.desktop_sends(tcp_fin | tcp_ack, rig.c(), rig.s());
    rig.server_sends(tcp_fin | tcp_ack, rig.s(), rig.iss + 1);
    rig.desktop_sends(tcp_ack, rig.c() + 1, rig.s() + 1);
    EXPECT_EQ(rig.splicer.state(rig.ref), HeldState::spliced);
    rig.server_sends(tcp_ack, rig.s() + 1, rig.iss + 2);
    EXPECT_EQ(rig.splicer.state(rig.ref), HeldState::closing);
    EXPECT_TRUE(rig.nothing_left());
}

TEST(SplicerSpliced, ResetsPassAndOnlyExactOnesEnd) {
    for (const bool from_server : {true, false}) {
        Rig rig;
        ASSERT_TRUE(rig.splice());
        rig.pass(20 * kSecond); // long after the hand-over
        const auto reset = [&](std::uint32_t off) {
            return from_server ? rig.server_sends(tcp_rst, rig.s() + off, 0)
                               : rig.desktop_sends(tcp_rst, rig.c() + off, 0);
        };
        EXPECT_EQ(reset(50).verdict, SpliceVerdict::forward); // the receiver challenges it
        EXPECT_EQ(rig.splicer.state(rig.ref), HeldState::spliced);
        EXPECT_EQ(reset(0).verdict, SpliceVerdict::forward);
        EXPECT_EQ(rig.packet.seq(), from_server ? rig.s() : rig.iss + 1);
        EXPECT_EQ(rig.packet.ack(), 0U); // no ACK flag: not touched
        EXPECT_TRUE(checksum_right(rig.packet));
        EXPECT_EQ(rig.last_report().close,
                  from_server ? HeldClose::server_rst : HeldClose::desktop_rst);
        EXPECT_TRUE(rig.nothing_left());
    }
}

TEST(SplicerSpliced, OrderResetsBothSidesExactly) {
    Rig rig;
    ASSERT_TRUE(rig.splice());
    rig.desktop_sends(tcp_ack, rig.c(), rig.s(), "in flight");
    EXPECT_EQ(rig.splicer.close_desktop(7, CloseScope::held_only, rig.now), 0U);
    EXPECT_EQ(rig.splicer.close_desktop(7, CloseScope::all, rig.now), 1U);
    const auto all = rig.sent();
    ASSERT_EQ(all.size(), 3U);
    EXPECT_EQ(all[0].seq, rig.iss + 1);
    EXPECT_EQ(all[1].seq, rig.iss + 10);
    EXPECT_TRUE(all[2].to_desktop);
    EXPECT_EQ(all[2].seq, rig.s());
    EXPECT_EQ(rig.splicer.in_use(), 0U);
}

TEST(SplicerSpliced, IdleEndsAndActivityKeepsAlive) {
    RigOptions o;
    o.settings.idle_ns = 100 * kSecond;
    Rig rig(o);
    ASSERT_TRUE(rig.splice());
    for (int i = 0; i < 4; ++i) {
        rig.pass(90 * kSecond, kSecond);
        // The desktop's keepalive probe: one before, no data.
        EXPECT_EQ(rig.desktop_sends(tcp_ack, rig.c() - 1, rig.s()).verdict, SpliceVerdict::forward);
        EXPECT_EQ(rig.packet.seq(), rig.iss);
    }
    EXPECT_EQ(rig.splicer.state(rig.ref), HeldState::spliced);
    rig.pass(101 * kSecond, kSecond);
    EXPECT_EQ(rig.last_report().close, HeldClose::idle);
    EXPECT_EQ(rig.sent().size(), 2U);
}

TEST(SplicerSpliced, DamagedOptionsAreDropped) {
    Rig rig({.timestamps = true});
    ASSERT_TRUE(rig.splice());
    rig.packet = to_packet(rig.desktop_segment(tcp_ack, rig.c(), rig.s(), "x"));
    rig.packet.tcp()[23] = 40; // the timestamps' length
    const auto before = rig.packet.frame;
    const auto a =
        rig.splicer.from_desktop(rig.ref, rig.packet.frame.data(), rig.packet.parsed, rig.now);
    EXPECT_EQ(a.verdict, SpliceVerdict::drop);
    EXPECT_EQ(a.reason, SpliceDrop::bad_options);
    EXPECT_EQ(rig.packet.frame, before);
}

TEST(SplicerSpliced, DamagedPayloadStaysVisible) {
    Rig rig;
    ASSERT_TRUE(rig.splice());
    rig.packet = to_packet(rig.desktop_segment(tcp_ack, rig.c(), rig.s(), "payload"));
    rig.packet.frame[rig.packet.parsed.payload_offset] ^= 4;
    rig.splicer.from_desktop(rig.ref, rig.packet.frame.data(), rig.packet.parsed, rig.now);
    EXPECT_FALSE(checksum_right(rig.packet));
}

TEST(SplicerSpliced, WindowsAndZeroWindowProbesPassUnchanged) {
    Rig rig;
    ASSERT_TRUE(rig.splice());
    SegmentSpec closed = rig.desktop_segment(tcp_ack, rig.c(), rig.s());
    closed.window = 0;
    rig.from_desktop(closed);
    EXPECT_EQ(load_be16(rig.packet.tcp() + 14), 0);
    EXPECT_EQ(rig.server_sends(tcp_ack, rig.s() - 1, rig.iss + 1).verdict, SpliceVerdict::forward);
    EXPECT_EQ(rig.packet.seq(), rig.s() - 1);
}

TEST(SplicerSpliced, OldReferencesAreStale) {
    Rig rig;
    ASSERT_TRUE(rig.splice());
    const SpliceRef old = rig.ref;
    rig.splicer.close(1, rig.now);
    rig.sent();
    ASSERT_TRUE(rig.hold()); // takes the same slot
    EXPECT_EQ(rig.ref.index, old.index);
    EXPECT_NE(rig.ref.epoch, old.epoch);
    rig.ref = old;
    EXPECT_EQ(rig.desktop_sends(tcp_ack, rig.c(), rig.s()).verdict, SpliceVerdict::stale);
    EXPECT_EQ(rig.server_sends(tcp_ack, rig.s(), rig.iss).verdict, SpliceVerdict::stale);
}

} // namespace
} // namespace foregate::dataplane
