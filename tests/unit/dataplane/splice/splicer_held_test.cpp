// SPDX-License-Identifier: BSD-3-Clause
// Dialing and holding: everything before the desktop asks.
#include "splice_rig.h"

#include <gtest/gtest.h>

namespace foregate::dataplane {
namespace {

using namespace splice_test;

TEST(SplicerHeld, SynLooksLikeTheTemplateWithASmallWindow) {
    Rig rig;
    ASSERT_TRUE(rig.dial());
    EXPECT_EQ(rig.syn.flags, tcp_syn);
    EXPECT_EQ(rig.syn.src, rig.order.source);
    EXPECT_EQ(rig.syn.dst, rig.order.server);
    EXPECT_EQ(rig.syn.options.mss, 1460);
    EXPECT_EQ(rig.syn.options.window_scale, 8);
    EXPECT_FALSE(rig.syn.options.timestamps);
    EXPECT_EQ(rig.syn.window, 2816); // two segments, down to a multiple of 256
    EXPECT_GE(rig.held_port, 16384);
    EXPECT_LE(rig.held_port, 32767);
}

TEST(SplicerHeld, EstablishesAndMeasures) {
    for (const bool v6 : {false, true}) {
        Rig rig({.v6 = v6, .timestamps = true});
        ASSERT_TRUE(rig.hold());
        const auto r = rig.last_report();
        EXPECT_EQ(r.event, HeldEvent::established);
        EXPECT_EQ(r.rtt_us, 40000U);
        EXPECT_EQ(rig.splicer.state(rig.ref), HeldState::held);
        EXPECT_TRUE(rig.all_checksums_right);
    }
}

TEST(SplicerHeld, SynIsRepeatedAndThenFails) {
    Rig rig;
    ASSERT_TRUE(rig.dial());
    unsigned syns = 0;
    for (int i = 0; i < 40 && rig.splicer.in_use() != 0; ++i) {
        rig.pass(500 * kMs);
        for (const auto& s : rig.sent()) {
            if (s.flags == tcp_syn) {
                ++syns;
                EXPECT_EQ(s.seq, rig.iss);
            } else {
                EXPECT_EQ(s.flags, tcp_rst);
            }
        }
    }
    EXPECT_EQ(syns, 3U); // after 1, 3 and 7 s
    EXPECT_EQ(rig.last_report().fail, HeldFailure::timeout);
    EXPECT_TRUE(rig.nothing_left());
}

TEST(SplicerHeld, NoRoundTripIsClaimedAfterARepeatedSyn) {
    Rig rig;
    ASSERT_TRUE(rig.dial());
    rig.pass(1100 * kMs);
    ASSERT_TRUE(rig.only().has_value());
    rig.from_server(rig.server_synack());
    EXPECT_EQ(rig.last_report().rtt_us, 0U);
}

TEST(SplicerHeld, RefusalAndForgedAnswers) {
    Rig rig;
    ASSERT_TRUE(rig.dial());
    rig.server_sends(tcp_rst | tcp_ack, 0, rig.iss + 5); // not about our SYN
    EXPECT_EQ(rig.splicer.state(rig.ref), HeldState::dialing);
    SegmentSpec forged = rig.server_synack();
    forged.ack = rig.iss + 77;
    rig.from_server(forged);
    const auto answer = rig.only();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->flags, tcp_rst);
    EXPECT_EQ(answer->seq, rig.iss + 77);
    rig.server_sends(tcp_rst, rig.iss, 0); // no ACK: not acceptable in SYN-SENT
    EXPECT_EQ(rig.splicer.state(rig.ref), HeldState::dialing);
    rig.server_sends(tcp_rst | tcp_ack, 0, rig.iss + 1);
    EXPECT_EQ(rig.last_report().fail, HeldFailure::refused);
    EXPECT_EQ(rig.splicer.in_use(), 0U);
    EXPECT_EQ(rig.server_sends(tcp_ack, 0, 0).verdict, SpliceVerdict::stale);
}

TEST(SplicerHeld, KeepaliveProbesMeasureAndDetectLoss) {
    Rig rig({.timestamps = true});
    rig.order.keepalive_ns = 5 * kSecond;
    ASSERT_TRUE(rig.hold());
    rig.reports();
    rig.pass(5100 * kMs, 10 * kMs);
    auto probe = rig.only();
    ASSERT_TRUE(probe);
    EXPECT_EQ(probe->seq, rig.iss); // one before what the server expects
    EXPECT_EQ(probe->payload_length, 0);
    ++rig.server_ts;
    rig.server_sends(tcp_ack, rig.s(), rig.iss + 1);
    const auto answered = rig.last_report();
    EXPECT_EQ(answered.event, HeldEvent::probe);
    EXPECT_GT(answered.rtt_us, 0U);
    rig.sent();
    unsigned probes = 0;
    for (int i = 0; i < 30 && rig.splicer.in_use() != 0; ++i) {
        rig.pass(kSecond);
        for (const auto& s : rig.sent()) {
            probes += s.flags == tcp_ack ? 1 : 0;
        }
    }
    EXPECT_EQ(probes, 3U);
    EXPECT_EQ(rig.last_report().close, HeldClose::keepalive_lost);
}

TEST(SplicerHeld, ExpiresWithAnOrderlyFin) {
    Rig rig;
    rig.order.max_age_ns = 3 * kSecond;
    ASSERT_TRUE(rig.hold());
    rig.pass(3100 * kMs);
    const auto fin = rig.only();
    ASSERT_TRUE(fin);
    EXPECT_EQ(fin->flags, tcp_fin | tcp_ack);
    EXPECT_EQ(fin->seq, rig.iss + 1);
    EXPECT_EQ(rig.last_report().close, HeldClose::expired);
    rig.server_sends(tcp_ack, rig.s(), rig.iss + 2);
    EXPECT_EQ(rig.splicer.state(rig.ref), HeldState::closing);
    rig.server_sends(tcp_fin | tcp_ack, rig.s(), rig.iss + 2);
    const auto last = rig.only();
    ASSERT_TRUE(last);
    EXPECT_EQ(last->ack, rig.s() + 1);
    EXPECT_EQ(last->seq, rig.iss + 2);
    EXPECT_EQ(rig.splicer.in_use(), 0U);
}

TEST(SplicerHeld, LostFinIsRepeatedAndThenReset) {
    Rig rig;
    ASSERT_TRUE(rig.hold());
    EXPECT_TRUE(rig.splicer.close(1, rig.now));
    EXPECT_FALSE(rig.splicer.close(99, rig.now));
    rig.pass(60 * kSecond);
    const auto all = rig.sent();
    ASSERT_GE(all.size(), 3U);
    EXPECT_EQ(all.front().flags, tcp_fin | tcp_ack);
    EXPECT_EQ(all.back().flags, tcp_rst);
    EXPECT_EQ(all.back().seq, rig.iss + 2);
    EXPECT_TRUE(rig.nothing_left());
}

TEST(SplicerHeld, ServerFinIsAnswered) {
    Rig rig;
    ASSERT_TRUE(rig.hold());
    rig.server_sends(tcp_fin | tcp_ack, rig.s(), rig.iss + 1);
    const auto fin = rig.only();
    ASSERT_TRUE(fin);
    EXPECT_EQ(fin->flags, tcp_fin | tcp_ack);
    EXPECT_EQ(fin->ack, rig.s() + 1);
    EXPECT_EQ(rig.last_report().close, HeldClose::server_fin);
    rig.server_sends(tcp_ack, rig.s() + 1, rig.iss + 2);
    EXPECT_EQ(rig.splicer.in_use(), 0U);
    EXPECT_EQ(rig.desktop_connects(rig.desktop_syn_segment()).verdict, SynVerdict::none);
}

TEST(SplicerHeld, OnlyAnExactResetCloses) {
    Rig rig;
    ASSERT_TRUE(rig.hold());
    rig.server_sends(tcp_rst, rig.s() + 100, 0);
    const auto challenge = rig.only();
    ASSERT_TRUE(challenge);
    EXPECT_EQ(challenge->flags, tcp_ack);
    rig.server_sends(tcp_rst, rig.s() + 100, 0); // throttled
    rig.server_sends(tcp_rst, rig.s() + 100000, 0);
    rig.server_sends(tcp_rst, rig.s() - 1, 0);
    EXPECT_TRUE(rig.sent().empty());
    EXPECT_EQ(rig.splicer.state(rig.ref), HeldState::held);
    rig.server_sends(tcp_rst, rig.s(), 0);
    EXPECT_TRUE(rig.sent().empty());
    EXPECT_EQ(rig.last_report().close, HeldClose::server_rst);
    EXPECT_EQ(rig.splicer.in_use(), 0U);
}

TEST(SplicerHeld, StraySynAndAckAreChallenged) {
    Rig rig;
    ASSERT_TRUE(rig.hold());
    rig.server_sends(tcp_syn, rig.s() + 9, 0);
    EXPECT_TRUE(rig.only().has_value());
    rig.now += kSecond;
    rig.server_sends(tcp_ack, rig.s(), rig.iss + 500); // acknowledges what was never sent
    EXPECT_TRUE(rig.only().has_value());
    EXPECT_EQ(rig.splicer.counters().challenge_acks, 2U);
    EXPECT_EQ(rig.splicer.state(rig.ref), HeldState::held);
}

TEST(SplicerHeld, RepeatedSynAckMeansDeferredAccept) {
    Rig rig;
    ASSERT_TRUE(rig.hold());
    rig.now += 5 * kMs;
    rig.from_server(rig.server_synack()); // a duplicate of the network's
    ASSERT_TRUE(rig.only().has_value());
    EXPECT_EQ(rig.splicer.state(rig.ref), HeldState::held);
    rig.now += kSecond;
    rig.from_server(rig.server_synack());
    const auto all = rig.sent();
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].flags, tcp_ack);
    EXPECT_EQ(all[1].flags, tcp_rst);
    EXPECT_EQ(rig.last_report().close, HeldClose::deferred_accept);
    EXPECT_TRUE(rig.nothing_left());
}

