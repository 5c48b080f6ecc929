// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/watch/capture_ring.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <thread>
#include <vector>

namespace foregate::dataplane {
namespace {

bool put(CaptureRing& ring, std::uint64_t number, std::uint32_t kept) {
    std::uint8_t* room = ring.reserve({number, kept + 1, kept, 3, CaptureDirection::out});
    if (room == nullptr) {
        return false;
    }
    std::memset(room, static_cast<int>(number & 0xff), kept);
    ring.commit();
    return true;
}

/// The frame is `number`'s, whole.
void expect_frame(const CapturedFrame* frame, std::uint64_t number, std::uint32_t kept) {
    ASSERT_NE(frame, nullptr);
    EXPECT_EQ(frame->time_ns, number);
    ASSERT_EQ(frame->kept, kept);
    EXPECT_EQ(frame->length, kept + 1);
    EXPECT_EQ(frame->port, 3);
    EXPECT_EQ(frame->direction, CaptureDirection::out);
    const std::vector<std::uint8_t> expected(kept, static_cast<std::uint8_t>(number & 0xff));
    EXPECT_TRUE(std::equal(expected.begin(), expected.end(), frame->bytes()));
}

TEST(CaptureRing, GivesBackInOrder) {
    CaptureRing ring(1);
    EXPECT_EQ(ring.front(), nullptr);
    for (std::uint32_t i = 0; i < 10; ++i) {
        ASSERT_TRUE(put(ring, i, i * 7));
    }
    for (std::uint32_t i = 0; i < 10; ++i) {
        expect_frame(ring.front(), i, i * 7);
        ring.pop();
    }
    EXPECT_EQ(ring.front(), nullptr);
}

TEST(CaptureRing, RefusesWhenFullAndGoesOn) {
    CaptureRing ring(64 * 1024);
    std::uint64_t taken = 0;
    while (put(ring, taken, 1500)) {
        ++taken;
    }
    EXPECT_EQ(taken, 64 * 1024 / (1504 + 32));
    expect_frame(ring.front(), 0, 1500);
    ring.pop();
    EXPECT_TRUE(put(ring, taken, 1500));
    for (std::uint64_t i = 1; i <= taken; ++i) {
        expect_frame(ring.front(), i, 1500);
        ring.pop();
    }
    EXPECT_EQ(ring.front(), nullptr);
}

TEST(CaptureRing, AFrameThatCanNeverFitIsRefused) {
    CaptureRing ring(64 * 1024);
    EXPECT_FALSE(put(ring, 1, 64 * 1024));
    EXPECT_TRUE(put(ring, 2, 16 * 1024));
    expect_frame(ring.front(), 2, 16 * 1024);
}

TEST(CaptureRing, WrapsAtEveryPlace) {
    CaptureRing ring(64 * 1024);
    std::uint64_t in = 0, out = 0;
    for (std::uint32_t step = 0; step < 20'000; ++step) {
        const std::uint32_t kept = step * 37 % 1600;
        if (put(ring, in, kept)) {
            ++in;
        }
        if (in - out > 30) {
            expect_frame(ring.front(), out, static_cast<std::uint32_t>(out * 37 % 1600));
            ring.pop();
            ++out;
        }
    }
    EXPECT_EQ(in, 20'000U);
}

TEST(CaptureRing, TwoThreads) {
    CaptureRing ring(64 * 1024);
    constexpr std::uint64_t kFrames = 50'000;
    std::thread writer([&ring] {
        for (std::uint64_t i = 0; i < kFrames;) {
            if (put(ring, i, static_cast<std::uint32_t>(i * 13 % 900))) {
                ++i;
            } else {
                std::this_thread::yield();
            }
        }
    });
    for (std::uint64_t i = 0; i < kFrames;) {
        const CapturedFrame* frame = ring.front();
        if (frame == nullptr) {
            std::this_thread::yield();
            continue;
        }
        ASSERT_NO_FATAL_FAILURE(expect_frame(frame, i, static_cast<std::uint32_t>(i * 13 % 900)));
        ring.pop();
        ++i;
    }
    writer.join();
}

} // namespace
} // namespace foregate::dataplane
