// SPDX-License-Identifier: BSD-3-Clause
// The hand-over race: the server closes while the desktop's first flight is on its way.
#include "unit/dataplane/splice/splice_rig.h"

#include <gtest/gtest.h>

namespace foregate::dataplane::splice_test {
namespace {

constexpr std::uint32_t kFreshIsn = 0x1234;
constexpr std::uint32_t kFreshTs = 9'000;

class SplicerMove : public ::testing::TestWithParam<bool> {
protected:
    SplicerMove() : rig(with(GetParam())) {}
    static RigOptions with(bool timestamps) {
        RigOptions o;
        o.timestamps = timestamps;
        return o;
    }
    /// The desktop's first flight is out, 10 bytes.
    bool flight() {
        return rig.splice() &&
               rig.desktop_sends(tcp_ack | tcp_psh, rig.c(), rig.s(), "0123456789").verdict ==
                   SpliceVerdict::forward;
    }
    /// The SYN of the fresh connection, after `resets` others; takes over its number.
    bool redialed(std::size_t resets) {
        const auto all = rig.sent();
        if (all.size() != resets + 1 || all.back().flags != tcp_syn || all.back().to_desktop) {
            return false;
        }
        for (std::size_t i = 0; i < resets; ++i) {
            if (all[i].flags != tcp_rst || all[i].seq != rig.iss + 1) {
                return false;
            }
        }
        fresh_iss = all.back().seq;
        return all.back().src_port == rig.held_port &&
               all.back().options.mss == rig.syn.options.mss &&
               all.back().options.window_scale == rig.syn.options.window_scale &&
               seq_before(rig.iss + 10, fresh_iss);
    }
    SegmentSpec fresh_synack() {
        SegmentSpec s = rig.server_synack();
        s.seq = kFreshIsn;
        s.ack = fresh_iss + 1;
        s.options.ts_val = kFreshTs;
        return s;
    }
    bool answered() {
        rig.from_server(fresh_synack());
        const auto ack = rig.only();
        return ack && ack->flags == tcp_ack && ack->seq == fresh_iss + 1 &&
               ack->ack == kFreshIsn + 1 && !ack->to_desktop;
    }
    /// Both directions over the fresh connection, as the desktop knows nothing of it.
    void goes_on() {
        SegmentSpec again = rig.desktop_segment(tcp_ack | tcp_psh, rig.c(), rig.s(), "0123456789");
        ASSERT_EQ(rig.from_desktop(again).verdict, SpliceVerdict::forward);
        EXPECT_EQ(rig.packet.seq(), fresh_iss + 1);
        EXPECT_EQ(rig.packet.ack(), kFreshIsn + 1);
        EXPECT_TRUE(checksum_right(rig.packet));
        if (GetParam()) {
            EXPECT_EQ(rig.packet.options().ts_ecr, kFreshTs) << "the fresh connection's clock";
        }
        SegmentSpec reply =
            rig.server_segment(tcp_ack | tcp_psh, kFreshIsn + 1, fresh_iss + 11, "reply");
        reply.options.ts_val = kFreshTs + 5;
        ASSERT_EQ(rig.from_server(reply).verdict, SpliceVerdict::forward);
        EXPECT_EQ(rig.packet.seq(), rig.s());
        EXPECT_EQ(rig.packet.ack(), rig.c() + 10);
        EXPECT_TRUE(checksum_right(rig.packet));
        if (GetParam()) {
            EXPECT_EQ(rig.packet.options().ts_val, rig.server_ts + 5)
                << "the clock the desktop knows";
        }
        // To the end.
        ASSERT_EQ(rig.desktop_sends(tcp_ack | tcp_fin, rig.c() + 10, rig.s() + 5).verdict,
                  SpliceVerdict::forward);
        EXPECT_EQ(rig.packet.ack(), kFreshIsn + 6);
        rig.server_sends(tcp_ack | tcp_fin, kFreshIsn + 6, fresh_iss + 12);
        rig.desktop_sends(tcp_ack, rig.c() + 11, rig.s() + 6);
        EXPECT_EQ(rig.last_report().close, HeldClose::finished);
        EXPECT_TRUE(rig.sent().empty());
        EXPECT_TRUE(rig.nothing_left());
    }

