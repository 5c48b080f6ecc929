// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/worker/kernel_limiter.h"

#include <gtest/gtest.h>

#include <array>

namespace foregate::dataplane {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr unsigned kBurst = 257; ///< what may go at once: 256, and the one under way

using Header = std::array<std::uint8_t, 14>;
Header from(std::uint8_t host) {
    Header h{};
    h[6] = 2;
    h[11] = host;
    return h;
}

unsigned admitted(KernelLimiter& limiter, const Header& frame, std::uint64_t now_ns,
                  unsigned tries) {
    unsigned count = 0;
    for (unsigned i = 0; i < tries; ++i) {
        count += limiter.admit(frame.data(), now_ns) ? 1U : 0U;
    }
    return count;
}

TEST(KernelLimiterTest, ABurstAndThenTheRate) {
    KernelLimiter limiter(100);
    EXPECT_EQ(admitted(limiter, from(1), kSecond, 1000), kBurst);
    EXPECT_EQ(admitted(limiter, from(1), kSecond, 1000), 0U);
    for (std::uint64_t tenth = 1; tenth <= 50; ++tenth) {
        EXPECT_EQ(admitted(limiter, from(1), kSecond + tenth * kSecond / 10, 1000), 10U);
    }
}

TEST(KernelLimiterTest, AQuietSourceSavesNoMoreThanABurst) {
    KernelLimiter limiter(100);
    EXPECT_EQ(admitted(limiter, from(1), kSecond, 1000), kBurst);
    EXPECT_EQ(admitted(limiter, from(1), 1000 * kSecond, 1000), kBurst);
}

TEST(KernelLimiterTest, OneFloodCostsAnotherSourceNothing) {
    KernelLimiter limiter(10);
    EXPECT_EQ(admitted(limiter, from(1), kSecond, 100'000), kBurst);
    for (std::uint8_t host = 2; host < 20; ++host) {
        EXPECT_EQ(admitted(limiter, from(host), kSecond, 10), 10U) << unsigned{host};
    }
}

TEST(KernelLimiterTest, OnlyTheSourceAddressMatters) {
    KernelLimiter limiter(10);
    Header frame = from(1);
    EXPECT_EQ(admitted(limiter, frame, kSecond, 1000), kBurst);
    frame[0] = 0xff;
    frame[12] = 0x08;
    EXPECT_EQ(admitted(limiter, frame, kSecond, 1000), 0U);
}

TEST(KernelLimiterTest, ARateOfZeroIsOneASecond) {
    KernelLimiter limiter(0);
    EXPECT_EQ(admitted(limiter, from(1), kSecond, 1000), kBurst);
    EXPECT_EQ(admitted(limiter, from(1), 3 * kSecond, 1000), 2U);
}

} // namespace
} // namespace foregate::dataplane
