// SPDX-License-Identifier: BSD-3-Clause
#include "control/access/access_control.h"
#include "control/config/load_config.h"

#include <gtest/gtest.h>

namespace foregate::control {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

const std::string kFleet =
    "ports:\n"
    "  - {name: d, role: desktop, device: net_ring0, addresses: [10.1.0.1/16]}\n"
    "  - {name: u, role: upstream, device: net_ring1, addresses: [10.2.0.1/16]}\n"
    "resolvers: [10.2.0.53]\n"
    "access:\n"
    "  rules:\n"
    "    - deny 10.66.0.0/16\n"
    "classes:\n"
    "  - name: office\n"
    "  - name: locked\n"
    "    access:\n"
    "      default: deny\n"
    "      rules:\n"
    "        - deny secret.example\n"
    "        - allow db.example:5432\n"
    "        - allow 192.0.2.0/24\n";

class AccessControlTest : public ::testing::Test {
protected:
    Config config = parse_config(kFleet, "f.yaml");
    SteadyTime now = SteadyTime(hours(100));
    const IpAddress here = *IpAddress::parse("10.9.9.9");
    const IpAddress forbidden = *IpAddress::parse("10.66.0.1");
};

TEST_F(AccessControlTest, ListsAreTheSitesThenTheClassesThenTheResolvers) {
    const auto lists = access_lists(config);
    ASSERT_EQ(lists.size(), 3U);
    EXPECT_EQ(lists[0].usage_class, "office");
    ASSERT_EQ(lists[0].rules.size(), 1U) << "with default allow the resolvers need no rule";
    EXPECT_EQ(lists[0].list.otherwise, dataplane::AccessAction::allow);
    EXPECT_EQ(lists[1].list.otherwise, dataplane::AccessAction::deny);
    ASSERT_EQ(lists[1].rules.size(), 5U);
    EXPECT_EQ(lists[1].rules[0].text, "deny 10.66.0.0/16");
    EXPECT_STREQ(lists[1].rules[0].from, "site");
    EXPECT_EQ(lists[1].rules[2].text, "allow db.example:5432");
    EXPECT_STREQ(lists[1].rules[2].from, "class");
    EXPECT_EQ(lists[1].rules[4].text, "allow 10.2.0.53:53");
    EXPECT_STREQ(lists[1].rules[4].from, "resolver");
    EXPECT_EQ(lists[2].usage_class, "-");
    EXPECT_EQ(lists[2].rules.size(), 1U);
    EXPECT_FALSE(allow_everything(lists));
    EXPECT_TRUE(allow_everything(access_lists(Config{})));
}

TEST_F(AccessControlTest, ASiteThatDeniesIsInheritedUnlessAClassSaysOtherwise) {
    config.access.otherwise = AccessDefault::deny;
    config.classes[1].access.otherwise = AccessDefault::allow;
    const auto lists = access_lists(config);
    EXPECT_EQ(lists[0].list.otherwise, dataplane::AccessAction::deny);
    EXPECT_EQ(lists[1].list.otherwise, dataplane::AccessAction::allow);
    EXPECT_EQ(lists[2].list.otherwise, dataplane::AccessAction::deny) << "addresses of no class";
}

TEST_F(AccessControlTest, TheGatewayItselfIsBoundByTheClassesList) {
    const AccessControl access(config);
    EXPECT_TRUE(access.in_use());
    EXPECT_EQ(access.why_denied(0, "web.example:443", here), std::nullopt);
    EXPECT_EQ(access.why_denied(0, "web.example:443", forbidden), "deny 10.66.0.0/16");
    EXPECT_EQ(access.why_denied(1, "db.example:5432", here), std::nullopt);
    EXPECT_EQ(access.why_denied(1, "db.example:5433", here), "default deny");
    EXPECT_EQ(access.why_denied(1, "db.example:5432", forbidden), "deny 10.66.0.0/16");
    EXPECT_EQ(access.why_denied(1, "a.secret.example:5432", *IpAddress::parse("192.0.2.1")), "deny secret.example");
    EXPECT_EQ(access.why_denied(1, "192.0.2.1:80", *IpAddress::parse("192.0.2.1")), std::nullopt);
    EXPECT_EQ(access.why_denied(1, "10.9.9.9:80", here), "default deny");
    EXPECT_EQ(access.rule_text(1, 1), "deny secret.example");
    EXPECT_EQ(access.rule_text(1, dataplane::AccessAnswer::kDefault), "default deny");
    EXPECT_EQ(access.rule_text(dataplane::AccessLists::kNoClass, 0), "deny 10.66.0.0/16");
}

TEST_F(AccessControlTest, WithoutRulesNothingIsInUse) {
    const AccessControl access{Config{}};
    EXPECT_FALSE(access.in_use());
    EXPECT_EQ(access.why_denied(0, "web.example:443", here), std::nullopt);
}

TEST_F(AccessControlTest, OnlyNamesThatRulesSpeakOfAreKept) {
    KnownNames names(access_lists(config));
    EXPECT_EQ(names.to_ask(), (std::vector<std::string>{"db.example:5432"}));
    const std::vector<IpAddress> one{here};
    names.learn("unlisted.example", one, 60, now);
    EXPECT_EQ(names.size(), 0U);
    EXPECT_EQ(names.version(), 0U);
    names.learn("a.db.example", one, 60, now);
    names.learn("x.secret.example", one, 60, now);
    names.learn("a.db.example", one, 60, now);
    EXPECT_EQ(names.version(), 2U);
    const auto known = names.by_address();
    ASSERT_TRUE(known.contains(here));
    EXPECT_EQ(known.at(here), (std::vector<std::string>{"a.db.example", "x.secret.example"}));
}

TEST_F(AccessControlTest, NamesOutliveTheirTtlByAnHour) {
    KnownNames names(access_lists(config));
    const std::vector<IpAddress> one{here};
    names.learn("db.example", one, 60, now);
    names.expire(now + seconds(60) + KnownNames::kKept - seconds(1));
    EXPECT_EQ(names.size(), 1U);
    names.learn("db.example", one, 60, now + seconds(600)); // again: longer
    names.expire(now + seconds(60) + KnownNames::kKept);
    EXPECT_EQ(names.size(), 1U);
    const auto before = names.version();
    names.expire(now + seconds(660) + KnownNames::kKept);
    EXPECT_EQ(names.size(), 0U);
    EXPECT_GT(names.version(), before);
}

TEST_F(AccessControlTest, AddressesAndNamesAreBounded) {
    KnownNames names(access_lists(config));
    for (std::uint32_t i = 0; i < KnownNames::kMostAddresses + 10; ++i) {
        const std::vector<IpAddress> one{IpAddress::from_v4(0x0b000000U + i)};
        names.learn("db.example", one, 60, now);
    }
    EXPECT_EQ(names.size(), KnownNames::kMostAddresses);
    EXPECT_EQ(names.left_out(), 10U);
    const std::vector<IpAddress> first{IpAddress::from_v4(0x0b000000U)};
    for (int i = 0; i < 20; ++i) { // the newest names of an address stay
        names.learn("n" + std::to_string(i) + ".db.example", first, 60, now + seconds(i + 1));
    }
    const auto known = names.by_address().at(first[0]);
    EXPECT_EQ(known.size(), dataplane::AccessTable::kMostNames);
    EXPECT_NE(std::find(known.begin(), known.end(), "n19.db.example"), known.end());
}

} // namespace
} // namespace foregate::control
