// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/tables/desktop_table.h"
#include "dataplane/tables/pattern_table.h"
#include "dataplane/tables/plan_table.h"
#include "dataplane/tables/route_table.h"

#include <gtest/gtest.h>

namespace foregate::dataplane {
namespace {

IpAddress at(const char* text) {
    return *IpAddress::parse(text);
}
IpPrefix net(const char* text) {
    return *IpPrefix::parse(text);
}
constexpr MacAddress kMac{2, 0, 0, 0, 0, 9};

RouteTable sample_routes() {
    return RouteTable({{net("10.0.0.0/24"), Route{0, false, {}}},
                       {net("0.0.0.0/0"), Route{1, true, at("192.0.2.1")}},
                       {net("10.9.0.0/16"), Route{1, true, at("192.0.2.2")}},
                       {net("2001:db8::/64"), Route{1, false, {}}}},
                      {at("10.0.0.1"), at("2001:db8::1")},
                      {{at("10.0.0.7"), kMac},
                       {at("192.0.2.1"), MacAddress{2, 1, 1, 1, 1, 1}},
                       {at("2001:db8::7"), kMac}});
}

TEST(RouteTableTest, DirectAndByGateway) {
    const RouteTable routes = sample_routes();
    const Hop direct = routes.lookup(at("10.0.0.7"));
    EXPECT_EQ(direct.kind, Hop::Kind::forward);
    EXPECT_EQ(direct.port, 0);
    EXPECT_EQ(direct.mac, kMac);
    const Hop far = routes.lookup(at("198.51.100.1"));
    EXPECT_EQ(far.kind, Hop::Kind::forward);
    EXPECT_EQ(far.port, 1);
    EXPECT_EQ(far.mac[1], 1);
    EXPECT_EQ(routes.lookup(at("2001:db8::7")).kind, Hop::Kind::forward);
}

TEST(RouteTableTest, WhatTheKernelMustDo) {
    const RouteTable routes = sample_routes();
    const Hop unresolved = routes.lookup(at("10.0.0.8"));
    EXPECT_EQ(unresolved.kind, Hop::Kind::kernel);
    EXPECT_EQ(unresolved.port, 0) << "the way is known, the neighbour is not";
    const Hop unresolved_gateway = routes.lookup(at("10.9.1.1"));
    EXPECT_EQ(unresolved_gateway.kind, Hop::Kind::kernel);
    EXPECT_EQ(unresolved_gateway.port, 1);
    const Hop none = routes.lookup(at("2001:db9::1"));
    EXPECT_EQ(none.kind, Hop::Kind::kernel);
    EXPECT_EQ(none.port, Hop::kNoPort);
    EXPECT_EQ(RouteTable().lookup(at("10.0.0.7")).port, Hop::kNoPort);
}

TEST(RouteTableTest, LocalAddresses) {
    const RouteTable routes = sample_routes();
    for (const char* local :
         {"10.0.0.1", "2001:db8::1", "224.0.0.1", "239.255.255.255", "255.255.255.255", "127.0.0.1",
          "0.0.0.0", "169.254.1.1", "240.0.0.1", "ff02::1", "fe80::1", "::", "::1", "::2"}) {
        EXPECT_TRUE(routes.is_local(at(local))) << local;
        EXPECT_EQ(routes.lookup(at(local)).kind, Hop::Kind::kernel) << local;
    }
    for (const char* other :
         {"10.0.0.2", "2001:db8::2", "223.255.255.255", "fec0::1"}) {
        EXPECT_FALSE(routes.is_local(at(other))) << other;
    }
}

TEST(DesktopTableTest, ADesktopIsMoreThanItsNetwork) {
    const DesktopTable table({{net("10.1.0.0/16"), {0, 4, SecondaryState::no_session}},
                              {net("10.1.0.5"), {17, 4, SecondaryState::cut}}},
                             true);
    ASSERT_NE(table.find(at("10.1.0.5")), nullptr);
    EXPECT_EQ(table.find(at("10.1.0.5"))->desktop, 17U);
    EXPECT_EQ(table.find(at("10.1.0.5"))->state, SecondaryState::cut);
    EXPECT_EQ(table.find(at("10.1.0.6"))->desktop, 0U);
    EXPECT_EQ(table.find(at("10.1.0.6"))->usage_class, 4);
    EXPECT_EQ(table.find(at("10.2.0.1")), nullptr);
    EXPECT_TRUE(table.allow_unknown());
    EXPECT_FALSE(DesktopTable().allow_unknown());
}

TEST(PlanTableTest, ByServerPortAndClass) {
    const PlanTable plan({{{at("192.0.2.9"), 5432, 1}, {3, 4}}});
    EXPECT_EQ(plan.find({at("192.0.2.9"), 5432, 1}).up, 3);
    EXPECT_EQ(plan.find({at("192.0.2.9"), 5432, 1}).down, 4);
    EXPECT_EQ(plan.find({at("192.0.2.9"), 5432, 2}).up, 0);
    EXPECT_EQ(plan.find({at("192.0.2.9"), 5433, 1}).up, 0);
    EXPECT_EQ(plan.find({at("192.0.2.8"), 5432, 1}).up, 0);
    EXPECT_EQ(plan.size(), 1U);
}

TEST(PatternTableTest, ClassesAndExpectedDestinations) {
    std::vector<ClassPattern> classes(2);
    classes[1].known = true;
    const PatternTable pattern(7, classes, {{at("192.0.2.9"), 5432, 1}});
    EXPECT_EQ(pattern.bucket(), 7U);
    EXPECT_TRUE(pattern.of_class(1)->known);
    EXPECT_FALSE(pattern.of_class(0)->known);
    EXPECT_EQ(pattern.of_class(2), nullptr);
    EXPECT_TRUE(pattern.expected({at("192.0.2.9"), 5432, 1}));
    EXPECT_FALSE(pattern.expected({at("192.0.2.9"), 5432, 0}));
}

} // namespace
} // namespace foregate::dataplane
