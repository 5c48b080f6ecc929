// SPDX-License-Identifier: BSD-3-Clause
#include "control/hold/destination_limits.h"
#include "control/hold/syn_templates.h"

#include <gtest/gtest.h>

namespace foregate::control {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

const SteadyTime kStart = SteadyTime(hours(100));

TEST(AgeLimitTest, SmallestAgeRulesNeverAboveTheConfiguredAndRelaxes) {
    AgeLimit limit{seconds(30)};
    limit.server_closed(seconds(120), kStart);
    EXPECT_EQ(limit.now_at(kStart), seconds(30));
    limit.server_closed(seconds(20), kStart);
    EXPECT_EQ(limit.now_at(kStart), seconds(10));
    limit.server_closed(seconds(28), kStart);
    EXPECT_EQ(limit.now_at(kStart), seconds(10));
    EXPECT_TRUE(limit.learned(kStart));
    EXPECT_EQ(limit.now_at(kStart + minutes(59)), seconds(10));
    EXPECT_EQ(limit.now_at(kStart + hours(1)), seconds(20));
    EXPECT_EQ(limit.now_at(kStart + hours(2)), seconds(30));
    EXPECT_FALSE(limit.learned(kStart + hours(2)));
}

TEST(AgeLimitTest, FloorIsNotAboveAShorterConfiguredLimit) {
    AgeLimit limit{seconds(3)};
    limit.server_closed(milliseconds(10), kStart);
    EXPECT_EQ(limit.now_at(kStart), seconds(3));
}

TEST(RetreatTest, DoublesPerTrialAndClears) {
    Retreat retreat;
    EXPECT_FALSE(retreat.waiting(kStart));
    retreat.failed("refused", kStart);
    retreat.failed("timeout", kStart + milliseconds(10));
    EXPECT_EQ(retreat.remaining(kStart), seconds(1));
    EXPECT_EQ(retreat.reason(), "timeout");
    retreat.failed("refused", kStart + seconds(1));
    EXPECT_EQ(retreat.remaining(kStart + seconds(1)), seconds(2));
    EXPECT_FALSE(retreat.clear());
    retreat.succeeded();
    EXPECT_TRUE(retreat.clear());
    EXPECT_FALSE(retreat.waiting(kStart + seconds(1)));
}

TEST(DialRateTest, HoldsOneSecondsWorthAtMost) {
    DialRate rate(3);
    rate.refill(kStart);
    EXPECT_TRUE(rate.take() && rate.take() && rate.take());
    EXPECT_FALSE(rate.take());
    rate.give_back();
    EXPECT_TRUE(rate.take());
    rate.refill(kStart + hours(1));
    EXPECT_TRUE(rate.take() && rate.take() && rate.take());
    EXPECT_FALSE(rate.take());
}

class SynTemplatesTest : public ::testing::Test {
protected:
    static Config config() {
        Config c;
        c.classes.resize(2);
        c.classes[0].guest = GuestSystem::windows_guest;
        c.classes[1].guest = GuestSystem::linux_guest;
        return c;
    }
    static dataplane::SynLearned seen(std::uint32_t desktop, std::uint16_t usage_class,
                                      std::uint16_t mss) {
        dataplane::SynLearned learned{desktop, usage_class, default_syn(GuestSystem::linux_guest)};
        learned.syn.mss = mss;
        learned.syn.window_scale = 9;
        return learned;
    }
};

TEST_F(SynTemplatesTest, DefaultsByGuestSystem) {
    const SynTemplates templates(config());
    const auto windows = templates.of(1, 0, false);
    EXPECT_EQ(windows.mss, 1460);
    EXPECT_EQ(windows.window_scale, 8);
    EXPECT_FALSE(windows.timestamps);
    EXPECT_EQ(windows.order, dataplane::OptionOrder::windows_like);
    EXPECT_EQ(windows.ttl, 127);
    const auto linux_v6 = templates.of(1, 1, true);
    EXPECT_EQ(linux_v6.mss, 1440);
    EXPECT_EQ(linux_v6.window_scale, 7);
    EXPECT_TRUE(linux_v6.timestamps);
    EXPECT_EQ(linux_v6.ttl, 63);
}

TEST_F(SynTemplatesTest, MssLearnedFromEitherFamilyFitsBoth) {
    SynTemplates templates(config());
    templates.learn(seen(1, 1, 1440)); // MTU - 60: of IPv6
    EXPECT_EQ(templates.of(1, 1, true).mss, 1440);
    EXPECT_EQ(templates.of(1, 1, false).mss, 1440);
    templates.learn(seen(1, 1, 1460));
    EXPECT_EQ(templates.of(1, 1, false).mss, 1460);
    EXPECT_EQ(templates.of(1, 1, true).mss, 1440);
    templates.learn(seen(1, 1, 1360));
    EXPECT_EQ(templates.of(1, 1, false).mss, 1360);
    EXPECT_EQ(templates.of(2, 1, false).window_scale, 9) << "of the class";
    EXPECT_EQ(templates.of(2, 0, false).window_scale, 8) << "another class";
    EXPECT_EQ(templates.known(1, 1), SynKnown::own);
    EXPECT_EQ(templates.known(2, 1), SynKnown::of_class);
    EXPECT_EQ(templates.known(2, 0), SynKnown::guess);
}

TEST_F(SynTemplatesTest, NeverMoreThanTheUpstreamMtuAllows) {
    Config c = config();
    PortConfig up;
    up.role = PortRole::upstream;
    up.mtu = 1400;
    c.ports.push_back(up);
    const SynTemplates templates(c);
    EXPECT_EQ(templates.of(1, 1, false).mss, 1360);
    EXPECT_EQ(templates.of(1, 1, true).mss, 1340);
}

TEST(SynOutdatedTest, OnlyWhatTheSplicerWouldRefuse) {
    const auto base = default_syn(GuestSystem::linux_guest);
    auto other = base;
    other.ttl = 40;
    other.mss = 1480;
    EXPECT_FALSE(syn_outdated(base, other)) << "announced less than the desktop takes";
    other.mss = 1400;
    EXPECT_TRUE(syn_outdated(base, other));
    other = base;
    other.timestamps = false;
    EXPECT_TRUE(syn_outdated(base, other));
    other = base;
    other.window_scale = 8;
    EXPECT_TRUE(syn_outdated(base, other));
}

} // namespace
} // namespace foregate::control
