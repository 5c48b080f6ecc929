// SPDX-License-Identifier: BSD-3-Clause
#include "control/hold/connection_keeper.h"

#include <gtest/gtest.h>
#include <set>

namespace foregate::control {
namespace {

using dataplane::CloseHeld;
using dataplane::HeldClose;
using dataplane::HeldEvent;
using dataplane::HeldFailure;
using dataplane::HeldPurpose;
using dataplane::HeldReport;
using dataplane::OpenHeld;
using dataplane::SpliceFallback;
using std::chrono::milliseconds;
using std::chrono::seconds;

IpAddress ip(const char* text) {
    return IpAddress::parse(text).value();
}

/// A worker that takes orders and establishes or refuses; keeps what is open.
struct FakeWorker {
    struct Open {
        OpenHeld order;
        SteadyTime established{};
        bool held = false;
    };
    std::map<std::uint64_t, Open> open;
    std::vector<OpenHeld> opened; ///< ever
    std::vector<std::uint64_t> closed;

    void take(const std::vector<KeeperOrder>& orders) {
        for (const KeeperOrder& o : orders) {
            if (const auto* order = std::get_if<OpenHeld>(&o.order)) {
                EXPECT_EQ(order->source, o.source);
                EXPECT_EQ(order->server, o.server);
                EXPECT_TRUE(open.emplace(order->id, Open{*order, {}, false}).second)
                    << "number used twice";
                opened.push_back(*order);
            } else {
                closed.push_back(std::get<CloseHeld>(o.order).id);
            }
        }
    }
};

class ConnectionKeeperTest : public ::testing::Test {
protected:
    ConnectionKeeperTest() {
        config.classes.resize(2);
        config.classes[0].name = "office";
        config.classes[0].guest = GuestSystem::linux_guest;
        config.classes[1].name = "lab";
        config.plan.hold.max_age = seconds(40);
        config.plan.hold.dials_per_second = 1000;
        for (unsigned i = 1; i <= 6; ++i) {
            Desktop d;
            d.id = i;
            d.class_index = i <= 4 ? 0 : 1;
            d.usage_class = i <= 4 ? "office" : "lab";
            d.addresses = {IpAddress::from_v4(0x0a010000U + i)};
            d.state = SessionState::active;
            desktops.push_back(d);
        }
        answer("db.lab", "10.2.0.5");
        want("office", "db.lab:5432", 1);
    }
    void answer(const char* name, const char* address) {
        const std::vector<IpAddress> one{ip(address)};
        directory.learn(name, !one[0].is_v4(), one, 86400, now, AnswerSource::desktop);
    }
    void want(const char* usage_class, const char* destination, unsigned each,
              unsigned limit = 1000, ConnectionPurpose purpose = ConnectionPurpose::predicted) {
        ConnectionTarget t;
        t.usage_class = usage_class;
        t.destination = destination;
        t.per_desktop = each;
        t.limit = limit;
        t.purpose = purpose;
        targets.push_back(t);
    }
    ConnectionKeeper& keeper() {
        if (!keeper_) {
            keeper_.emplace(config, may_connect);
        }
        return *keeper_;
    }
    std::vector<KeeperOrder> tick() {
        auto orders = keeper().tick(targets, desktops, directory, now);
        worker.take(orders);
        return orders;
    }
    HeldReport about(std::uint64_t id, HeldEvent event) {
        const auto& o = worker.open.at(id);
        HeldReport r;
        r.event = event;
        r.id = id;
        r.desktop = o.order.desktop;
        r.usage_class = o.order.usage_class;
        r.purpose = o.order.purpose;
        r.server = o.order.server;
        r.port = o.order.port;
        r.age_ns =
            o.held
                ? static_cast<std::uint64_t>(std::chrono::nanoseconds(now - o.established).count())
                : 0;
        return r;
    }
    void establish(std::uint64_t id, std::uint32_t rtt_us = 1000) {
        auto r = about(id, HeldEvent::established);
        r.rtt_us = rtt_us;
        worker.open.at(id).held = true;
        worker.open.at(id).established = now;
        keeper().report(r, now);
    }
    void establish_all() {
        for (auto& [id, o] : worker.open) {
            if (!o.held) {
                establish(id);
            }
        }
    }
    void fail(std::uint64_t id, HeldFailure why) {
        auto r = about(id, HeldEvent::failed);
        r.fail = why;
        worker.open.erase(id);
        keeper().report(r, now);
    }
    void ended(std::uint64_t id, HeldClose why, HeldEvent event = HeldEvent::closed) {
        auto r = about(id, event);
        r.close = why;
        worker.open.erase(id);
        keeper().report(r, now);
    }
    /// Closes are carried out, and ages end as the data plane ends them.
    void work() {
        for (const std::uint64_t id : worker.closed) {
            if (worker.open.contains(id)) {
                worker.open.at(id).held ? ended(id, HeldClose::ordered)
                                        : fail(id, HeldFailure::ordered);
            }
        }
        worker.closed.clear();
        std::vector<std::uint64_t> old;
        for (const auto& [id, o] : worker.open) {
            if (o.held && now - o.established >= std::chrono::nanoseconds(o.order.max_age_ns)) {
                old.push_back(id);
            }
        }
        for (const std::uint64_t id : old) {
            ended(id, HeldClose::expired);
        }
    }
    /// So many seconds with a worker that establishes at once.
    void live(int for_seconds) {
        for (int i = 0; i < for_seconds * 4; ++i) {
            now += milliseconds(250);
            tick();
            establish_all();
            tick();
            work();
        }
    }
    std::uint64_t only() const {
        EXPECT_EQ(worker.open.size(), 1U);
        return worker.open.empty() ? 0 : worker.open.begin()->first;
    }
    void one_desktop() { desktops.resize(1); }
    DestinationHold hold_of(const std::string& destination) {
        for (const DestinationHold& h : keeper().holds(now)) {
            if (h.destination == destination) {
                return h;
            }
        }
        return {};
    }

