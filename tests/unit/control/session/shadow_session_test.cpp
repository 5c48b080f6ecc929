// SPDX-License-Identifier: BSD-3-Clause
#include "control/session/shadow_session.h"

#include <gtest/gtest.h>

namespace foregate::control {
namespace {

using std::chrono::milliseconds;

SteadyTime at(int ms) {
    return SteadyTime{} + milliseconds{100000 + ms};
}

TEST(RoundTripTest, FollowsRfc6298) {
    RoundTrip rtt;
    EXPECT_FALSE(rtt.known());
    rtt.sample(40000);
    EXPECT_DOUBLE_EQ(rtt.smoothed_us(), 40000);
    EXPECT_DOUBLE_EQ(rtt.variation_us(), 20000);
    rtt.sample(48000); // the variation uses the former mean
    EXPECT_DOUBLE_EQ(rtt.variation_us(), 0.75 * 20000 + 0.25 * 8000);
    EXPECT_DOUBLE_EQ(rtt.smoothed_us(), 41000);
    EXPECT_DOUBLE_EQ(rtt.least_us(), 40000);
    EXPECT_DOUBLE_EQ(rtt.last_us(), 48000);
    rtt.sample(-1);
    EXPECT_EQ(rtt.samples(), 2U);
}

TEST(DestinationHealthTest, ThreeFailuresInARowAreDownOneAnswerIsUp) {
    DestinationHealth health;
    EXPECT_EQ(health.liveness(), Liveness::unknown);
    EXPECT_TRUE(health.answered(1000, at(0)));
    EXPECT_FALSE(health.answered(1000, at(1)));
    EXPECT_FALSE(health.lost());
    EXPECT_FALSE(health.refused());
    EXPECT_FALSE(health.answered(1000, at(2))); // the row is broken
    EXPECT_FALSE(health.lost());
    EXPECT_FALSE(health.lost());
    EXPECT_EQ(health.liveness(), Liveness::up);
    EXPECT_TRUE(health.refused());
    EXPECT_EQ(health.liveness(), Liveness::down);
    EXPECT_FALSE(health.lost());
    EXPECT_TRUE(health.answered(1000, at(3)));
    EXPECT_EQ(health.failures(), 6U);
    EXPECT_EQ(health.last_answer(), at(3));
    EXPECT_GT(health.loss(), 0.0);
    EXPECT_LT(health.loss(), 1.0);
}

TEST(RateMeterTest, ReachesASteadyRateWhateverTheTick) {
    for (const int tick : {10, 100, 1000}) {
        RateMeter meter;
        for (int ms = 0; ms <= 60000; ms += tick) {
            meter.update(static_cast<std::uint64_t>(ms), at(ms)); // 1000 a second
        }
        EXPECT_NEAR(meter.per_second(), 1000, 1) << tick;
    }
}

TEST(RateMeterTest, ACounterThatGoesBackMakesNoRate) {
    RateMeter meter;
    meter.update(1000000, at(0));
    meter.update(5, at(1000));
    EXPECT_EQ(meter.per_second(), 0);
    meter.update(1005, at(2000));
    EXPECT_GT(meter.per_second(), 0);
    meter.update(2000, at(2000)); // no time has passed
    EXPECT_LT(meter.per_second(), 1001);
}

TEST(ShadowSessionTest, CountsSinceLogin) {
    ShadowSession shadow(7, 1, at(0));
    shadow.count({500, 900, 5, 9, 2}, at(0));
    EXPECT_EQ(shadow.totals().bytes_up, 0U);
    shadow.count({600, 1900, 6, 19, 3}, at(1000));
    EXPECT_EQ(shadow.totals().bytes_up, 100U);
    EXPECT_EQ(shadow.totals().connections, 1U);
    EXPECT_GT(shadow.down_bps(), shadow.up_bps());
    shadow.count({10, 10, 1, 1, 0}, at(2000)); // the workers began anew
    EXPECT_EQ(shadow.totals().bytes_down, 0U);
}

TEST(ShadowSessionTest, KeepsWhatItKnowsOfMonitoredDestinations) {
    ShadowSession shadow(1, 1, at(0));
    shadow.set_monitored(std::vector<std::string>{"a.lab:80", "b.lab:80"});
    ASSERT_NE(shadow.health("a.lab:80"), nullptr);
    shadow.health("a.lab:80")->answered(100, at(1));
    shadow.set_monitored(std::vector<std::string>{"a.lab:80", "c.lab:80"});
    EXPECT_EQ(shadow.health("a.lab:80")->liveness(), Liveness::up);
    EXPECT_EQ(shadow.health("b.lab:80"), nullptr);
    EXPECT_EQ(shadow.health("c.lab:80")->liveness(), Liveness::unknown);
}

TEST(ShadowSessionTest, TheSameWarningCountsUpAndTheListIsBounded) {
    ShadowSession shadow(1, 1, at(0));
    shadow.warn(WarningKind::deviation, "x:22", "expected 0, seen 1", true, at(0));
    shadow.warn(WarningKind::deviation, "x:22", "expected 0, seen 2", true, at(5));
    ASSERT_EQ(shadow.warnings().size(), 1U);
    EXPECT_EQ(shadow.warnings()[0].times, 2U);
    EXPECT_EQ(shadow.warnings()[0].reason, "expected 0, seen 2");
    EXPECT_EQ(shadow.warnings()[0].first, at(0));
    EXPECT_EQ(shadow.warnings()[0].last, at(5));
    for (int i = 0; i < 100; ++i) {
        shadow.warn(WarningKind::threat, std::to_string(i), "feed", true, at(i));
    }
    EXPECT_EQ(shadow.warnings().size(), ShadowSession::kMaxWarnings);
    EXPECT_EQ(shadow.warnings().back().destination, "99");
}

TEST(ShadowSessionTest, HeldConnectionsThatAreGoneLeaveTheList) {
    ShadowSession shadow(1, 1, at(0));
    shadow.set_held("db.lab:5432", {1, 1, 0, 0});
    EXPECT_EQ(shadow.held().at("db.lab:5432").total(), 2U);
    shadow.set_held("db.lab:5432", {});
    EXPECT_TRUE(shadow.held().empty());
}

TEST(ShadowSessionsTest, FollowsTheSessionsEvents) {
    ShadowSessions shadows;
    SessionEvent event;
    event.desktop = 3;
    event.session = 9;
    event.change = SessionChange::login;
    shadows.follow(event);
    ASSERT_NE(shadows.find(3), nullptr);
    EXPECT_EQ(shadows.find(3)->session(), 9U);
    shadows.find(3)->set_destinations({{"a:1", 1, 0, 0}, {"b:1", 5, 0, 0}});
    EXPECT_EQ(shadows.find(3)->destinations()[0].destination, "b:1");
    EXPECT_EQ(shadows.find(3)->live_flows(), 6U);
    shadows.find(3)->warn(WarningKind::threat, "bad:1", "feed", true, at(0));
    event.change = SessionChange::cut;
    shadows.follow(event);
    EXPECT_EQ(shadows.find(3)->live_flows(), 0U);
    EXPECT_EQ(shadows.find(3)->warnings().size(), 1U);
    event.change = SessionChange::restore;
    shadows.follow(event);
    EXPECT_EQ(shadows.size(), 1U);
    event.change = SessionChange::logout;
    shadows.follow(event);
    EXPECT_EQ(shadows.find(3), nullptr);
    EXPECT_EQ(shadows.size(), 0U);
}

} // namespace
} // namespace foregate::control
