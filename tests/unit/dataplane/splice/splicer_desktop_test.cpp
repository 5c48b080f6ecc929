// SPDX-License-Identifier: BSD-3-Clause
// The desktop's SYN: what fits, what falls back, and the handshake's losses.
#include "dataplane/packet/checksum.h"
#include "splice_rig.h"

#include <gtest/gtest.h>

#include <functional>

namespace foregate::dataplane {
namespace {

using namespace splice_test;

TEST(SplicerDesktop, NothingHeldIsNone) {
    Rig rig;
    EXPECT_EQ(rig.desktop_connects(rig.desktop_syn_segment()).verdict, SynVerdict::none);
    ASSERT_TRUE(rig.dial()); // dialing is not held
    EXPECT_EQ(rig.desktop_connects(rig.desktop_syn_segment()).verdict, SynVerdict::none);
}

TEST(SplicerDesktop, SynAckSpeaksForTheServer) {
    for (const bool v6 : {false, true}) {
        Rig rig({.v6 = v6, .timestamps = true});
        ASSERT_TRUE(rig.hold());
        ASSERT_TRUE(rig.connect());
        const SegmentSpec& a = rig.synack;
        EXPECT_TRUE(a.to_desktop);
        EXPECT_EQ(a.flags, tcp_syn | tcp_ack);
        EXPECT_EQ(a.src, rig.order.server);
        EXPECT_EQ(a.dst_port, kDesktopPort);
        EXPECT_EQ(a.seq, rig.options.server_isn);
        EXPECT_EQ(a.ack, rig.options.desktop_isn + 1);
        EXPECT_EQ(a.window, 64000);
        EXPECT_EQ(a.options.mss, 1400);
        EXPECT_EQ(a.options.window_scale, 7);
        EXPECT_TRUE(a.options.sack_permitted);
        EXPECT_TRUE(a.options.timestamps);
        EXPECT_EQ(a.options.ts_val, rig.server_ts);
        EXPECT_EQ(a.options.ts_ecr, rig.desktop_ts);
        EXPECT_EQ(a.ttl, 59); // as if the server's own, one hop further
        EXPECT_TRUE(rig.all_checksums_right);
    }
}

TEST(SplicerDesktop, MssIsLoweredToTheInnerMtu) {
    RigOptions o;
    o.settings.inner_mtu = 1300;
    Rig rig(o);
    ASSERT_TRUE(rig.hold());
    ASSERT_TRUE(rig.connect());
    EXPECT_EQ(rig.synack.options.mss, 1260);
}

struct Mismatch {
    const char* name;
    SpliceFallback reason;
    std::function<void(SegmentSpec&)> change;
};

TEST(SplicerDesktop, EveryMismatchFallsBackAndKeepsTheHeldOne) {
    const std::vector<Mismatch> cases{
        {"mss", SpliceFallback::mss_small, [](SegmentSpec& s) { s.options.mss = 1459; }},
        {"no mss", SpliceFallback::mss_small, [](SegmentSpec& s) { s.options.mss = 0; }},
        {"scale", SpliceFallback::window_scale, [](SegmentSpec& s) { s.options.window_scale = 7; }},
        {"no scale", SpliceFallback::window_scale,
         [](SegmentSpec& s) { s.options.window_scale = kNoWindowScale; }},
        {"no ts", SpliceFallback::no_timestamps,
         [](SegmentSpec& s) { s.options.timestamps = false; }},
        {"no sack", SpliceFallback::no_sack,
         [](SegmentSpec& s) { s.options.sack_permitted = false; }},
        {"window", SpliceFallback::window_small, [](SegmentSpec& s) { s.window = 2815; }},
        {"fin", SpliceFallback::bad_flags, [](SegmentSpec& s) { s.flags = tcp_syn | tcp_fin; }},
        {"rst", SpliceFallback::bad_flags, [](SegmentSpec& s) { s.flags = tcp_syn | tcp_rst; }},
    };
    for (const auto& c : cases) {
        Rig rig({.timestamps = true});
        ASSERT_TRUE(rig.hold());
        SegmentSpec syn = rig.desktop_syn_segment();
        c.change(syn);
        const auto outcome = rig.desktop_connects(syn);
        EXPECT_EQ(outcome.verdict, SynVerdict::fallback) << c.name;
        EXPECT_EQ(outcome.reason, c.reason) << c.name << " " << to_string(outcome.reason);
        EXPECT_TRUE(rig.sent().empty()) << c.name;
        EXPECT_EQ(rig.splicer.state(rig.ref), HeldState::held) << c.name;
        EXPECT_EQ(rig.last_report().fallback, c.reason) << c.name;
        EXPECT_EQ(rig.splicer.counters().fallbacks[static_cast<std::size_t>(c.reason)], 1U);
        EXPECT_TRUE(rig.connect()) << c.name; // a fitting one still finds it
    }
}

/// A SYN whose option bytes are replaced as a whole (same length), with a right checksum.
SynOutcome connect_with_options(Rig& rig, std::vector<std::uint8_t> bytes) {
    Packet p = to_packet(rig.desktop_syn_segment());
    const unsigned header = 20 + static_cast<unsigned>(bytes.size());
    std::memcpy(p.tcp() + 20, bytes.data(), bytes.size());
    p.tcp()[12] = static_cast<std::uint8_t>(header / 4 << 4);
    store_be16(p.frame.data() + 16, static_cast<std::uint16_t>(20 + header));
    store_be16(p.frame.data() + 24, 0);
    store_be16(p.frame.data() + 24, checksum_fold(checksum_add(p.frame.data() + 14, 20, 0)));
    p.length = 34 + header;
    EXPECT_TRUE(p.reparse());
    return rig.splicer.desktop_syn(7, p.frame.data(), p.parsed, rig.now);
}

TEST(SplicerDesktop, AuthenticationAndDamageFallBackOthersAreIgnored) {
    const std::vector<std::uint8_t> fitting{2, 4, 5, 0xb4, 1, 3, 3, 8, 1, 1, 4, 2};
    const auto with = [&](std::vector<std::uint8_t> more) {
        more.insert(more.begin(), fitting.begin(), fitting.end());
        while (more.size() % 4 != 0) {
            more.push_back(0);
        }
        return more;
    };
    std::vector<std::uint8_t> md5(18, 7);
    md5[0] = 19;
    md5[1] = 18;
    struct Case {
        std::vector<std::uint8_t> options;
        SynVerdict verdict;
        SpliceFallback reason;
    };
    const std::vector<Case> cases{
        {with(md5), SynVerdict::fallback, SpliceFallback::authentication},
        {with({29, 4, 1, 1}), SynVerdict::fallback, SpliceFallback::authentication},
        {with({8, 9, 0, 0}), SynVerdict::fallback, SpliceFallback::malformed_options},
        {with({77, 1, 0, 0}), SynVerdict::fallback, SpliceFallback::malformed_options},
        {with({30, 4, 0, 1}), SynVerdict::spliced, SpliceFallback::none}, // MPTCP: plain answer
        {with({34, 2, 0, 0}), SynVerdict::spliced, SpliceFallback::none}, // TFO cookie request
    };
    for (std::size_t i = 0; i < cases.size(); ++i) {
        Rig rig;
        ASSERT_TRUE(rig.hold());
        const auto outcome = connect_with_options(rig, cases[i].options);
        EXPECT_EQ(outcome.verdict, cases[i].verdict) << i;
        EXPECT_EQ(outcome.reason, cases[i].reason) << i;
    }
}

TEST(SplicerDesktop, WhatWasNotAgreedUpstreamIsNotGivenToTheDesktop) {
    Rig rig; // no timestamps upstream
    ASSERT_TRUE(rig.dial());
    SegmentSpec plain = rig.server_synack();
    plain.options.sack_permitted = false;
    plain.options.window_scale = kNoWindowScale;
    plain.options.mss = 0;
    rig.from_server(plain);
    rig.sent();
    SegmentSpec syn = rig.desktop_syn_segment();
    syn.options.timestamps = true;
    syn.options.window_scale = 3; // scaling is off: any offer fits
    syn.flags = tcp_syn | tcp_ece | tcp_cwr;
    EXPECT_EQ(rig.desktop_connects(syn).verdict, SynVerdict::spliced);
    const auto a = rig.only();
    ASSERT_TRUE(a);
    EXPECT_EQ(a->flags, tcp_syn | tcp_ack); // no ECE
    EXPECT_EQ(a->options.mss, 536);
    EXPECT_EQ(a->options.window_scale, kNoWindowScale);
    EXPECT_FALSE(a->options.sack_permitted);
    EXPECT_FALSE(a->options.timestamps);
}

TEST(SplicerDesktop, OnlyItsOwnDesktopServerAndPort) {
    Rig rig;
    ASSERT_TRUE(rig.hold());
    SegmentSpec other = rig.desktop_syn_segment();
    other.src = *IpAddress::parse("10.1.0.11");
    EXPECT_EQ(rig.desktop_connects(other).verdict, SynVerdict::none);
    other = rig.desktop_syn_segment();
    other.dst_port = 5433;
    EXPECT_EQ(rig.desktop_connects(other).verdict, SynVerdict::none);
    rig.packet = to_packet(rig.desktop_syn_segment());
    EXPECT_EQ(
        rig.splicer.desktop_syn(8, rig.packet.frame.data(), rig.packet.parsed, rig.now).verdict,
        SynVerdict::none);
}

TEST(SplicerDesktop, OldestSafeOneIsTakenMonitorsNever) {
    Rig rig;
    rig.order.purpose = HeldPurpose::monitor;
    ASSERT_TRUE(rig.hold());
    EXPECT_EQ(rig.desktop_connects(rig.desktop_syn_segment()).verdict, SynVerdict::none);
    rig.order.purpose = HeldPurpose::predicted;
    std::array<SpliceRef, 3> refs;
    for (auto& ref : refs) {
        rig.now += 10 * kSecond;
        ASSERT_TRUE(rig.hold());
        ref = rig.ref;
    }
    rig.now += 29'700 * kMs; // the first is 49.8 s old, of 50
    const auto first = rig.desktop_connects(rig.desktop_syn_segment());
    EXPECT_EQ(first.ref, refs[1]);
    rig.desktop_port = 50124;
    EXPECT_EQ(rig.desktop_connects(rig.desktop_syn_segment()).ref, refs[2]);
    rig.desktop_port = 50125;
    const auto last = rig.desktop_connects(rig.desktop_syn_segment());
    EXPECT_EQ(last.verdict, SynVerdict::fallback);
    EXPECT_EQ(last.reason, SpliceFallback::too_old);
}

TEST(SplicerDesktop, LostSynAckIsRepeatedByTimerAndBySyn) {
    Rig rig({.timestamps = true});
    ASSERT_TRUE(rig.hold());
    ASSERT_TRUE(rig.connect());
    rig.pass(1100 * kMs);
    EXPECT_EQ(rig.only()->flags, tcp_syn | tcp_ack);
    rig.desktop_ts += 1000;
    EXPECT_EQ(rig.from_desktop(rig.desktop_syn_segment()).verdict, SpliceVerdict::consumed);
    const auto again = rig.only();
    ASSERT_TRUE(again);
    EXPECT_EQ(again->options.ts_ecr, rig.desktop_ts);                        // RFC 7323: the latest
    EXPECT_EQ(rig.desktop_connects(rig.desktop_syn_segment()).ref, rig.ref); // even as a new flow
    EXPECT_TRUE(rig.only().has_value());
    rig.pass(120 * kSecond);
    EXPECT_EQ(rig.splicer.in_use(), 0U);
    EXPECT_EQ(rig.last_report().close, HeldClose::desktop_silent);
    EXPECT_TRUE(rig.nothing_left());
}

TEST(SplicerDesktop, LostThirdAckAndReorderedFirstData) {
    Rig rig;
    ASSERT_TRUE(rig.hold());
    ASSERT_TRUE(rig.connect());
    // The second data segment comes first, then the first, then the bare ACK.
    EXPECT_EQ(rig.desktop_sends(tcp_ack | tcp_psh, rig.c() + 4, rig.s(), "more").verdict,
              SpliceVerdict::forward);
    EXPECT_EQ(rig.packet.seq(), rig.iss + 5);
    EXPECT_EQ(rig.splicer.state(rig.ref), HeldState::spliced);
    EXPECT_EQ(rig.desktop_sends(tcp_ack, rig.c(), rig.s(), "data").verdict, SpliceVerdict::forward);
    EXPECT_EQ(rig.packet.seq(), rig.iss + 1);
    EXPECT_TRUE(checksum_right(rig.packet));
}

TEST(SplicerDesktop, WrongAckIsResetRightOneStillWorks) {
    Rig rig;
    ASSERT_TRUE(rig.hold());
    ASSERT_TRUE(rig.connect());
    EXPECT_EQ(rig.desktop_sends(tcp_ack, rig.c(), rig.s() + 5).verdict, SpliceVerdict::consumed);
    const auto rst = rig.only();
    ASSERT_TRUE(rst);
    EXPECT_EQ(rst->flags, tcp_rst);
    EXPECT_TRUE(rst->to_desktop);
    EXPECT_EQ(rst->seq, rig.s() + 5);
    EXPECT_EQ(rig.desktop_sends(tcp_ack, rig.c(), rig.s()).verdict, SpliceVerdict::forward);
}

TEST(SplicerDesktop, DesktopTakesItsSynBack) {
    Rig rig;
    ASSERT_TRUE(rig.hold());
    ASSERT_TRUE(rig.connect());
    EXPECT_EQ(rig.desktop_sends(tcp_rst, rig.c() + 3, 0).verdict, SpliceVerdict::drop);
    EXPECT_EQ(rig.desktop_sends(tcp_rst, rig.c(), 0).verdict, SpliceVerdict::consumed);
    EXPECT_EQ(rig.splicer.state(rig.ref), HeldState::held);
    EXPECT_EQ(rig.last_report().event, HeldEvent::splice_undone);
    EXPECT_EQ(rig.desktop_sends(tcp_ack, rig.c(), rig.s()).verdict, SpliceVerdict::stale);
    EXPECT_TRUE(rig.connect()); // and it serves the next one
}

TEST(SplicerDesktop, NewIsnFromTheSamePortStartsOver) {
    Rig rig;
    ASSERT_TRUE(rig.hold());
    ASSERT_TRUE(rig.connect());
    rig.options.desktop_isn += 1000;
    EXPECT_EQ(rig.from_desktop(rig.desktop_syn_segment()).verdict, SpliceVerdict::stale);
    ASSERT_TRUE(rig.connect());
    EXPECT_EQ(rig.synack.ack, rig.c());
    rig.options.desktop_isn += 1000; // the same through desktop_syn alone
    ASSERT_TRUE(rig.connect());
    EXPECT_EQ(rig.synack.ack, rig.c());
}

/// A rig whose splices do not move: what a server does at the hand-over reaches the desktop.
RigOptions without_moves() {
    RigOptions o;
    o.settings.move_within_ns = 0;
    return o;
}

TEST(SplicerDesktop, ServerResetsAtHandOver) {
    Rig rig(without_moves());
    ASSERT_TRUE(rig.hold());
    ASSERT_TRUE(rig.connect());
    rig.server_sends(tcp_rst, rig.s(), 0);
    const auto rst = rig.only();
    ASSERT_TRUE(rst);
    EXPECT_TRUE(rst->to_desktop);
    EXPECT_EQ(rst->flags, tcp_rst | tcp_ack);
    EXPECT_EQ(rst->seq, rig.s());
    EXPECT_EQ(rst->ack, rig.c());
    EXPECT_EQ(rig.splicer.counters().closed_at_handover, 1U);
    EXPECT_EQ(rig.splicer.in_use(), 0U);
}

TEST(SplicerDesktop, ServerFinAtHandOverComesThroughLater) {
    Rig rig(without_moves());
    ASSERT_TRUE(rig.hold());
    ASSERT_TRUE(rig.connect());
    rig.server_sends(tcp_fin | tcp_ack, rig.s(), rig.iss + 1);
    EXPECT_TRUE(rig.sent().empty()); // not acknowledged: the server repeats it
    EXPECT_EQ(rig.desktop_sends(tcp_ack, rig.c(), rig.s()).verdict, SpliceVerdict::forward);
    EXPECT_EQ(rig.server_sends(tcp_fin | tcp_ack, rig.s(), rig.iss + 1).verdict,
              SpliceVerdict::forward);
}

TEST(SplicerDesktop, DesktopDrawsTheHeldPort) {
    for (const bool fits : {true, false}) {
        Rig rig;
        ASSERT_TRUE(rig.hold());
        rig.desktop_port = rig.held_port;
        SegmentSpec syn = rig.desktop_syn_segment();
        EXPECT_EQ(rig.from_desktop(syn).verdict, SpliceVerdict::stale);
        syn.options.window_scale = fits ? 8 : 2;
        const auto outcome = rig.desktop_connects(syn);
        EXPECT_EQ(outcome.verdict, fits ? SynVerdict::spliced : SynVerdict::fallback);
        const auto answer = rig.only();
        ASSERT_TRUE(answer);
        EXPECT_EQ(answer->flags, fits ? tcp_syn | tcp_ack : tcp_rst);
        EXPECT_EQ(answer->to_desktop, fits);
    }
}

TEST(SplicerDesktop, PortOfAnotherSpliceIsNotSentUpstreamTwice) {
    Rig rig;
    ASSERT_TRUE(rig.splice());
    rig.desktop_port = rig.held_port;
    EXPECT_EQ(rig.desktop_connects(rig.desktop_syn_segment()).verdict, SynVerdict::drop);
}

TEST(SplicerDesktop, FullQueueFallsBack) {
    RigOptions o;
    o.settings.segment_queue = 1;
    Rig rig(o);
    ASSERT_TRUE(rig.hold());
    rig.order.id = 2;
    ASSERT_TRUE(rig.splicer.open(rig.order, rig.now)); // its SYN fills the queue
    const auto outcome = rig.desktop_connects(rig.desktop_syn_segment());
    EXPECT_EQ(outcome.verdict, SynVerdict::fallback);
    EXPECT_EQ(outcome.reason, SpliceFallback::queue_full);
    EXPECT_EQ(rig.splicer.state(rig.ref), HeldState::held);
}

} // namespace
} // namespace foregate::dataplane