    SteadyTime now = SteadyTime(std::chrono::hours(100));
    Config config;
    std::vector<Desktop> desktops;
    DestinationDirectory directory;
    std::vector<ConnectionTarget> targets;
    FakeWorker worker;
    MayConnect may_connect; ///< set before the first tick
    std::optional<ConnectionKeeper> keeper_;
};

TEST_F(ConnectionKeeperTest, OpensForEveryDesktopOfTheClassAndNoMore) {
    tick();
    ASSERT_EQ(worker.opened.size(), 4U);
    std::set<std::uint32_t> whose;
    for (const OpenHeld& o : worker.opened) {
        whose.insert(o.desktop);
        EXPECT_EQ(o.server, ip("10.2.0.5"));
        EXPECT_EQ(o.port, 5432);
        EXPECT_EQ(o.source, desktops[o.desktop - 1].addresses[0]);
        EXPECT_EQ(o.max_age_ns, 40'000'000'000U);
        EXPECT_EQ(o.keepalive_ns, 15'000'000'000U);
        EXPECT_EQ(o.purpose, HeldPurpose::predicted);
    }
    EXPECT_EQ(whose, (std::set<std::uint32_t>{1, 2, 3, 4}));
    tick();
    establish_all();
    tick();
    EXPECT_EQ(worker.opened.size(), 4U);
    EXPECT_EQ(hold_of("db.lab:5432").held, 4U);
    EXPECT_EQ(hold_of("db.lab:5432").wanted, 4U);
    EXPECT_EQ(keeper().counts_of(2).at("db.lab:5432").held, 1U);
    EXPECT_TRUE(keeper().counts_of(5).empty());
}

TEST_F(ConnectionKeeperTest, NothingOpensToWhatAClassMayNotReach) {
    want("lab", "db.lab:5432", 1);
    std::set<std::string> asked;
    may_connect = [&](std::uint16_t class_index, const std::string& destination, const IpAddress& server) {
        asked.insert(destination + " " + server.to_string());
        return class_index == 1;
    };
    tick();
    ASSERT_EQ(worker.opened.size(), 2U) << "the other class's desktops";
    for (const OpenHeld& o : worker.opened) {
        EXPECT_EQ(o.usage_class, 1);
    }
    EXPECT_EQ(asked, (std::set<std::string>{"db.lab:5432 10.2.0.5"}));
    EXPECT_FALSE(keeper().order_one(desktops[0], "db.lab:5432", directory, now)) << "an operator's order neither";
    EXPECT_TRUE(keeper().order_one(desktops[4], "db.lab:5432", directory, now));
}

TEST_F(ConnectionKeeperTest, WhatIsHeldIsClosedWhenItIsDenied) {
    bool allowed = true;
    may_connect = [&](std::uint16_t, const std::string&, const IpAddress&) { return allowed; };
    tick();
    establish_all();
    tick();
    ASSERT_EQ(worker.open.size(), 4U);
    allowed = false;
    tick();
    EXPECT_TRUE(worker.closed.empty()) << "asked when told only";
    keeper().permissions_changed();
    tick();
    EXPECT_EQ(worker.closed.size(), 4U);
    work();
    live(5);
    EXPECT_TRUE(worker.open.empty());
}

TEST_F(ConnectionKeeperTest, NothingOpensWithoutATargetOrAnAddress) {
    targets.clear();
    want("office", "unknown.lab:80", 1);
    want("office", "10.0.0.0/24:80", 1);
    want("nobody", "db.lab:5432", 1);
    tick();
    EXPECT_TRUE(worker.opened.empty());
}

TEST_F(ConnectionKeeperTest, CapsPerDesktopDestinationTargetAndInTotal) {
    config.plan.hold.per_desktop_and_destination = 2;
    config.plan.hold.per_desktop = 3;
    config.plan.hold.per_destination = 5;
    config.plan.hold.total = 6;
    targets.clear();
    want("office", "db.lab:5432", 9, 3);
    want("lab", "db.lab:5432", 9);
    want("office", "10.2.0.7:80", 2);
    tick();
    std::map<std::uint32_t, unsigned> each;
    std::map<IpAddress, unsigned> to;
    for (const OpenHeld& o : worker.opened) {
        ++each[o.desktop];
        ++to[o.server];
    }
    EXPECT_EQ(worker.opened.size(), 6U);
    EXPECT_EQ(to[ip("10.2.0.5")], 5U);
    EXPECT_EQ(each[1] + each[2] + each[3] + each[4], 4U);
    EXPECT_EQ(each[5] + each[6], 2U);
    for (const auto& [desktop, n] : each) {
        EXPECT_LE(n, 3U);
    }
}

TEST_F(ConnectionKeeperTest, PerDesktopCapCountsAllDestinations) {
    one_desktop();
    config.plan.hold.per_desktop = 3;
    want("office", "10.2.0.7:80", 2);
    want("office", "10.2.0.8:80", 2);
    tick();
    EXPECT_EQ(worker.opened.size(), 3U);
}

TEST_F(ConnectionKeeperTest, DialsAreLimitedInRate) {
    config.plan.hold.dials_per_second = 2;
    tick();
    EXPECT_EQ(worker.opened.size(), 2U);
    now += milliseconds(400);
    tick();
    EXPECT_EQ(worker.opened.size(), 2U);
    now += milliseconds(200);
    tick();
    EXPECT_EQ(worker.opened.size(), 3U);
    now += seconds(10);
    tick();
    EXPECT_EQ(worker.opened.size(), 4U);
}

TEST_F(ConnectionKeeperTest, SuccessorIsThereBeforeTheOldOneGoesForMinutes) {
    tick();
    establish_all();
    for (int i = 0; i < 240 * 4; ++i) {
        now += milliseconds(250);
        tick();
        establish_all();
        for (unsigned d = 1; d <= 4; ++d) { // each desktop could splice at every moment
            bool usable = false;
            for (const auto& [id, o] : worker.open) {
                usable = usable || (o.order.desktop == d && o.held &&
                                    now - o.established + milliseconds(500) <
                                        std::chrono::nanoseconds(o.order.max_age_ns));
            }
            ASSERT_TRUE(usable) << "desktop " << d << " at " << i;
        }
        tick();
        work();
        ASSERT_LE(worker.open.size(), 8U);
    }
    EXPECT_EQ(worker.open.size(), 4U);
    EXPECT_GE(keeper().totals().opened, 4U * 7);
    EXPECT_EQ(keeper().totals().expired, keeper().totals().opened - 4)
        << "all but the present ones";
    EXPECT_FALSE(keeper().totals().closed.contains("expired"))
        << "none was left to the data plane's age limit";
}

TEST_F(ConnectionKeeperTest, OldOneStaysUntilTheSuccessorIsEstablished) {
    one_desktop();
    tick();
    const auto first = only();
    establish(first);
    now += seconds(31);
    tick();
    ASSERT_EQ(worker.opened.size(), 2U);
    EXPECT_TRUE(worker.closed.empty());
    tick();
    EXPECT_EQ(worker.opened.size(), 2U) << "one successor is enough";
    establish(worker.opened.back().id);
    tick();
    EXPECT_EQ(worker.closed, (std::vector<std::uint64_t>{first}));
}

TEST_F(ConnectionKeeperTest, ReplacementsOfAFleetAreSpread) {
    desktops.clear();
    for (unsigned i = 1; i <= 200; ++i) {
        Desktop d;
        d.id = i;
        d.addresses = {IpAddress::from_v4(0x0a010000U + i)};
        d.state = SessionState::active;
        desktops.push_back(d);
    }
    tick();
    establish_all();
    ASSERT_EQ(worker.opened.size(), 200U);
    std::size_t most = 0;
    for (int i = 0; i < 160; ++i) {
        now += milliseconds(250);
        const std::size_t before = worker.opened.size();
        tick();
        most = std::max(most, worker.opened.size() - before);
        if (i < 103) {
            ASSERT_EQ(worker.opened.size(), 200U) << "none before 65 % of the age";
        }
    }
    EXPECT_EQ(worker.opened.size(), 400U);
    EXPECT_LE(most, 40U);
}

TEST_F(ConnectionKeeperTest, MaxAgePerDestination) {
    DestinationSpec spec;
    spec.name = "db.lab";
    spec.port = 5432;
    config.plan.hold.max_age_of.emplace_back(spec, seconds(55));
    tick();
    EXPECT_EQ(worker.opened[0].max_age_ns, 55'000'000'000U);
}

TEST_F(ConnectionKeeperTest, HalfOfTheAgeAtWhichTheServerClosesBecomesTheLimit) {
    one_desktop();
    tick();
    establish(only());
    now += seconds(24);
    ended(only(), HeldClose::server_fin);
    tick();
    EXPECT_EQ(worker.opened.back().max_age_ns, 12'000'000'000U);
    EXPECT_TRUE(hold_of("db.lab:5432").max_age_learned);
    establish(only());
    now += seconds(3);
    ended(only(), HeldClose::server_rst);
    tick();
    EXPECT_EQ(worker.opened.back().max_age_ns, 4'000'000'000U) << "the floor";
    now += std::chrono::hours(5);
    EXPECT_EQ(hold_of("db.lab:5432").max_age_s, 40.0) << "relaxed";
}

TEST_F(ConnectionKeeperTest, RefusalsRetreatOnceForAllDialsAndThenTryOne) {
    tick();
    for (const OpenHeld& o : std::vector<OpenHeld>(worker.opened)) {
        fail(o.id, HeldFailure::refused);
    }
    EXPECT_EQ(hold_of("db.lab:5432").last_failure, "refused");
    EXPECT_EQ(hold_of("db.lab:5432").backoff_s, 1.0) << "four dials of one trial";
    EXPECT_EQ(keeper().totals().failed.at("refused"), 4U);
    tick();
    EXPECT_EQ(worker.opened.size(), 4U);
    now += seconds(1);
    tick();
    ASSERT_EQ(worker.opened.size(), 5U) << "one at a time";
    tick();
    ASSERT_EQ(worker.opened.size(), 5U);
    fail(worker.opened.back().id, HeldFailure::timeout);
    EXPECT_EQ(hold_of("db.lab:5432").backoff_s, 2.0);
    now += seconds(2);
    tick();
    ASSERT_EQ(worker.opened.size(), 6U);
    establish(worker.opened.back().id);
    tick();
    EXPECT_EQ(worker.opened.size(), 9U) << "it answers: all the others";
}

TEST_F(ConnectionKeeperTest, BackOffGrowsToTenMinutes) {
    one_desktop();
    for (int i = 0; i < 15; ++i) {
        tick();
        fail(only(), HeldFailure::icmp);
        now += std::chrono::minutes(10);
    }
    tick();
    fail(only(), HeldFailure::icmp);
    EXPECT_EQ(hold_of("db.lab:5432").backoff_s, 600.0);
}

TEST_F(ConnectionKeeperTest, AServerThatDefersIsNotBelievedForItsHandshakes) {
    one_desktop();
    double last = 0;
    for (int i = 0; i < 4; ++i) {
        tick();
        establish(only());
        now += seconds(1);
        ended(only(), HeldClose::deferred_accept);
        EXPECT_GT(hold_of("db.lab:5432").backoff_s, last)
            << "its handshakes do not clear the retreat";
        last = hold_of("db.lab:5432").backoff_s;
        now += seconds(20);
    }
    EXPECT_EQ(hold_of("db.lab:5432").last_failure, "deferred_accept");
}

TEST_F(ConnectionKeeperTest, FollowsTheAddressAtOnce) {
    tick();
    establish_all();
    answer("db.lab", "10.2.0.9");
    tick();
    EXPECT_EQ(worker.closed.size(), 4U);
    ASSERT_EQ(worker.opened.size(), 8U);
    for (std::size_t i = 4; i < 8; ++i) {
        EXPECT_EQ(worker.opened[i].server, ip("10.2.0.9"));
    }
    EXPECT_EQ(keeper().totals().moved, 4U);
    work();
    establish_all();
    tick();
    EXPECT_EQ(worker.opened.size(), 8U);
}

TEST_F(ConnectionKeeperTest, SpliceIsReplacedWhileTheTargetStands) {
    one_desktop();
    tick();
    const auto first = only();
    establish(first);
    keeper().report(about(first, HeldEvent::splice_begun), now);
    keeper().report(about(first, HeldEvent::spliced), now);
    tick();
    EXPECT_EQ(worker.opened.size(), 2U);
    EXPECT_EQ(keeper().totals().used, 1U);
    EXPECT_EQ(keeper().counts_of(1).at("db.lab:5432").spliced, 1U);
    targets.clear();
    now += std::chrono::hours(3);
    tick();
    EXPECT_EQ(keeper().counts_of(1).at("db.lab:5432").spliced, 1U) << "a splice is the desktop's";
    for (const auto id : worker.closed) {
        EXPECT_NE(id, first);
    }
    ended(first, HeldClose::finished, HeldEvent::splice_ended);
    EXPECT_EQ(keeper().destination_of(first), "");
}

TEST_F(ConnectionKeeperTest, SpliceTakenBackIsHeldAgainAndTheSurplusGoesAfterTheGrace) {
    one_desktop();
    tick();
    const auto first = only();
    establish(first);
    keeper().report(about(first, HeldEvent::splice_begun), now);
    tick();
    establish_all();
    keeper().report(about(first, HeldEvent::splice_undone), now);
    tick();
    EXPECT_TRUE(worker.closed.empty());
    now += seconds(10);
    tick();
    EXPECT_EQ(worker.closed, (std::vector<std::uint64_t>{first}));
}

TEST_F(ConnectionKeeperTest, TargetGoneClosesAfterAGraceOnly) {
    tick();
    establish_all();
    const auto kept = targets;
    targets.clear();
    tick();
    now += seconds(9);
    tick();
    EXPECT_TRUE(worker.closed.empty());
    targets = kept;
    tick();
    targets.clear();
    now += seconds(5);
    tick();
    EXPECT_TRUE(worker.closed.empty()) << "the grace begins anew";
    now += seconds(10);
    tick();
    EXPECT_EQ(worker.closed.size(), 4U);
    work();
    live(5);
    EXPECT_TRUE(worker.open.empty());
    EXPECT_EQ(worker.opened.size(), 4U);
}

TEST_F(ConnectionKeeperTest, SessionCutOrGoneClosesAtOnce) {
    tick();
    establish_all();
    desktops[0].state = SessionState::cut;
    desktops[1].state = SessionState::logged_out;
    desktops[2].addresses = {ip("10.1.0.33")};
    tick();
    EXPECT_EQ(worker.closed.size(), 3U);
    work();
    EXPECT_TRUE(keeper().counts_of(1).empty());
    EXPECT_TRUE(keeper().counts_of(2).empty());
    ASSERT_EQ(worker.opened.size(), 5U);
    EXPECT_EQ(worker.opened.back().source, ip("10.1.0.33"));
    desktops[0].state = SessionState::active;
    tick();
    EXPECT_EQ(worker.opened.back().desktop, 1U);
}

TEST_F(ConnectionKeeperTest, SynIsTheDesktopsOwnElseItsClasssElseTheGuests) {
    tick();
    EXPECT_EQ(worker.opened[0].syn.window_scale, 7);
    EXPECT_TRUE(worker.opened[0].syn.timestamps);
    establish_all();
    dataplane::SynLearned learned{1, 0, default_syn(GuestSystem::linux_guest)};
    learned.syn.window_scale = 10;
    keeper().learn(learned);
    tick();
    ASSERT_EQ(worker.opened.size(), 8U) << "what was guessed wrongly is replaced";
    for (std::size_t i = 4; i < 8; ++i) {
        EXPECT_EQ(worker.opened[i].syn.window_scale, 10);
    }
    establish_all();
    tick();
    work();
    learned.desktop = 2;
    learned.syn.window_scale = 9;
    keeper().learn(learned);
    tick();
    ASSERT_EQ(worker.opened.size(), 9U) << "of the others none is a guess any more";
    EXPECT_EQ(worker.opened.back().desktop, 2U);
    EXPECT_EQ(worker.opened.back().syn.window_scale, 9);
}

TEST_F(ConnectionKeeperTest, OneByOrderIsHeldWithoutASuccessor) {
    targets.clear();
    const auto order = keeper().order_one(desktops[4], "db.lab:5432", directory, now);
    ASSERT_TRUE(order.has_value());
    worker.take({*order});
    EXPECT_EQ(worker.opened[0].purpose, HeldPurpose::ordered);
    establish_all();
    live(35);
    EXPECT_EQ(worker.opened.size(), 1U);
    EXPECT_EQ(worker.open.size(), 1U);
    live(10);
    EXPECT_TRUE(worker.open.empty());
    EXPECT_EQ(keeper().totals().expired, 1U);
    desktops[4].state = SessionState::cut;
    EXPECT_FALSE(keeper().order_one(desktops[4], "db.lab:5432", directory, now));
    EXPECT_FALSE(keeper().order_one(desktops[0], "unknown.lab:1", directory, now));
    EXPECT_FALSE(keeper().order_one(desktops[0], "other", directory, now));
}

TEST_F(ConnectionKeeperTest, OrderThatCouldNotBeSentComesAgain) {
    one_desktop();
    const auto orders = keeper().tick(targets, desktops, directory, now);
    ASSERT_EQ(orders.size(), 1U);
    keeper().not_sent(orders[0]);
    EXPECT_TRUE(keeper().counts_of(1).empty());
    EXPECT_EQ(keeper().totals().dialed, 0U);
    tick();
    establish(only());
    desktops[0].state = SessionState::cut;
    const auto closes = keeper().tick(targets, desktops, directory, now);
    ASSERT_EQ(closes.size(), 1U);
    keeper().not_sent(closes[0]);
    tick();
    EXPECT_EQ(worker.closed, (std::vector<std::uint64_t>{only()}));
}

TEST_F(ConnectionKeeperTest, LostReportsDoNotHoldAPlaceForever) {
    one_desktop();
    tick();
    now += seconds(30);
    const auto orders = tick();
    EXPECT_EQ(worker.closed.size(), 1U);
    EXPECT_EQ(worker.opened.size(), 2U);
    establish(worker.opened.back().id);
    now += seconds(51);
    tick();
    EXPECT_EQ(worker.opened.size(), 3U);
}

TEST_F(ConnectionKeeperTest, MonitorsTellRoundTripLossAndRefusal) {
    one_desktop();
    targets.clear();
    want("office", "db.lab:5432", 1, 1000, ConnectionPurpose::monitor);
    tick();
    EXPECT_EQ(worker.opened[0].purpose, HeldPurpose::monitor);
    const auto first = only();
    establish(first, 40123);
    auto probe = about(first, HeldEvent::probe);
    probe.rtt_us = 41000;
    keeper().report(probe, now);
    ended(first, HeldClose::keepalive_lost);
    tick();
    fail(only(), HeldFailure::refused);
    const auto probes = keeper().take_probes();
    ASSERT_EQ(probes.size(), 4U);
    EXPECT_EQ(probes[0], (ProbeResult{1, "db.lab:5432", 40123, false}));
    EXPECT_EQ(probes[1], (ProbeResult{1, "db.lab:5432", 41000, false}));
    EXPECT_EQ(probes[2], (ProbeResult{1, "db.lab:5432", 0, false}));
    EXPECT_EQ(probes[3], (ProbeResult{1, "db.lab:5432", 0, true}));
    EXPECT_TRUE(keeper().take_probes().empty());
}

TEST_F(ConnectionKeeperTest, MonitorAndPredictedAreHeldBesideEachOther) {
    one_desktop();
    want("office", "db.lab:5432", 1, 1000, ConnectionPurpose::monitor);
    tick();
    EXPECT_EQ(worker.opened.size(), 2U);
    EXPECT_EQ(keeper().counts_of(1).at("db.lab:5432").dialing, 2U);
}

TEST_F(ConnectionKeeperTest, SwitchedOffOnlyMonitorsAreHeld) {
    config.plan.hold.enabled = false;
    want("lab", "db.lab:5432", 1, 1000, ConnectionPurpose::monitor);
    tick();
    ASSERT_EQ(worker.opened.size(), 2U);
    EXPECT_EQ(worker.opened[0].purpose, HeldPurpose::monitor);
}

TEST_F(ConnectionKeeperTest, FallbacksAreCountedByReason) {
    one_desktop();
    tick();
    establish(only());
    auto r = about(only(), HeldEvent::fallback);
    r.fallback = SpliceFallback::mss_small;
    keeper().report(r, now);
    EXPECT_EQ(keeper().totals().fallbacks.at("mss_small"), 1U);
    EXPECT_EQ(keeper().counts_of(1).at("db.lab:5432").held, 1U);
}

TEST_F(ConnectionKeeperTest, UnusedDestinationsAreForgotten) {
    tick();
    establish_all();
    targets.clear();
    live(60);
    EXPECT_EQ(keeper().holds(now).size(), 1U);
    now += std::chrono::hours(1);
    tick();
    EXPECT_TRUE(keeper().holds(now).empty());
}

} // namespace
} // namespace foregate::control
