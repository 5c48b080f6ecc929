// SPDX-License-Identifier: BSD-3-Clause
// The pieces a Splicer is made of: keyed hash, timers, index, ports, quarantine, names.
#include "dataplane/splice/held.h"
#include "dataplane/splice/keyed_hash.h"
#include "dataplane/splice/slot_timers.h"
#include "dataplane/splice/source_ports.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>

namespace foregate::dataplane {
namespace {

TEST(SpliceParts, SipHashMatchesThePublishedVectors) {
    SecretKey key;
    std::array<std::uint8_t, 15> in;
    for (std::size_t i = 0; i < key.size(); ++i) {
        key[i] = static_cast<std::uint8_t>(i);
    }
    for (std::size_t i = 0; i < in.size(); ++i) {
        in[i] = static_cast<std::uint8_t>(i);
    }
    EXPECT_EQ(siphash24(key, in.data(), 15), 0xa129ca6149be45e5ULL);
    EXPECT_EQ(siphash24(key, in.data(), 0), 0x726fdb47dd0e0e31ULL);
}

TEST(SpliceParts, TimersFireOnceInOrderAndNeverEarlyWithinTheHorizon) {
    constexpr std::uint32_t kSlots = 500;
    constexpr std::uint64_t kStart = 123'456'789'000'000ULL;
    SlotTimers timers(kSlots);
    std::mt19937_64 random(1);
    std::vector<std::uint64_t> due(kSlots);
    for (std::uint32_t i = 0; i < kSlots; ++i) {
        due[i] = kStart + random() % 30'000'000'000ULL;
        timers.arm(i, due[i] + 1'000'000'000, kStart);
        timers.arm(i, due[i], kStart); // moved
    }
    timers.disarm(3);
    std::set<std::uint32_t> fired;
    for (std::uint64_t now = kStart; now < kStart + 31'000'000'000ULL; now += 3'000'000) {
        timers.advance(now, 7, [&](std::uint32_t slot) {
            EXPECT_GE(now, due[slot]);
            EXPECT_LE(now, due[slot] + 100'000'000);
            EXPECT_TRUE(fired.insert(slot).second);
        });
    }
    EXPECT_EQ(fired.size(), kSlots - 1);
    EXPECT_EQ(fired.count(3), 0U);
    EXPECT_EQ(timers.armed(), 0U);
}

TEST(SpliceParts, TimersSurviveALongSilenceAndKeepTheirBudget) {
    SlotTimers timers(100);
    for (std::uint32_t i = 0; i < 100; ++i) {
        timers.arm(i, 1'000'000 * (i + 1), 0);
    }
    unsigned fired = 0;
    const std::uint64_t later = 1'000'000'000'000'000ULL;
    timers.advance(later, 10, [&](std::uint32_t) { ++fired; });
    EXPECT_EQ(fired, 10U);
    for (int i = 0; i < 20; ++i) {
        timers.advance(later, 10, [&](std::uint32_t) { ++fired; });
    }
    EXPECT_EQ(fired, 100U);
}

TEST(SpliceParts, TimerArmedWhileTheLastOneFiresWaitsItsTurn) {
    SlotTimers timers(2);
    timers.arm(0, 5'000'000, 0);
    unsigned fired = 0;
    const auto again = [&](std::uint64_t now) {
        timers.advance(now, 100, [&](std::uint32_t slot) {
            ++fired;
            timers.arm(slot, now + 200'000'000'000ULL, now); // beyond the wheel
        });
    };
    again(50'000'000'000ULL);
    EXPECT_EQ(fired, 1U);
}

TEST(SpliceParts, PortsDifferByDestinationAndStayInRange) {
    SecretKey key{};
    key[0] = 9;
    SourcePorts ports(key, 16384, 32767);
    std::set<std::uint16_t> seen;
    for (std::uint32_t i = 0; i < 200; ++i) {
        const HeldTuple t{IpAddress::from_v4(0x0a000001), IpAddress::from_v4(0xc0000201 + i), 0,
                          443};
        const auto port = ports.pick(t, [](const HeldTuple&) { return false; });
        EXPECT_GE(port, 16384);
        EXPECT_LE(port, 32767);
        seen.insert(port);
    }
    EXPECT_GT(seen.size(), 190U); // not one after the other
}

TEST(SpliceParts, QuarantineForgetsByTimeAndCountsWhenFull) {
    PortQuarantine q(2, 100);
    q.add(1, 0);
    q.add(2, 10);
    EXPECT_TRUE(q.contains(1, 99));
    EXPECT_FALSE(q.contains(1, 100));
    q.add(3, 50);
    EXPECT_EQ(q.forgotten_early(), 1U);
    EXPECT_FALSE(q.contains(1, 51));
    EXPECT_TRUE(q.contains(2, 51));
    EXPECT_TRUE(q.contains(3, 51));
    EXPECT_FALSE(q.contains(4, 51));
}

TEST(SpliceParts, EveryNameIsItsOwn) {
    std::set<std::string_view> names;
    for (int i = 0; i < static_cast<int>(SpliceFallback::count_); ++i) {
        names.insert(to_string(static_cast<SpliceFallback>(i)));
    }
    EXPECT_EQ(names.size(), static_cast<std::size_t>(SpliceFallback::count_));
    EXPECT_EQ(names.count("unknown"), 0U);
    EXPECT_EQ(to_string(HeldClose::port_taken), "port_taken");
    EXPECT_EQ(to_string(HeldFailure::ordered), "ordered");
    EXPECT_EQ(to_string(HeldEvent::fallback), "fallback");
    EXPECT_EQ(to_string(HeldState::closing), "closing");
}

} // namespace
} // namespace foregate::dataplane