TEST(SplicerHeld, BannerIsKeptUpToTheWindowAndNoFurther) {
    Rig rig;
    ASSERT_TRUE(rig.hold());
    const std::string data(1400, 'x');
    rig.server_sends(tcp_ack, rig.s() + 1400, rig.iss + 1, data); // out of order: not kept
    EXPECT_EQ(rig.only()->ack, rig.s());
    std::uint32_t edge = rig.s() + rig.syn.window;
    for (std::uint32_t at = 0; at < 2800; at += 1400) {
        rig.server_sends(tcp_ack, rig.s() + at, rig.iss + 1, data);
        const auto ack = rig.only();
        ASSERT_TRUE(ack);
        EXPECT_EQ(ack->ack, rig.s() + at + 1400);
        const std::uint32_t now_edge = ack->ack + (std::uint32_t{ack->window} << 8);
        EXPECT_TRUE(seq_at_or_before(edge, now_edge));
        EXPECT_LT(now_edge - edge, 256U);
        edge = now_edge;
    }
    rig.server_sends(tcp_ack, rig.s() + 2800, rig.iss + 1, std::string(16, 'y'));
    EXPECT_EQ(rig.only()->ack, rig.s() + 2816);
    EXPECT_EQ(rig.splicer.state(rig.ref), HeldState::held); // the whole window is still a greeting
    rig.server_sends(tcp_ack, rig.s() + 2816, rig.iss + 1, "z");
    EXPECT_EQ(rig.only()->flags, tcp_rst);
    EXPECT_EQ(rig.last_report().close, HeldClose::banner_too_long);
    EXPECT_TRUE(rig.nothing_left());
}

