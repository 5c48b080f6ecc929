// SPDX-License-Identifier: BSD-3-Clause
// Senders that take the handshake for the path: how they are noticed, and who is answered late.
#include "dataplane/splice/sender_memory.h"
#include "unit/dataplane/splice/splice_rig.h"

#include <gtest/gtest.h>

#include <memory>

namespace foregate::dataplane::splice_test {
namespace {

TEST(SenderMemories, DesktopsBeforeTheirClass) {
    const auto memory = std::make_unique<SenderMemory>();
    EXPECT_FALSE(memory->may_starve(1, 2));
    memory->judge(1, 2, false);
    EXPECT_TRUE(memory->may_starve(1, 2));
    EXPECT_TRUE(memory->may_starve(5, 2)) << "of the same class";
    EXPECT_FALSE(memory->may_starve(5, 3));
    memory->judge(5, 2, true);
    EXPECT_FALSE(memory->may_starve(5, 2)) << "seen to do well";
    EXPECT_TRUE(memory->may_starve(6, 2));
}

TEST(SenderMemories, ShortDestinations) {
    const auto memory = std::make_unique<SenderMemory>();
    EXPECT_FALSE(memory->only_short(77)) << "nothing is known";
    for (int i = 0; i < 4; ++i) {
        memory->used(77, 1000);
    }
    EXPECT_TRUE(memory->only_short(77));
    memory->used(77, 1U << 20);
    EXPECT_FALSE(memory->only_short(77));
    for (int i = 0; i < 100; ++i) {
        memory->used(77, 1000);
    }
    EXPECT_FALSE(memory->only_short(77)) << "it may come again";
}

/// An upload with `flight` bytes on the way in each round trip of 40 ms.
void upload(Rig& rig, std::uint32_t bytes, std::uint32_t flight) {
    const std::string segment(1400, 'u');
    std::uint32_t sent = 0, acknowledged = 0;
    while (sent < bytes) {
        while (sent - acknowledged < flight) {
            rig.desktop_sends(tcp_ack, rig.c() + sent, rig.s(), segment);
            sent += 1400;
        }
        rig.now += 40 * kMs;
        rig.server_sends(tcp_ack, rig.s(), rig.iss + 1 + sent - flight / 2);
        acknowledged = sent - flight / 2;
    }
}

TEST(SplicerUploads, StarvedSendersAreAnsweredLateFromThenOn) {
    Rig rig;
    ASSERT_TRUE(rig.splice());
    upload(rig, 3U << 20, 20'000);
    EXPECT_EQ(rig.splicer.counters().starved_senders, 1U);
    rig.splicer.close(1, rig.now);
    rig.sent();
    rig.order.id = 2;
    ASSERT_TRUE(rig.hold());
    const SynOutcome late = rig.desktop_connects(rig.desktop_syn_segment());
    ASSERT_EQ(late.verdict, SynVerdict::spliced);
    EXPECT_TRUE(late.late);
    EXPECT_TRUE(rig.sent().empty());
    rig.pass(20 * kMs, kMs);
    EXPECT_TRUE(rig.sent().empty()) << "half of the round trip is too soon";
    rig.pass(15 * kMs, kMs);
    const auto synack = rig.only();
    ASSERT_TRUE(synack.has_value());
    EXPECT_EQ(synack->flags, tcp_syn | tcp_ack);
    EXPECT_EQ(rig.splicer.counters().late_answers, 1U);
    EXPECT_EQ(rig.desktop_sends(tcp_ack, rig.c(), rig.s()).verdict, SpliceVerdict::forward);
    rig.pass(3 * kSecond);
    EXPECT_TRUE(rig.sent().empty()) << "it is not repeated";
}

TEST(SplicerUploads, SendersWithMuchOnTheWayAreFine) {
    Rig rig;
    ASSERT_TRUE(rig.splice());
    upload(rig, 4U << 20, 200'000);
    EXPECT_EQ(rig.splicer.counters().starved_senders, 0U);
    rig.splicer.close(1, rig.now);
    rig.sent();
    rig.order.id = 2;
    ASSERT_TRUE(rig.hold());
    EXPECT_FALSE(rig.desktop_connects(rig.desktop_syn_segment()).late);
    EXPECT_TRUE(rig.only().has_value());
}

TEST(SplicerUploads, ShortDestinationsKeepTheHeadStart) {
    Rig rig;
    ASSERT_TRUE(rig.splice());
    upload(rig, 3U << 20, 20'000);
    rig.splicer.close(1, rig.now);
    rig.sent();
    rig.order.server = *IpAddress::parse("203.0.113.77");
    for (std::uint64_t id = 2; id < 7; ++id) {
        rig.order.id = id;
        rig.desktop_port = static_cast<std::uint16_t>(kDesktopPort + id);
        ASSERT_TRUE(rig.hold());
        const SynOutcome o = rig.desktop_connects(rig.desktop_syn_segment());
        ASSERT_EQ(o.verdict, SynVerdict::spliced);
        EXPECT_EQ(o.late, id < 6) << id;
        rig.pass(100 * kMs, kMs);
        rig.desktop_sends(tcp_ack, rig.c(), rig.s());
        rig.desktop_sends(tcp_ack, rig.c(), rig.s(), "short");
        rig.splicer.close(id, rig.now);
        rig.sent();
    }
}

TEST(SplicerUploads, RepeatedSynAndTakenBackSynWhileTheAnswerWaits) {
    Rig rig;
    ASSERT_TRUE(rig.splice());
    upload(rig, 3U << 20, 20'000);
    rig.splicer.close(1, rig.now);
    rig.sent();
    rig.order.id = 2;
    ASSERT_TRUE(rig.hold());
    ASSERT_TRUE(rig.desktop_connects(rig.desktop_syn_segment()).late);
    EXPECT_EQ(rig.from_desktop(rig.desktop_syn_segment()).verdict, SpliceVerdict::consumed);
    EXPECT_TRUE(rig.only().has_value()) << "it has waited long enough";
    rig.desktop_sends(tcp_rst, rig.c(), 0);
    EXPECT_EQ(rig.splicer.state(rig.ref), HeldState::held);
    rig.pass(1 * kSecond);
    EXPECT_TRUE(rig.sent().empty());
}

} // namespace
} // namespace foregate::dataplane::splice_test
