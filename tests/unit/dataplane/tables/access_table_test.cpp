// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/packet/parse.h"
#include "dataplane/tables/access_table.h"

#include <gtest/gtest.h>

#include <random>

namespace foregate::dataplane {
namespace {

constexpr auto kAllow = AccessAction::allow;
constexpr auto kDeny = AccessAction::deny;

AccessRule any(AccessAction action, std::uint16_t first = 0, std::uint16_t last = 0xffff, std::uint8_t protocol = 0) {
    AccessRule rule;
    rule.action = action;
    rule.first_port = first;
    rule.last_port = last;
    rule.protocol = protocol;
    return rule;
}
AccessRule net(AccessAction action, const char* prefix, std::uint16_t first = 0, std::uint16_t last = 0xffff,
               std::uint8_t protocol = 0) {
    AccessRule rule = any(action, first, last, protocol);
    rule.prefix = IpPrefix::parse(prefix);
    return rule;
}
AccessRule named(AccessAction action, const char* name, std::uint16_t first = 0, std::uint16_t last = 0xffff) {
    AccessRule rule = any(action, first, last);
    const std::string_view text(name);
    rule.exact = text.starts_with('=');
    rule.name = text.substr(rule.exact ? 1 : 0);
    return rule;
}
AccessTarget tcp(const char* server, std::uint16_t port) { return {*IpAddress::parse(server), port, kProtoTcp}; }
AccessTarget udp(const char* server, std::uint16_t port) { return {*IpAddress::parse(server), port, kProtoUdp}; }

/// A table in which class 0 has this list.
AccessTable table(std::vector<AccessRule> rules, AccessAction otherwise = kAllow, NamesOfAddress names = {}) {
    const std::vector<AccessList> classes{{std::move(rules), otherwise}};
    return AccessTable(std::make_shared<AccessLists>(classes, AccessList{}), std::move(names));
}

TEST(AccessTable, WithoutRulesTheDefaultDecides) {
    EXPECT_FALSE(AccessTable().on_sight(0, tcp("10.0.0.1", 80)).denied());
    const AccessTable closed = table({}, kDeny);
    EXPECT_EQ(closed.on_sight(0, tcp("10.0.0.1", 80)), (AccessAnswer{kDeny, AccessAnswer::kDefault}));
    EXPECT_TRUE(closed.by_name(0, "any.example", tcp("10.0.0.1", 80)).denied());
    EXPECT_FALSE(closed.on_sight(1, tcp("10.0.0.1", 80)).denied()) << "of no class: everybody's list";
}

TEST(AccessTable, TheFirstRuleThatMatchesDecides) {
    const AccessTable t = table({net(kAllow, "10.1.2.3/32"), net(kDeny, "10.1.0.0/16", 443, 443), net(kAllow, "10.0.0.0/8"),
                                 net(kDeny, "10.1.2.0/24"), any(kDeny)});
    EXPECT_EQ(t.on_sight(0, tcp("10.1.2.3", 443)).rule, 0);
    EXPECT_EQ(t.on_sight(0, tcp("10.1.2.4", 443)).rule, 1);
    EXPECT_EQ(t.on_sight(0, tcp("10.1.2.4", 444)).rule, 2) << "a longer prefix further down does not win";
    EXPECT_EQ(t.on_sight(0, tcp("10.9.9.9", 1)).rule, 2);
    EXPECT_EQ(t.on_sight(0, tcp("11.0.0.1", 1)).rule, 4);
    EXPECT_TRUE(t.on_sight(0, tcp("2001:db8::1", 1)).denied());
}

TEST(AccessTable, PortsAndProtocols) {
    const AccessTable t = table({any(kDeny, 25, 25, kProtoTcp), any(kDeny, 6881, 6999), net(kDeny, "192.0.2.0/24", 0, 0xffff, kProtoUdp)});
    EXPECT_TRUE(t.on_sight(0, tcp("10.0.0.1", 25)).denied());
    EXPECT_FALSE(t.on_sight(0, udp("10.0.0.1", 25)).denied());
    EXPECT_TRUE(t.on_sight(0, udp("10.0.0.1", 6881)).denied());
    EXPECT_TRUE(t.on_sight(0, tcp("2001:db8::1", 6999)).denied());
    EXPECT_FALSE(t.on_sight(0, tcp("10.0.0.1", 7000)).denied());
    EXPECT_TRUE(t.on_sight(0, udp("192.0.2.9", 53)).denied());
    EXPECT_FALSE(t.on_sight(0, tcp("192.0.2.9", 53)).denied());
    EXPECT_FALSE(t.on_sight(0, {*IpAddress::parse("10.0.0.1"), 0, kProtoIcmp}).denied());
}

TEST(AccessTable, FamiliesNeverMix) {
    const AccessTable t = table({net(kDeny, "::/0"), net(kAllow, "0.0.0.0/0"), net(kAllow, "2001:db8::/32")});
    EXPECT_TRUE(t.on_sight(0, tcp("2001:db8::1", 80)).denied());
    EXPECT_EQ(t.on_sight(0, tcp("10.0.0.1", 80)), (AccessAnswer{kAllow, 1}));
}

TEST(AccessTable, NamesAtLabelBoundariesAndExactOnes) {
    const AccessTable t = table({named(kAllow, "=good.bad.example"), named(kDeny, "bad.example"), named(kDeny, "=only.example")});
    const AccessTarget to = tcp("192.0.2.1", 443);
    EXPECT_EQ(t.by_name(0, "good.bad.example", to).rule, 0);
    EXPECT_EQ(t.by_name(0, "below.good.bad.example", to).rule, 1);
    EXPECT_EQ(t.by_name(0, "bad.example", to).rule, 1);
    EXPECT_FALSE(t.by_name(0, "notbad.example", to).denied());
    EXPECT_FALSE(t.by_name(0, "bad.example.com", to).denied());
    EXPECT_TRUE(t.by_name(0, "only.example", to).denied());
    EXPECT_FALSE(t.by_name(0, "www.only.example", to).denied());
    EXPECT_FALSE(t.by_name(0, "example", to).denied());
    EXPECT_FALSE(t.by_name(0, "", to).denied());
}

TEST(AccessTable, OnSightOnlyWhatNoNameCouldAllowIsDenied) {
    const AccessTable t = table({net(kDeny, "10.66.0.0/16"), named(kAllow, "db.example", 5432, 5432), named(kDeny, "shop.example")}, kDeny);
    EXPECT_FALSE(t.on_sight(0, tcp("10.1.1.1", 5432)).denied()) << "it may be db.example";
    EXPECT_TRUE(t.on_sight(0, tcp("10.1.1.1", 443)).denied()) << "nothing allows this port";
    EXPECT_TRUE(t.on_sight(0, tcp("10.66.1.1", 5432)).denied()) << "denied before the name is asked for";
    EXPECT_TRUE(t.without_name(0, tcp("10.1.1.1", 5432)).denied());
    EXPECT_FALSE(t.by_name(0, "db.example", tcp("10.1.1.1", 5432)).denied());
    EXPECT_TRUE(t.by_name(0, "db.example", tcp("10.66.1.1", 5432)).denied());
    EXPECT_TRUE(t.by_name(0, "other.example", tcp("10.1.1.1", 5432)).denied());
}

TEST(AccessTable, NamesFromDnsStandForConnectionsThatShowNone) {
    NamesOfAddress names;
    names[*IpAddress::parse("10.1.1.1")] = {"db.example"};
    names[*IpAddress::parse("10.1.1.2")] = {"other.example", "secret.example"};
    const AccessTable t = table({named(kDeny, "secret.example"), named(kAllow, "example")}, kDeny, names);
    EXPECT_EQ(t.without_name(0, tcp("10.1.1.1", 5432)), (AccessAnswer{kAllow, 1}));
    EXPECT_EQ(t.without_name(0, tcp("10.1.1.2", 5432)), (AccessAnswer{kDeny, 0})) << "of its names the first rule's";
    EXPECT_FALSE(t.by_name(0, "other.example", tcp("10.1.1.2", 5432)).denied()) << "a name that was shown is better";
    EXPECT_TRUE(t.without_name(0, tcp("10.1.1.3", 5432)).denied());
    // The text of an address is no name.
    EXPECT_FALSE(t.by_name(0, "10.1.1.1", tcp("10.1.1.1", 80)).denied());
    EXPECT_TRUE(t.by_name(0, "10.1.1.3", tcp("10.1.1.3", 80)).denied());
    EXPECT_FALSE(t.by_name(0, "?2001?db8??1?", tcp("10.1.1.1", 80)).denied());
}

TEST(AccessTable, QuestionsAreRefusedForNamesThatAreDeniedWhateverThePort) {
    const AccessTable t = table({named(kAllow, "ok.bad.example", 443, 443), named(kDeny, "bad.example"), named(kDeny, "mail.example", 25, 25),
                                 net(kDeny, "10.0.0.0/8")}, kDeny);
    EXPECT_EQ(t.denies_question(0, "www.bad.example"), 1);
    EXPECT_FALSE(t.denies_question(0, "ok.bad.example"));
    EXPECT_FALSE(t.denies_question(0, "mail.example")) << "only one of its ports is denied";
    EXPECT_FALSE(t.denies_question(0, "unlisted.example")) << "the default speaks of connections";
}

TEST(AccessTable, TooManyRulesAreRefused) {
    AccessList list;
    list.rules.resize(CompiledAccessList::kMostRules + 1);
    EXPECT_THROW(CompiledAccessList{list}, std::invalid_argument);
    list.rules.resize(CompiledAccessList::kMostRules);
    EXPECT_NO_THROW(CompiledAccessList{list});
}

/// Rule by rule, as the page in docs/ says it.
AccessAnswer plainly(const AccessList& list, const std::vector<std::string>& names, const AccessTarget& target) {
    for (std::size_t i = 0; i < list.rules.size(); ++i) {
        const AccessRule& rule = list.rules[i];
        bool match = target.port >= rule.first_port && target.port <= rule.last_port &&
                     (rule.protocol == 0 || rule.protocol == target.protocol);
        if (rule.prefix) {
            match = match && rule.prefix->contains(target.server);
        }
        if (!rule.name.empty()) {
            match = match && std::any_of(names.begin(), names.end(), [&](const std::string& name) {
                        return name == rule.name || (!rule.exact && name.ends_with("." + rule.name));
                    });
        }
        if (match) {
            return {rule.action, static_cast<std::uint16_t>(i)};
        }
    }
    return {list.otherwise, AccessAnswer::kDefault};
}

TEST(AccessTable, AgreesWithReadingTheRulesOneByOne) {
    std::mt19937 random(5);
    const auto pick = [&](std::uint32_t below) { return static_cast<std::uint32_t>(random() % below); };
    const std::vector<std::string> names{"a.example", "b.a.example", "c.b.a.example", "example", "d.example", "xa.example"};
    for (int round = 0; round < 300; ++round) {
        AccessList list;
        list.otherwise = pick(2) != 0 ? kAllow : kDeny;
        for (std::uint32_t n = pick(30); n > 0; --n) {
            AccessRule rule = any(pick(2) != 0 ? kAllow : kDeny);
            if (pick(3) == 0) {
                rule.first_port = static_cast<std::uint16_t>(pick(4));
                rule.last_port = static_cast<std::uint16_t>(rule.first_port + pick(3));
            }
            rule.protocol = pick(4) == 0 ? kProtoUdp : pick(4) == 0 ? kProtoTcp : std::uint8_t{0};
            switch (pick(5)) {
            case 0:
                rule.name = names[pick(static_cast<std::uint32_t>(names.size()))];
                rule.exact = pick(3) == 0;
                break;
            case 1:
                rule.prefix = IpPrefix{*IpAddress::parse("2001:db8::"), static_cast<std::uint8_t>(pick(129))}.network();
                break;
            case 2:
            case 3:
                rule.prefix = IpPrefix{IpAddress::from_v4(0x0a000000U + pick(16)), static_cast<std::uint8_t>(pick(33))}.network();
                break;
            default:
                break;
            }
            list.rules.push_back(rule);
        }
        const CompiledAccessList compiled(list);
        for (int probe = 0; probe < 100; ++probe) {
            const IpAddress server = pick(4) == 0 ? *IpAddress::parse("2001:db8::1") : IpAddress::from_v4(0x0a000000U + pick(20));
            const AccessTarget to{server, static_cast<std::uint16_t>(pick(6)), pick(2) != 0 ? kProtoTcp : kProtoUdp};
            ASSERT_EQ(compiled.by_address(to), plainly(list, {}, to)) << round;
            const std::string& name = names[pick(static_cast<std::uint32_t>(names.size()))];
            const std::string_view shown = name;
            ASSERT_EQ(compiled.by_names({&shown, 1}, to), plainly(list, {name}, to)) << round << " " << name;
            if (!plainly(list, {name}, to).denied() && compiled.by_address(to).denied()) {
                ASSERT_TRUE(compiled.name_may_allow(to)) << round;
            }
        }
    }
}

} // namespace
} // namespace foregate::dataplane