TEST(SplicerHeld, WithoutABannerBufferDataWaitsAtTheServer) {
    RigOptions o;
    o.settings.banner_buffers = 0;
    Rig rig(o);
    ASSERT_TRUE(rig.hold());
    rig.server_sends(tcp_ack, rig.s(), rig.iss + 1, "hello");
    EXPECT_TRUE(rig.sent().empty());
    EXPECT_EQ(rig.splicer.counters().banner_pool_empty, 1U);
    ASSERT_TRUE(rig.connect());
    rig.desktop_sends(tcp_ack, rig.c(), rig.s());
    EXPECT_EQ(rig.server_sends(tcp_ack | tcp_psh, rig.s(), rig.iss + 1, "hello").verdict,
              SpliceVerdict::forward); // the server's own repetition
}

TEST(SplicerHeld, PortsAreNotReusedWhileTakenOrQuarantined) {
    RigOptions o;
    o.settings.port_low = 20000;
    o.settings.port_high = 20002;
    Rig rig(o);
    const auto taken = [](void*, const HeldTuple& t) noexcept { return t.source_port == 20001; };
    std::vector<std::uint16_t> got;
    for (std::uint64_t id = 1; id <= 3; ++id) {
        rig.order.id = id;
        if (const auto h = rig.splicer.open(rig.order, rig.now, {taken, nullptr})) {
            got.push_back(h->tuple.source_port);
        }
    }
    ASSERT_EQ(got.size(), 2U);
    EXPECT_NE(got[0], got[1]);
    EXPECT_EQ(rig.last_report().fail, HeldFailure::no_port);
    EXPECT_EQ(rig.splicer.close_desktop(7, CloseScope::held_only, rig.now), 2U);
    EXPECT_EQ(rig.splicer.in_use(), 0U);
    EXPECT_FALSE(rig.splicer.open(rig.order, rig.now, {taken, nullptr})); // quarantined
    rig.now += 61 * kSecond;
    EXPECT_TRUE(rig.splicer.open(rig.order, rig.now, {taken, nullptr}));
}

