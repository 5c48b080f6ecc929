// SPDX-License-Identifier: BSD-3-Clause
// A Splicer that takes over what another one has left in its records.
#include "unit/dataplane/splice/splice_rig.h"

#include <gtest/gtest.h>

namespace foregate::dataplane::splice_test {
namespace {

/// `before` was killed; `after` has its records. Segments are made by `before`'s rig, which knows
/// the numbers.
class SplicerRestart : public ::testing::TestWithParam<bool> {
protected:
    SplicerRestart() : before(with(GetParam())), after(with(GetParam())) {
        records.resize(before.options.settings.capacity);
        kept.resize(records.size());
        before.splicer.keep_records(records);
    }
    static RigOptions with(bool timestamps) {
        RigOptions o;
        o.timestamps = timestamps;
        return o;
    }
    std::vector<SpliceRecord> left() const {
        std::vector<SpliceRecord> out;
        for (const SpliceRecord& r : records) {
            if (usable(r)) {
                out.push_back(r);
            }
        }
        return out;
    }
    /// Takes over the only record there is; what the rig `after` then sends belongs to it.
    bool restart(bool goes_on = true) {
        const auto all = left();
        if (all.size() != 1) {
            return false;
        }
        after.splicer.keep_records(kept);
        const auto opened = after.splicer.take_over(all[0], before.order, goes_on, after.now);
        if (!opened) {
            return false;
        }
        after.ref = opened->ref;
        after.held_port = before.held_port;
        after.iss = before.iss;
        after.upstream_ts = before.upstream_ts;
        return true;
    }
    std::uint64_t tries_all() const { return 30 * kSecond; }

