// SPDX-License-Identifier: BSD-3-Clause
#include "control/destination/address_choice.h"
#include "control/destination/directory.h"

#include <cstring>
#include <gtest/gtest.h>

namespace foregate::control {
namespace {

using std::chrono::seconds;
using Names = std::vector<std::string>;
using List = std::vector<IpAddress>;

const SteadyTime kStart = SteadyTime(std::chrono::hours(100));
IpAddress ip(const char* text) {
    return IpAddress::parse(text).value();
}

class DestinationDirectoryTest : public ::testing::Test {
protected:
    void answer(const char* name, List addresses, std::uint32_t ttl = 60,
                AnswerSource source = AnswerSource::desktop) {
        directory.learn(name, !addresses.front().is_v4(), addresses, ttl, now, source);
    }
    static Desktop desktop(List addresses) {
        Desktop d;
        d.id = 1;
        d.addresses = std::move(addresses);
        return d;
    }
    IpAddress picked(const Desktop& d, GuestSystem guest = GuestSystem::linux_guest) {
        const auto pick = directory.pick("db.lab:5432", d, guest, now);
        return pick ? pick->server : IpAddress{};
    }
    SteadyTime now = kStart;
    DestinationDirectory directory;
};

TEST_F(DestinationDirectoryTest, NamesAnAddressAndListsBothFamilies) {
    EXPECT_EQ(directory.name_of(ip("10.1.0.5"), 443), "10.1.0.5:443");
    answer("DB.lab.", {ip("10.1.0.5"), ip("10.1.0.6")});
    answer("db.lab", {ip("2001:db8::5")});
    EXPECT_EQ(directory.name_of(ip("10.1.0.6"), 5432), "db.lab:5432");
    EXPECT_EQ(directory.addresses_of("db.lab:5432"),
              (List{ip("10.1.0.5"), ip("10.1.0.6"), ip("2001:db8::5")}));
    EXPECT_EQ(directory.addresses_of("[2001:db8::9]:443"), (List{ip("2001:db8::9")}));
    EXPECT_TRUE(directory.addresses_of("10.0.0.0/24:443").empty());
    EXPECT_TRUE(directory.addresses_of("other").empty());
}

TEST_F(DestinationDirectoryTest, NewAnswerReplacesOnlyItsFamilyAndRaisesTheVersion) {
    answer("db.lab", {ip("10.1.0.5")});
    answer("db.lab", {ip("2001:db8::5")});
    const auto before = directory.version();
    answer("db.lab", {ip("10.1.0.5")});
    EXPECT_EQ(directory.version(), before);
    answer("db.lab", {ip("10.1.0.7")});
    EXPECT_GT(directory.version(), before);
    EXPECT_EQ(directory.addresses_of("db.lab:1"), (List{ip("10.1.0.7"), ip("2001:db8::5")}));
    EXPECT_TRUE(directory.has_left("db.lab:1", ip("10.1.0.5"), now));
    EXPECT_FALSE(directory.has_left("db.lab:1", ip("10.1.0.7"), now));
    EXPECT_FALSE(directory.has_left("10.1.0.5:1", ip("10.1.0.5"), now));
    EXPECT_FALSE(directory.has_left("db.lab:1", ip("10.1.0.5"), now + seconds(60)))
        << "no longer fresh";
}

TEST_F(DestinationDirectoryTest, AddressKeepsItsNameForTenMinutesAfterItLeft) {
    answer("db.lab", {ip("10.1.0.5")});
    answer("db.lab", {ip("10.1.0.7")}, 3600);
    now += seconds(599);
    directory.expire(now);
    EXPECT_EQ(directory.name_of(ip("10.1.0.5"), 5432), "db.lab:5432");
    now += seconds(2);
    directory.expire(now);
    EXPECT_EQ(directory.name_of(ip("10.1.0.5"), 5432), "10.1.0.5:5432");
    EXPECT_EQ(directory.name_of(ip("10.1.0.7"), 5432), "db.lab:5432");
}

TEST_F(DestinationDirectoryTest, ServersThatTakeTurnsHaveNotLeft) {
    answer("cdn.lab", {ip("10.1.0.5")});
    answer("cdn.lab", {ip("10.1.0.6")});
    EXPECT_TRUE(directory.has_left("cdn.lab:443", ip("10.1.0.5"), now));
    answer("cdn.lab", {ip("10.1.0.5")});
    EXPECT_FALSE(directory.has_left("cdn.lab:443", ip("10.1.0.6"), now));
    EXPECT_TRUE(directory.snapshot(now).front().rotating);
}

TEST_F(DestinationDirectoryTest, FlowNameCountsWhereDnsSaysNothingAndDecidesBetweenNames) {
    directory.learn_from_flow("www.lab", ip("10.1.0.5"), 443, now);
    EXPECT_EQ(directory.name_of(ip("10.1.0.5"), 443), "www.lab:443");
    EXPECT_EQ(directory.name_of(ip("10.1.0.5"), 80), "10.1.0.5:80");
    answer("host.lab", {ip("10.1.0.5")});
    EXPECT_EQ(directory.name_of(ip("10.1.0.5"), 443), "host.lab:443") << "DNS names it now";
    now += seconds(1);
    answer("www.lab", {ip("10.1.0.5")});
    now += seconds(1);
    answer("host.lab", {ip("10.1.0.5")});
    EXPECT_EQ(directory.name_of(ip("10.1.0.5"), 443), "www.lab:443")
        << "seen in flows to this port";
    EXPECT_EQ(directory.name_of(ip("10.1.0.5"), 22), "host.lab:22") << "the latest answer";
    const Names interest{"www.lab:22"};
    (void)directory.stale_names(interest, now);
    EXPECT_EQ(directory.name_of(ip("10.1.0.5"), 22), "www.lab:22") << "of interest at this port";
}

TEST_F(DestinationDirectoryTest, StaleNamesAreUnknownOnesAndThoseNearTheirEnd) {
    const Names interest{"db.lab:5432", "db.lab:22", "10.0.0.1:443", "new.lab:80"};
    answer("db.lab", {ip("10.1.0.5")}, 100);
    EXPECT_EQ(directory.stale_names(interest, now), (Names{"db.lab", "new.lab"}))
        << "IPv6 was never asked for";
    directory.learn("db.lab", true, {}, 100, now, AnswerSource::resolver);
    EXPECT_EQ(directory.stale_names(interest, now), (Names{"new.lab"}));
    EXPECT_EQ(directory.stale_names(interest, now + seconds(89)), (Names{"new.lab"}));
    EXPECT_EQ(directory.stale_names(interest, now + seconds(90)), (Names{"db.lab", "new.lab"}));
    EXPECT_TRUE(directory.fresh("db.lab", now + seconds(99)));
    EXPECT_FALSE(directory.fresh("db.lab", now + seconds(100)));
    EXPECT_FALSE(directory.fresh("new.lab", now));
}

TEST_F(DestinationDirectoryTest, ResolverDoesNotReplaceTheDesktopsFreshAnswer) {
    answer("db.lab", {ip("10.1.0.5")}, 100);
    answer("db.lab", {ip("10.1.0.9")}, 100, AnswerSource::resolver);
    EXPECT_EQ(directory.addresses_of("db.lab:1"), (List{ip("10.1.0.5")}));
    now += seconds(95);
    answer("db.lab", {ip("10.1.0.9")}, 100, AnswerSource::resolver);
    EXPECT_EQ(directory.addresses_of("db.lab:1"), (List{ip("10.1.0.9")}));
}

TEST_F(DestinationDirectoryTest, TtlIsBoundedOnBothSides) {
    answer("zero.lab", {ip("10.1.0.5")}, 0);
    EXPECT_TRUE(directory.fresh("zero.lab", now));
    EXPECT_FALSE(directory.fresh("zero.lab", now + seconds(1)));
    answer("long.lab", {ip("10.1.0.6")}, 10'000'000);
    EXPECT_FALSE(directory.fresh("long.lab", now + seconds(86400)));
}

TEST_F(DestinationDirectoryTest, PicksIpv6WhereTheDesktopHasItAndTheFirstOfTheAnswer) {
    answer("db.lab", {ip("10.1.0.5"), ip("10.1.0.6")});
    const Desktop both =
        desktop({ip("10.9.0.1"), ip("10.1.0.1"), ip("fe80::1"), ip("2001:db8:1::1")});
    EXPECT_EQ(directory.pick("db.lab:5432", both, GuestSystem::linux_guest, now),
              (Pick{ip("10.1.0.5"), ip("10.1.0.1")}));
    answer("db.lab", {ip("2001:db8::5")});
    EXPECT_EQ(directory.pick("db.lab:5432", both, GuestSystem::windows_guest, now),
              (Pick{ip("2001:db8::5"), ip("2001:db8:1::1")}));
    EXPECT_EQ(picked(desktop({ip("10.1.0.1")})), ip("10.1.0.5")) << "no IPv6 of its own";
    EXPECT_EQ(picked(desktop({ip("fe80::1"), ip("10.1.0.1")})), ip("10.1.0.5"))
        << "link-local only";
    EXPECT_EQ(directory.pick("10.7.0.1:22", both, GuestSystem::linux_guest, now)->server,
              ip("10.7.0.1"));
    EXPECT_FALSE(directory.pick("[2001:db8::9]:22", desktop({ip("10.1.0.1")}),
                                GuestSystem::linux_guest, now));
    EXPECT_FALSE(directory.pick("unknown.lab:22", both, GuestSystem::linux_guest, now));
}

TEST_F(DestinationDirectoryTest, UniqueLocalServerIsSecondOnWindowsOnly) {
    answer("db.lab", {ip("10.1.0.5")});
    answer("db.lab", {ip("fd00:1::5")});
    const Desktop d = desktop({ip("10.1.0.1"), ip("fd00:2::1")});
    EXPECT_EQ(picked(d, GuestSystem::linux_guest), ip("fd00:1::5"));
    EXPECT_EQ(picked(d, GuestSystem::windows_guest), ip("10.1.0.5"));
    EXPECT_EQ(picked(desktop({ip("10.1.0.1"), ip("2001:db8::1")})), ip("10.1.0.5"))
        << "labels differ";
}

TEST_F(DestinationDirectoryTest, WhatTheClassUsesGoesBeforeTheRule) {
    answer("db.lab", {ip("10.1.0.5")});
    answer("db.lab", {ip("2001:db8::5")});
    Desktop d = desktop({ip("10.1.0.1"), ip("2001:db8::1")});
    directory.note_use(0, ip("10.1.0.5"), 5432, 3);
    EXPECT_EQ(picked(d), ip("2001:db8::5")) << "too few to tell";
    directory.note_use(0, ip("10.1.0.5"), 5432, 3);
    EXPECT_EQ(picked(d), ip("10.1.0.5"));
    d.class_index = 1;
    EXPECT_EQ(picked(d), ip("2001:db8::5")) << "another class";
}

TEST_F(DestinationDirectoryTest, StaleAnswerIsUsedForAnHourAndThenForgotten) {
    answer("db.lab", {ip("10.1.0.5")}, 60);
    const Desktop d = desktop({ip("10.1.0.1")});
    now += seconds(3659);
    EXPECT_EQ(picked(d), ip("10.1.0.5"));
    now += seconds(1);
    EXPECT_EQ(picked(d), IpAddress{});
    directory.expire(now);
    EXPECT_TRUE(directory.addresses_of("db.lab:5432").empty());
    directory.expire(now + seconds(601));
    EXPECT_EQ(directory.size(), 0U);
}

TEST_F(DestinationDirectoryTest, MemoryIsBoundedAndTheUnusedGoFirst) {
    DestinationDirectory small(32);
    const Names interest{"n0.lab:80"};
    for (unsigned i = 0; i < 200; ++i) {
        now += seconds(1);
        const List one{IpAddress::from_v4(0x0a000000U + i)};
        small.learn("n" + std::to_string(i) + ".lab", false, one, 60, now, AnswerSource::desktop);
        (void)small.stale_names(interest, now);
        ASSERT_LE(small.size(), 32U);
    }
    EXPECT_EQ(small.name_of(ip("10.0.0.0"), 80), "n0.lab:80") << "in use";
    EXPECT_EQ(small.name_of(ip("10.0.0.1"), 80), "10.0.0.1:80");
    EXPECT_EQ(small.name_of(ip("10.0.0.199"), 80), "n199.lab:80");
}

TEST_F(DestinationDirectoryTest, TakesTheDataPlanesReport) {
    dataplane::DnsLearned report;
    std::strcpy(report.name.data(), "db.lab");
    report.addresses[0] = ip("10.1.0.5");
    report.addresses[1] = ip("2001:db8::5");
    report.count = 2;
    report.ttl_s = 60;
    directory.learn(report, now);
    EXPECT_EQ(directory.addresses_of("db.lab:1").size(), 2U);
    report.name = {};
    directory.learn(report, now);
    EXPECT_EQ(directory.size(), 1U) << "no name, no entry";
}

TEST(AddressChoiceTest, SourceOfTheSameScopeWithTheLongestCommonPrefix) {
    const List own{ip("10.2.0.1"), ip("10.1.0.1"), ip("fd00::1"), ip("2001:db8:2::1"),
                   ip("2001:db8:1::1")};
    EXPECT_EQ(source_for(ip("10.1.0.9"), own), ip("10.1.0.1"));
    EXPECT_EQ(source_for(ip("192.0.2.1"), own), ip("10.2.0.1"));
    EXPECT_EQ(source_for(ip("2001:db8:1::9"), own), ip("2001:db8:1::1"));
    EXPECT_EQ(source_for(ip("fd12::9"), own), ip("fd00::1"));
    EXPECT_FALSE(source_for(ip("fe80::9"), own));
}

} // namespace
} // namespace foregate::control
