// SPDX-License-Identifier: BSD-3-Clause
#include "control/session/session_table.h"

#include <gtest/gtest.h>

namespace foregate::control {
namespace {

using std::chrono::seconds;

IpAddress address(const char* text) {
    return *IpAddress::parse(text);
}

Config two_classes() {
    Config config;
    ClassConfig office;
    office.name = "office";
    office.prefixes = {*IpPrefix::parse("10.1.0.0/24"), *IpPrefix::parse("2001:db8:1::/64")};
    office.idle_timeout = seconds{60};
    ClassConfig plant;
    plant.name = "plant";
    plant.idle_timeout = seconds{0};
    config.classes = {office, plant};
    config.desktops = {{"d1", "office", {address("10.1.0.1"), address("2001:db8:1::1")}, {}},
                       {"d2", "plant", {address("10.2.0.1")}, {}}};
    return config;
}

class SessionTableTest : public testing::Test {
protected:
    SteadyTime at(int s) const { return SteadyTime{} + seconds{1000 + s}; }
    SessionState state(DesktopId id) const { return table.find(id)->state; }
    SessionTable table{two_classes()};
};

TEST_F(SessionTableTest, ConfiguredDesktopsHaveDenseIdsNamesAndAddresses) {
    ASSERT_EQ(table.desktops().size(), 2U);
    EXPECT_EQ(table.find("d1")->id, 1U);
    EXPECT_EQ(table.find("d2")->id, 2U);
    EXPECT_EQ(table.find("10.2.0.1")->name, "d2");
    EXPECT_EQ(table.find(address("2001:db8:1::1"))->name, "d1");
    EXPECT_EQ(table.find("d2")->class_index, 1);
    EXPECT_EQ(table.find("nobody"), nullptr);
    EXPECT_EQ(table.find(DesktopId{0}), nullptr);
    EXPECT_EQ(table.find(DesktopId{3}), nullptr);
    EXPECT_FALSE(table.login(3, at(0)));
}

TEST_F(SessionTableTest, LoginOpensOneSession) {
    const auto event = table.login(1, at(0));
    ASSERT_TRUE(event);
    EXPECT_EQ(*event,
              (SessionEvent{SessionChange::login, 1, 1, SessionState::none, SessionState::active,
                            CutReason::none, LoginSource::order, at(0)}));
    EXPECT_FALSE(table.login(1, at(1)));
    EXPECT_EQ(table.login(2, at(1))->session, 2U);
}

TEST_F(SessionTableTest, FirstPacketOpensASessionButNotAfterLogout) {
    const auto event = table.activity(1, at(0));
    ASSERT_TRUE(event);
    EXPECT_EQ(event->change, SessionChange::login);
    EXPECT_EQ(event->source, LoginSource::first_packet);
    EXPECT_EQ(table.logout(1, at(1))->after, SessionState::logged_out);
    EXPECT_FALSE(table.activity(1, at(2)));
    EXPECT_EQ(state(1), SessionState::logged_out);
    EXPECT_EQ(table.login(1, at(3))->before, SessionState::logged_out);
    EXPECT_EQ(table.find(DesktopId{1})->session, 2U);
}

TEST_F(SessionTableTest, LogoutNeedsASession) {
    EXPECT_FALSE(table.logout(1, at(0)));
    ASSERT_TRUE(table.login(1, at(0)));
    ASSERT_TRUE(table.cut(1, CutReason::suspicion, at(1)));
    const auto event = table.logout(1, at(2));
    ASSERT_TRUE(event);
    EXPECT_EQ(event->before, SessionState::cut);
    EXPECT_EQ(event->reason, CutReason::suspicion);
    EXPECT_FALSE(table.logout(1, at(3)));
}

TEST_F(SessionTableTest, IdleSessionIsCutAtItsTimeoutAndBackByActivity) {
    ASSERT_TRUE(table.login(1, at(0)));
    ASSERT_TRUE(table.login(2, at(0)));
    EXPECT_FALSE(table.activity(1, at(30)));
    EXPECT_TRUE(table.cut_idle(at(89)).empty());
    const auto cuts = table.cut_idle(at(90));
    ASSERT_EQ(cuts.size(), 1U); // plant never times out
    EXPECT_EQ(cuts[0].desktop, 1U);
    EXPECT_EQ(cuts[0].reason, CutReason::inactivity);
    EXPECT_TRUE(table.cut_idle(at(1000)).empty());
    const auto back = table.activity(1, at(2000));
    ASSERT_TRUE(back);
    EXPECT_EQ(back->change, SessionChange::restore);
    EXPECT_EQ(back->session, 1U);
    EXPECT_EQ(back->reason, CutReason::inactivity);
    EXPECT_TRUE(table.cut_idle(at(2059)).empty());
    EXPECT_EQ(table.cut_idle(at(2060)).size(), 1U);
}

TEST_F(SessionTableTest, ARestoredSessionIsNotIdleAtOnce) {
    ASSERT_TRUE(table.login(1, at(0)));
    ASSERT_EQ(table.cut_idle(at(100)).size(), 1U);
    ASSERT_TRUE(table.restore(1, at(200)));
    EXPECT_TRUE(table.cut_idle(at(201)).empty());
}

TEST_F(SessionTableTest, OnlyAnOperatorLiftsTheHardCuts) {
    for (const CutReason reason : {CutReason::server_activity, CutReason::suspicion,
                                   CutReason::expected_usage, CutReason::operator_order}) {
        SessionTable fresh(two_classes());
        ASSERT_TRUE(fresh.login(1, at(0)));
        ASSERT_TRUE(fresh.cut(1, reason, at(1)));
        EXPECT_FALSE(fresh.activity(1, at(2))) << cut_reason_name(reason);
        EXPECT_FALSE(fresh.login(1, at(3))) << cut_reason_name(reason);
        const auto event = fresh.restore(1, at(4));
        ASSERT_TRUE(event);
        EXPECT_EQ(event->reason, reason);
        EXPECT_EQ(fresh.find(DesktopId{1})->cut_reason, CutReason::none);
    }
}

TEST_F(SessionTableTest, ASuspendedSessionIsResumedByLoginNotByPackets) {
    ASSERT_TRUE(table.login(1, at(0)));
    ASSERT_TRUE(table.cut(1, CutReason::suspension, at(1)));
    EXPECT_FALSE(table.activity(1, at(2)));
    const auto event = table.login(1, at(3));
    ASSERT_TRUE(event);
    EXPECT_EQ(event->change, SessionChange::restore);
    EXPECT_EQ(event->session, 1U);
}

TEST_F(SessionTableTest, AHarderReasonReplacesASofterOne) {
    ASSERT_TRUE(table.login(1, at(0)));
    ASSERT_TRUE(table.cut(1, CutReason::inactivity, at(1)));
    EXPECT_FALSE(table.cut(1, CutReason::inactivity, at(2)));
    ASSERT_TRUE(table.cut(1, CutReason::suspicion, at(3)));
    EXPECT_FALSE(table.cut(1, CutReason::inactivity, at(4)));
    EXPECT_EQ(table.find(DesktopId{1})->cut_reason, CutReason::suspicion);
    EXPECT_FALSE(table.activity(1, at(5)));
}

TEST_F(SessionTableTest, CutAndRestoreNeedTheRightState) {
    EXPECT_FALSE(table.cut(1, CutReason::operator_order, at(0)));
    EXPECT_FALSE(table.restore(1, at(0)));
    ASSERT_TRUE(table.login(1, at(0)));
    EXPECT_FALSE(table.restore(1, at(1)));
    EXPECT_FALSE(table.cut(1, CutReason::none, at(1)));
}

TEST_F(SessionTableTest, AnAddressInAClassPrefixIsMetOnce) {
    const Desktop* met = table.meet(address("10.1.0.77"));
    ASSERT_NE(met, nullptr);
    EXPECT_EQ(met->id, 3U);
    EXPECT_EQ(met->usage_class, "office");
    EXPECT_FALSE(met->configured);
    EXPECT_EQ(table.meet(address("10.1.0.77"))->id, 3U);
    EXPECT_EQ(table.meet(address("10.1.0.1"))->name, "d1");
    EXPECT_EQ(table.meet(address("192.0.2.1")), nullptr);
    EXPECT_EQ(table.find("10.1.0.77")->id, 3U);
}

TEST_F(SessionTableTest, CountsByClass) {
    ASSERT_NE(table.meet(address("10.1.0.9")), nullptr);
    ASSERT_TRUE(table.login(1, at(0)));
    ASSERT_TRUE(table.login(3, at(0)));
    ASSERT_TRUE(table.cut(3, CutReason::inactivity, at(1)));
    const auto counts = table.counts();
    ASSERT_EQ(counts.size(), 2U);
    EXPECT_EQ(counts[0].desktops, 2U);
    EXPECT_EQ(counts[0].active, 1U);
    EXPECT_EQ(counts[0].cut, 1U);
    EXPECT_EQ(counts[1].active, 0U);
}

TEST_F(SessionTableTest, AReloadKeepsIdsAndSessionsAndLogsOutWhatIsGone) {
    ASSERT_NE(table.meet(address("10.1.0.9")), nullptr);
    for (const DesktopId id : {1U, 2U, 3U}) {
        ASSERT_TRUE(table.login(id, at(0)));
    }
    Config next = two_classes();
    next.classes.erase(next.classes.begin()); // office, with its prefix
    next.desktops = {{"d3", "plant", {address("10.1.0.9")}, {}},
                     {"d1", "plant", {address("10.1.0.5")}, {}}};
    const auto events = table.reconfigure(next, at(10));
    ASSERT_EQ(events.size(), 2U);
    EXPECT_EQ(events[0].desktop, 2U);
    EXPECT_EQ(events[1].desktop, 3U);
    EXPECT_EQ(table.find("d1")->id, 1U);
    EXPECT_EQ(table.find("d1")->usage_class, "plant");
    EXPECT_EQ(state(1), SessionState::active);
    EXPECT_EQ(table.find(address("10.1.0.1")), nullptr);
    EXPECT_EQ(table.find(address("10.1.0.5"))->id, 1U);
    EXPECT_EQ(table.find("d2"), nullptr);
    EXPECT_TRUE(table.find(DesktopId{2})->retired);
    EXPECT_FALSE(table.login(2, at(11)));
    EXPECT_EQ(table.find(address("10.1.0.9"))->name, "d3");
    EXPECT_EQ(table.find("d3")->id, 4U);
    EXPECT_TRUE(table.cut_idle(at(5000)).empty());
}

TEST_F(SessionTableTest, AFoundDesktopSurvivesAReloadThatKeepsItsPrefix) {
    ASSERT_NE(table.meet(address("10.1.0.9")), nullptr);
    ASSERT_TRUE(table.login(3, at(0)));
    EXPECT_TRUE(table.reconfigure(two_classes(), at(1)).empty());
    EXPECT_EQ(table.find(address("10.1.0.9"))->id, 3U);
    EXPECT_EQ(state(3), SessionState::active);
}

TEST(SessionNames, CutReasonsReadBack) {
    for (const CutReason reason :
         {CutReason::inactivity, CutReason::suspension, CutReason::server_activity,
          CutReason::suspicion, CutReason::expected_usage, CutReason::operator_order}) {
        EXPECT_EQ(cut_reason_from_name(cut_reason_name(reason)), reason);
    }
    EXPECT_FALSE(cut_reason_from_name("boredom"));
}

} // namespace
} // namespace foregate::control