TEST(SplicerHeld, FullPoolRefusesAndRecovers) {
    Rig rig;
    for (std::uint64_t id = 1; id <= 64; ++id) {
        rig.order.id = id;
        ASSERT_TRUE(rig.splicer.open(rig.order, rig.now));
    }
    rig.order.id = 65;
    EXPECT_FALSE(rig.splicer.open(rig.order, rig.now));
    EXPECT_EQ(rig.last_report().fail, HeldFailure::pool_full);
    EXPECT_EQ(rig.splicer.close_server(rig.order.server, 5432, CloseScope::all, rig.now), 64U);
    EXPECT_EQ(rig.splicer.in_use(), 0U);
    EXPECT_TRUE(rig.splicer.open(rig.order, rig.now));
}

TEST(SplicerHeld, FullQueuesAreSafe) {
    RigOptions o;
    o.settings.segment_queue = 1;
    o.settings.report_queue = 1;
    Rig rig(o);
    for (std::uint64_t id = 1; id <= 3; ++id) {
        rig.order.id = id;
        ASSERT_TRUE(rig.splicer.open(rig.order, rig.now));
    }
    EXPECT_EQ(rig.splicer.out().size(), 1U);
    EXPECT_EQ(rig.splicer.out().refused(), 2U);
    rig.pass(30 * kSecond);
    EXPECT_EQ(rig.splicer.in_use(), 0U);
    EXPECT_EQ(rig.splicer.reports().size(), 1U);
    EXPECT_EQ(rig.splicer.reports().refused(), 2U);
}

TEST(SplicerHeld, ImpossibleOrdersAreRefused) {
    Rig rig;
    rig.order.server = *IpAddress::parse("2001:db8::1");
    EXPECT_FALSE(rig.splicer.open(rig.order, rig.now));
    EXPECT_EQ(rig.last_report().fail, HeldFailure::impossible);
    SplicerSettings bad;
    bad.port_low = 9;
    bad.port_high = 8;
    EXPECT_THROW(Splicer{bad}, std::invalid_argument);
}

TEST(SplicerHeld, ViewShowsEachConnectionOnce) {
    Rig rig;
    for (std::uint64_t id = 1; id <= 5; ++id) {
        rig.order.id = id;
        ASSERT_TRUE(rig.splicer.open(rig.order, rig.now));
    }
    std::array<HeldView, 2> views;
    std::uint32_t at = 0;
    std::uint64_t ids = 0;
    while (at < rig.splicer.capacity()) {
        const std::size_t n = rig.splicer.view(at, views, rig.now);
        for (std::size_t i = 0; i < n; ++i) {
            ids += views[i].id;
            EXPECT_EQ(views[i].state, HeldState::dialing);
        }
    }
    EXPECT_EQ(ids, 15U);
}

} // namespace
} // namespace foregate::dataplane
