// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/mailbox.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <thread>

namespace foregate::dataplane {
namespace {

TEST(MailboxTest, KeepsOrderAndKnowsWhenItIsFullOrEmpty) {
    Mailbox<int> box(4);
    int out = 0;
    EXPECT_FALSE(box.take(out));
    for (int i = 0; i < 4; ++i) {
        EXPECT_TRUE(box.post(i));
    }
    EXPECT_FALSE(box.post(99));
    ASSERT_TRUE(box.take(out));
    EXPECT_EQ(out, 0);
    EXPECT_TRUE(box.post(4));
    EXPECT_FALSE(box.post(99));
    for (int i = 1; i <= 4; ++i) {
        ASSERT_TRUE(box.take(out));
        EXPECT_EQ(out, i);
    }
    EXPECT_FALSE(box.take(out));
}

TEST(MailboxTest, CapacityIsRoundedUpToAPowerOfTwo) {
    for (const auto& [asked, given] :
         {std::pair{1U, 2U}, std::pair{3U, 4U}, std::pair{8U, 8U}, std::pair{9U, 16U}}) {
        Mailbox<int> box(asked);
        unsigned took = 0;
        while (box.post(1)) {
            ++took;
        }
        EXPECT_EQ(took, given);
    }
}

TEST(MailboxTest, GoesRoundManyTimes) {
    Mailbox<std::uint64_t> box(8);
    std::uint64_t next = 0;
    std::uint64_t expected = 0;
    for (int round = 0; round < 1000; ++round) {
        for (int i = 0; i < 1 + round % 8; ++i) {
            ASSERT_TRUE(box.post(next++));
        }
        std::uint64_t out = 0;
        while (box.take(out)) {
            ASSERT_EQ(out, expected++);
        }
    }
    EXPECT_EQ(next, expected);
}

/// Large enough that a torn copy would show.
struct Letter {
    std::uint64_t number = 0;
    std::uint64_t inverse[6]{};
};

TEST(MailboxTest, TwoThreadsLoseRepeatAndTearNothing) {
    constexpr std::uint64_t kLetters = 200'000;
    Mailbox<Letter> box(64);
    std::thread writer([&box] {
        for (std::uint64_t i = 0; i < kLetters;) {
            Letter letter;
            letter.number = i;
            for (auto& part : letter.inverse) {
                part = ~i;
            }
            if (box.post(letter)) {
                ++i;
            } else {
                std::this_thread::yield();
            }
        }
    });
    std::uint64_t faults = 0;
    for (std::uint64_t expected = 0; expected < kLetters;) {
        Letter letter;
        if (!box.take(letter)) {
            std::this_thread::yield();
            continue;
        }
        faults += letter.number != expected ? 1U : 0U;
        for (const auto part : letter.inverse) {
            faults += part != ~letter.number ? 1U : 0U;
        }
        ++expected;
    }
    writer.join();
    EXPECT_EQ(faults, 0U);
    Letter none;
    EXPECT_FALSE(box.take(none));
}

} // namespace
} // namespace foregate::dataplane