    Rig rig;
    std::uint32_t fresh_iss = 0;
};

INSTANTIATE_TEST_SUITE_P(Timestamps, SplicerMove, ::testing::Bool());

TEST_P(SplicerMove, ResetBeforeTheDesktopsAck) {
    ASSERT_TRUE(rig.hold());
    ASSERT_TRUE(rig.connect());
    rig.server_sends(tcp_rst, rig.s(), 0);
    ASSERT_TRUE(redialed(0));
    EXPECT_EQ(rig.splicer.state(rig.ref), HeldState::moving);
    rig.reports();
    // What the desktop sends meanwhile goes nowhere; its ACK counts all the same.
    EXPECT_EQ(rig.desktop_sends(tcp_ack, rig.c(), rig.s()).verdict, SpliceVerdict::consumed);
    EXPECT_EQ(rig.last_report().event, HeldEvent::spliced);
    EXPECT_EQ(rig.desktop_sends(tcp_ack | tcp_psh, rig.c(), rig.s(), "0123456789").verdict,
              SpliceVerdict::consumed);
    EXPECT_TRUE(rig.sent().empty());
    ASSERT_TRUE(answered());
    EXPECT_EQ(rig.last_report().event, HeldEvent::replayed);
    EXPECT_EQ(rig.splicer.counters().moved, 1U);
    goes_on();
}

TEST_P(SplicerMove, FinBeforeTheDesktopsAck) {
    ASSERT_TRUE(rig.hold());
    ASSERT_TRUE(rig.connect());
    rig.server_sends(tcp_ack | tcp_fin, rig.s(), rig.iss + 1);
    ASSERT_TRUE(redialed(1)) << "the old one is reset first";
    ASSERT_TRUE(answered());
    EXPECT_EQ(rig.splicer.state(rig.ref), HeldState::splicing)
        << "the desktop has not answered yet";
    EXPECT_EQ(rig.desktop_sends(tcp_ack, rig.c(), rig.s()).verdict, SpliceVerdict::forward);
    EXPECT_EQ(rig.packet.ack(), kFreshIsn + 1);
    goes_on();
}

TEST_P(SplicerMove, ResetThatAnswersTheFirstFlight) {
    ASSERT_TRUE(flight());
    EXPECT_EQ(rig.server_sends(tcp_rst, rig.s(), 0).verdict, SpliceVerdict::consumed);
    ASSERT_TRUE(redialed(0));
    ASSERT_TRUE(answered());
    goes_on();
}

TEST_P(SplicerMove, FinThatCrossesTheFirstFlight) {
    ASSERT_TRUE(flight());
    EXPECT_EQ(rig.server_sends(tcp_ack | tcp_fin, rig.s(), rig.iss + 1).verdict,
              SpliceVerdict::consumed)
        << "the server may read the flight still";
    EXPECT_TRUE(rig.sent().empty());
    EXPECT_EQ(rig.server_sends(tcp_rst, rig.s() + 1, 0).verdict, SpliceVerdict::forward)
        << "not exact for what the desktop has: the next one, of the desktop's repetition, is "
           "looked at again";
    EXPECT_EQ(rig.server_sends(tcp_rst, rig.s(), 0).verdict, SpliceVerdict::consumed);
    ASSERT_TRUE(redialed(0));
    ASSERT_TRUE(answered());
    goes_on();
}

TEST_P(SplicerMove, FinOfAServerThatReadsOn) {
    ASSERT_TRUE(flight());
    EXPECT_EQ(rig.server_sends(tcp_ack | tcp_fin, rig.s(), rig.iss + 1).verdict,
              SpliceVerdict::consumed);
    EXPECT_EQ(rig.server_sends(tcp_ack | tcp_fin, rig.s(), rig.iss + 11).verdict,
              SpliceVerdict::forward)
        << "it has taken the flight: half-closed, no more";
    EXPECT_EQ(rig.splicer.counters().moves_begun, 0U);
}

TEST_P(SplicerMove, AResetThatAcknowledgesIsTheLastWord) {
    ASSERT_TRUE(flight());
    EXPECT_EQ(rig.server_sends(tcp_rst | tcp_ack, rig.s(), rig.iss + 11).verdict,
              SpliceVerdict::forward);
    EXPECT_EQ(rig.splicer.counters().moves_begun, 0U);
    EXPECT_EQ(rig.last_report().close, HeldClose::server_rst);
}

TEST_P(SplicerMove, NotOnceAByteWasAcknowledged) {
    ASSERT_TRUE(flight());
    rig.server_sends(tcp_ack, rig.s(), rig.iss + 5);
    EXPECT_EQ(rig.server_sends(tcp_rst, rig.s(), 0).verdict, SpliceVerdict::forward);
    EXPECT_EQ(rig.splicer.counters().moves_begun, 0U);
}

TEST_P(SplicerMove, NotAfterTheServersFirstByte) {
    ASSERT_TRUE(rig.splice());
    rig.server_sends(tcp_ack | tcp_psh, rig.s(), rig.iss + 1, "hi");
    rig.desktop_sends(tcp_ack, rig.c(), rig.s() + 2);
    EXPECT_EQ(rig.server_sends(tcp_rst, rig.s() + 2, 0).verdict, SpliceVerdict::forward);
    EXPECT_EQ(rig.splicer.counters().moves_begun, 0U);
}

TEST_P(SplicerMove, OnlyOnce) {
    ASSERT_TRUE(flight());
    rig.server_sends(tcp_rst, rig.s(), 0);
    ASSERT_TRUE(redialed(0));
    ASSERT_TRUE(answered());
    EXPECT_EQ(rig.server_sends(tcp_rst, kFreshIsn + 1, 0).verdict, SpliceVerdict::forward);
    EXPECT_EQ(rig.packet.seq(), rig.s()) << "exact for the desktop";
    EXPECT_EQ(rig.last_report().close, HeldClose::server_rst);
    EXPECT_TRUE(rig.nothing_left());
}

TEST_P(SplicerMove, OtherOptionsThanTheDesktopWasTold) {
    for (int change = 0; change < 4; ++change) {
        RigOptions o = with(GetParam());
        Rig r(o);
        ASSERT_TRUE(r.splice());
        r.server_sends(tcp_rst, r.s(), 0);
        const auto syn = r.only();
        ASSERT_TRUE(syn.has_value());
        SegmentSpec s = r.server_synack();
        s.seq = kFreshIsn;
        s.ack = syn->seq + 1;
        s.options.mss = change == 0 ? std::uint16_t{1200} : s.options.mss;
        s.options.window_scale = change == 1 ? std::uint8_t{3} : s.options.window_scale;
        s.options.sack_permitted = change != 2;
        s.options.timestamps = change == 3 ? !s.options.timestamps : s.options.timestamps;
        r.from_server(s);
        const auto told = r.sent();
        ASSERT_EQ(told.size(), 2U) << change;
        EXPECT_EQ(told[0].seq, syn->seq + 1);
        EXPECT_FALSE(told[0].to_desktop);
        EXPECT_TRUE(told[1].to_desktop);
        EXPECT_EQ(told[1].seq, r.s()) << "exact for the desktop";
        EXPECT_EQ(r.splicer.counters().move_mismatch, 1U);
        EXPECT_EQ(r.splicer.in_use(), 0U);
    }
}

TEST_P(SplicerMove, OldConnectionThatLivesOnIsResetAgain) {
    ASSERT_TRUE(rig.splice());
    rig.server_sends(tcp_ack | tcp_fin, rig.s(), rig.iss + 1);
    ASSERT_TRUE(redialed(1));
    rig.server_sends(tcp_ack, rig.s() + 1, rig.iss + 1); // its challenge: our reset was lost
    const auto reset = rig.only();
    ASSERT_TRUE(reset.has_value());
    EXPECT_EQ(reset->seq, rig.iss + 1);
    rig.pass(1100 * kMs);
    const auto again = rig.only();
    ASSERT_TRUE(again.has_value());
    EXPECT_EQ(again->flags, tcp_syn);
    EXPECT_EQ(again->seq, fresh_iss);
    ASSERT_TRUE(answered());
    goes_on();
}

TEST_P(SplicerMove, RefusedOrSilent) {
    ASSERT_TRUE(flight());
    rig.server_sends(tcp_rst, rig.s(), 0);
    ASSERT_TRUE(redialed(0));
    rig.server_sends(tcp_rst | tcp_ack, 0, fresh_iss + 1);
    const auto told = rig.only();
    ASSERT_TRUE(told.has_value());
    EXPECT_TRUE(told->to_desktop);
    EXPECT_EQ(told->seq, rig.s());
    EXPECT_EQ(rig.last_report().close, HeldClose::server_rst);
    EXPECT_EQ(rig.splicer.in_use(), 0U);

    Rig silent(with(GetParam()));
    ASSERT_TRUE(silent.splice());
    silent.server_sends(tcp_rst, silent.s(), 0);
    silent.pass(30 * kSecond);
    const auto all = silent.sent();
    ASSERT_GE(all.size(), 3U);
    EXPECT_TRUE(all.back().to_desktop);
    EXPECT_EQ(all.back().flags & tcp_rst, tcp_rst);
    EXPECT_TRUE(silent.nothing_left());
}

TEST_P(SplicerMove, DesktopGivesUpMeanwhile) {
    ASSERT_TRUE(flight());
    rig.server_sends(tcp_rst, rig.s(), 0);
    ASSERT_TRUE(redialed(0));
    rig.desktop_sends(tcp_rst, rig.c() + 10, 0);
    const auto up = rig.only();
    ASSERT_TRUE(up.has_value());
    EXPECT_EQ(up->seq, fresh_iss + 1);
    EXPECT_EQ(rig.last_report().close, HeldClose::desktop_rst);
    EXPECT_EQ(rig.splicer.in_use(), 0U);
}

TEST_P(SplicerMove, OrderedToEndMeanwhile) {
    ASSERT_TRUE(rig.splice());
    rig.server_sends(tcp_rst, rig.s(), 0);
    ASSERT_TRUE(redialed(0));
    EXPECT_TRUE(rig.splicer.close(1, rig.now));
    const auto all = rig.sent();
    ASSERT_EQ(all.size(), 2U);
    EXPECT_EQ(all[0].seq, fresh_iss + 1);
    EXPECT_EQ(all[1].seq, rig.s());
    EXPECT_EQ(rig.splicer.in_use(), 0U);
}

TEST_P(SplicerMove, SynTakenBackAfterAMoveIsHeldAgain) {
    ASSERT_TRUE(rig.hold());
    ASSERT_TRUE(rig.connect());
    rig.server_sends(tcp_rst, rig.s(), 0);
    ASSERT_TRUE(redialed(0));
    ASSERT_TRUE(answered());
    rig.desktop_sends(tcp_rst, rig.c(), 0);
    EXPECT_EQ(rig.splicer.state(rig.ref), HeldState::held);
    EXPECT_EQ(rig.desktop_connects(rig.desktop_syn_segment()).verdict, SynVerdict::spliced);
    const auto synack = rig.only();
    ASSERT_TRUE(synack.has_value());
    EXPECT_EQ(synack->seq, kFreshIsn) << "the number of the connection that is held now";
    if (GetParam()) {
        EXPECT_EQ(synack->options.ts_val, kFreshTs);
    }
}

TEST_P(SplicerMove, AServerThatEndsMuchLaterMeansIt) {
    ASSERT_TRUE(rig.splice());
    rig.pass(20 * kSecond);
    EXPECT_EQ(rig.server_sends(tcp_ack | tcp_fin, rig.s(), rig.iss + 1).verdict,
              SpliceVerdict::forward);
    EXPECT_EQ(rig.splicer.counters().moves_begun, 0U);
}

} // namespace
} // namespace foregate::dataplane::splice_test