    Rig before, after;
    std::vector<SpliceRecord> records, kept;
};

INSTANTIATE_TEST_SUITE_P(Timestamps, SplicerRestart, ::testing::Bool());

TEST_P(SplicerRestart, SpliceGoesOn) {
    ASSERT_TRUE(before.splice());
    ASSERT_EQ(before.desktop_sends(tcp_ack | tcp_psh, before.c(), before.s(), "one").verdict,
              SpliceVerdict::forward);
    const std::uint32_t seq = before.packet.seq();
    const std::uint32_t ts = before.packet.options().ts_val;
    ASSERT_TRUE(restart());
    EXPECT_EQ(after.splicer.counters().taken_over, 1U);
    EXPECT_EQ(after.splicer.state(after.ref), HeldState::resumed);
    // The same segment again, and it comes out the same.
    ASSERT_EQ(after.desktop_sends(tcp_ack | tcp_psh, after.c(), after.s(), "one").verdict,
              SpliceVerdict::forward);
    EXPECT_EQ(after.packet.seq(), seq);
    EXPECT_EQ(after.packet.options().ts_val, ts);
    EXPECT_TRUE(checksum_right(after.packet));
    EXPECT_EQ(after.splicer.state(after.ref), HeldState::resumed) << "the server is not heard yet";
    ASSERT_EQ(after.server_sends(tcp_ack, after.s(), after.iss + 4, "reply").verdict,
              SpliceVerdict::forward);
    EXPECT_EQ(after.packet.ack(), after.c() + 3);
    EXPECT_EQ(after.packet.seq(), after.s());
    EXPECT_EQ(after.splicer.state(after.ref), HeldState::spliced);
    EXPECT_TRUE(after.sent().empty());
    // Both finish; the record goes with it.
    after.desktop_sends(tcp_ack | tcp_fin, after.c() + 3, after.s() + 5);
    after.server_sends(tcp_ack | tcp_fin, after.s() + 5, after.iss + 5);
    after.desktop_sends(tcp_ack, after.c() + 4, after.s() + 6);
    EXPECT_EQ(after.last_report().close, HeldClose::finished);
    for (const SpliceRecord& r : kept) {
        EXPECT_FALSE(usable(r));
    }
    EXPECT_TRUE(after.nothing_left());
}

TEST_P(SplicerRestart, SecondRestartAndEndByOrder) {
    ASSERT_TRUE(before.splice());
    ASSERT_TRUE(restart());
    ASSERT_TRUE(usable(kept[after.ref.index])) << "for the process after this one";
    ASSERT_EQ(after.splicer.close_desktop(before.order.desktop, CloseScope::all, after.now), 1U);
    after.pass(10 * kMs);
    const auto asked = after.sent();
    ASSERT_EQ(asked.size(), 2U) << "nothing is known that would be exact: both are asked";
    EXPECT_FALSE(asked[0].to_desktop);
    EXPECT_TRUE(asked[1].to_desktop);
    EXPECT_EQ(asked[0].flags, tcp_ack);
    EXPECT_EQ(asked[1].flags, tcp_ack);
    after.server_sends(tcp_ack, 4711, 815);
    const auto up = after.only();
    ASSERT_TRUE(up.has_value());
    EXPECT_EQ(up->flags, tcp_rst);
    EXPECT_EQ(up->seq, 815U) << "what the server expects";
    after.desktop_sends(tcp_ack, 100, 200);
    const auto down = after.only();
    ASSERT_TRUE(down.has_value());
    EXPECT_EQ(down->flags & tcp_rst, tcp_rst);
    EXPECT_EQ(down->seq, 200U);
    after.pass(300 * kMs);
    EXPECT_TRUE(after.sent().empty()) << "both know";
    EXPECT_TRUE(after.nothing_left());
}

TEST_P(SplicerRestart, UnknownDesktopIsResetAtBothEnds) {
    ASSERT_TRUE(before.splice());
    ASSERT_TRUE(restart(false));
    EXPECT_EQ(after.splicer.counters().left_behind, 1U);
    after.pass(tries_all());
    const auto asked = after.sent();
    EXPECT_EQ(asked.size(), 2U * after.options.settings.unwind_tries) << "nobody has answered";
    EXPECT_TRUE(after.nothing_left());
}

TEST_P(SplicerRestart, HeldConnectionIsResetExactly) {
    ASSERT_TRUE(before.hold());
    ASSERT_TRUE(restart());
    after.pass(10 * kMs);
    const auto reset = after.only();
    ASSERT_TRUE(reset.has_value());
    EXPECT_EQ(reset->flags, tcp_rst);
    EXPECT_EQ(reset->seq, before.iss + 1);
    EXPECT_EQ(reset->src_port, before.held_port);
    EXPECT_FALSE(reset->to_desktop);
    // The first one was lost: the server asks whether it is still there.
    after.server_sends(tcp_ack, before.s() - 1, before.iss + 1);
    const auto again = after.only();
    ASSERT_TRUE(again.has_value());
    EXPECT_EQ(again->seq, before.iss + 1);
    after.pass(tries_all());
    EXPECT_TRUE(after.sent().empty());
    EXPECT_TRUE(after.nothing_left());
}

TEST_P(SplicerRestart, GreetingThatIsGoneEndsIt) {
    ASSERT_TRUE(before.hold());
    before.server_sends(tcp_ack | tcp_psh, before.s(), before.iss + 1, "220 hello");
    before.sent();
    ASSERT_TRUE(before.connect());
    before.desktop_sends(tcp_ack, before.c(), before.s());
    ASSERT_EQ(left().size(), 1U);
    EXPECT_EQ(left()[0].kind, RecordKind::replaying);
    ASSERT_TRUE(restart());
    EXPECT_EQ(after.splicer.counters().left_behind, 1U);
    // Once the desktop has it, the splice could go on.
    before.desktop_sends(tcp_ack, before.c(), before.s() + 9);
    ASSERT_EQ(left().size(), 1U);
    EXPECT_EQ(left()[0].kind, RecordKind::spliced);
}

TEST_P(SplicerRestart, NewConnectionFromTheSamePortGoesThrough) {
    ASSERT_TRUE(before.splice());
    ASSERT_TRUE(restart(false));
    EXPECT_EQ(after.from_desktop(after.desktop_syn_segment()).verdict, SpliceVerdict::stale);
    EXPECT_EQ(after.splicer.in_use(), 0U);
}

TEST_P(SplicerRestart, NoRecordOfWhatIsGone) {
    ASSERT_TRUE(before.hold());
    EXPECT_EQ(left().size(), 1U);
    before.splicer.close(1, before.now);
    before.server_sends(tcp_ack | tcp_fin, before.s(), before.iss + 2);
    EXPECT_EQ(before.splicer.in_use(), 0U);
    EXPECT_TRUE(left().empty());
}

TEST_P(SplicerRestart, TwoRecordsOfOneTupleAreNotBothBelieved) {
    ASSERT_TRUE(before.splice());
    ASSERT_TRUE(restart());
    EXPECT_FALSE(after.splicer.take_over(left()[0], before.order, true, after.now).has_value());
    EXPECT_EQ(after.splicer.in_use(), 1U);
}

} // namespace
} // namespace foregate::dataplane::splice_test
