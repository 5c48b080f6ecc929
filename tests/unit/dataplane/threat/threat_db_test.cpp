// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/threat/threat_db.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace foregate::dataplane {
namespace {

ThreatEntry named(const std::string& name, ThreatAction action = ThreatAction::block,
                  ThreatKind kind = ThreatKind::name) {
    ThreatEntry entry;
    entry.kind = kind;
    entry.action = action;
    entry.name = name;
    return entry;
}

ThreatEntry addressed(const std::string& text, ThreatAction action = ThreatAction::block) {
    ThreatEntry entry;
    entry.kind = ThreatKind::prefix;
    entry.action = action;
    entry.prefix = *IpPrefix::parse(text);
    return entry;
}

std::string decided(const ThreatEntry* entry) {
    return entry == nullptr ? "-"
                            : entry->text() + " " + std::string(threat_action_name(entry->action));
}

TEST(ThreatList, TextAsAnOperatorWritesIt) {
    EXPECT_EQ(named("evil.example").text(), "evil.example");
    EXPECT_EQ(named("evil.example", ThreatAction::block, ThreatKind::name_below).text(),
              "*.evil.example");
    EXPECT_EQ(addressed("203.0.113.7").text(), "203.0.113.7");
    EXPECT_EQ(addressed("203.0.113.0/24").text(), "203.0.113.0/24");
    EXPECT_EQ(addressed("2001:db8::1").text(), "2001:db8::1");
}

TEST(ThreatList, JudgesDuplicatesAndShadowedEntries) {
    constexpr auto kNote = ThreatAction::note;
    constexpr auto kBlock = ThreatAction::block;
    using enum ThreatFate;
    const std::vector<std::pair<ThreatEntry, ThreatFate>> rows{
        {named("evil.example"), kept},
        {named("evil.example"), duplicate},
        {named("www.evil.example"), shadowed},
        {named("evil.example", kBlock, ThreatKind::name_below), shadowed},
        {named("notevil.example"), kept},
        {named("soft.example", kNote), kept},
        {named("hard.soft.example", kBlock), kept},
        {named("softer.soft.example", kNote), shadowed},
        {named("below.hard.soft.example", kNote), shadowed},
        {named("twice.example", kNote), duplicate},
        {named("twice.example", kBlock), kept},
        {named("wild.example", kBlock, ThreatKind::name_below), kept},
        {named("a.wild.example", kBlock), shadowed},
        {named("wild.example", kNote), kept},
        {addressed("203.0.113.0/24"), kept},
        {addressed("203.0.113.9"), shadowed},
        {addressed("203.0.113.0/24"), duplicate},
        {addressed("198.51.100.0/24", kNote), kept},
        {addressed("198.51.100.7", kBlock), kept},
        {addressed("198.51.100.8", kNote), shadowed},
        {addressed("198.51.100.7", kNote), duplicate},
        {addressed("2001:db8::/32"), kept},
        {addressed("2001:db8::/48"), shadowed},
    };
    std::vector<ThreatEntry> entries;
    for (const auto& [entry, fate] : rows) {
        entries.push_back(entry);
    }
    const std::vector<ThreatFate> fates = judge_entries(entries);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        EXPECT_EQ(fates[i], rows[i].second) << "row " << i << ": " << rows[i].first.text();
    }
    const auto kept_count =
        static_cast<std::size_t>(std::count(fates.begin(), fates.end(), ThreatFate::kept));
    EXPECT_EQ(compact(entries), rows.size() - kept_count);
    EXPECT_EQ(entries.size(), kept_count);
    EXPECT_EQ(compact(entries), 0U);
}

TEST(ThreatDb, EmptyMatchesNothing) {
    const ThreatDb db;
    NameScratch scratch = db.make_scratch();
    EXPECT_EQ(db.match_name("evil.example", scratch), nullptr);
    EXPECT_EQ(db.match_address(*IpAddress::parse("203.0.113.1")), nullptr);
    const ThreatDb built = ThreatDb::build({});
    NameScratch other = built.make_scratch();
    EXPECT_EQ(built.match_name("evil.example", other), nullptr);
}

TEST(ThreatDb, TellsWhichEntryDecidedAndWhereItCameFrom) {
    ThreatListInput input;
    input.feeds = {"first", "second"};
    input.categories = {"malware", "phishing"};
    input.entries = {named("evil.example"), addressed("203.0.113.0/24")};
    input.entries[0].line = 7;
    input.entries[1].feed = 1;
    input.entries[1].category = 1;
    const ThreatDb db = ThreatDb::build(input);
    NameScratch scratch = db.make_scratch();
    const ThreatEntry* by_name = db.match_name("www.evil.example", scratch);
    ASSERT_NE(by_name, nullptr);
    EXPECT_EQ(by_name->line, 7U);
    EXPECT_EQ(db.feed_of(*by_name), "first");
    EXPECT_EQ(db.category_of(*by_name), "malware");
    const ThreatEntry* by_address = db.match_address(*IpAddress::parse("203.0.113.77"));
    ASSERT_NE(by_address, nullptr);
    EXPECT_EQ(db.feed_of(*by_address), "second");
    EXPECT_EQ(db.category_of(*by_address), "phishing");
    EXPECT_EQ(db.name_count(), 1U);
    EXPECT_EQ(db.prefix_count(), 1U);
}

TEST(ThreatDb, AllowedNamesAndPrefixesWin) {
    ThreatListInput input;
    input.entries = {named("evil.example"), named("x.good.evil.example"),
                     addressed("203.0.113.0/24"), addressed("203.0.113.9")};
    input.allow_names = {"good.evil.example"};
    input.allow_prefixes = {*IpPrefix::parse("203.0.113.8/31")};
    const ThreatDb db = ThreatDb::build(input);
    NameScratch scratch = db.make_scratch();
    EXPECT_EQ(decided(db.match_name("evil.example", scratch)), "evil.example block");
    EXPECT_EQ(decided(db.match_name("good.evil.example", scratch)), "-");
    EXPECT_EQ(decided(db.match_name("x.good.evil.example", scratch)), "-");
    EXPECT_EQ(decided(db.match_name("nogood.evil.example", scratch)), "evil.example block");
    EXPECT_EQ(decided(db.match_address(*IpAddress::parse("203.0.113.9"))), "-");
    EXPECT_EQ(decided(db.match_address(*IpAddress::parse("203.0.113.10"))), "203.0.113.0/24 block");
}

TEST(ThreatDb, BurstsAgreeWithSingleMatches) {
    ThreatListInput input;
    input.entries = {named("evil.example"),
                     named("wild.example", ThreatAction::note, ThreatKind::name_below)};
    const ThreatDb db = ThreatDb::build(input);
    NameScratch scratch = db.make_scratch();
    std::vector<std::string> hosts;
    for (int i = 0; i < 100; ++i) {
        hosts.push_back(std::string(i % 2 == 0 ? "a." : "") + (i % 3 == 0   ? "evil.example"
                                                               : i % 3 == 1 ? "wild.example"
                                                                            : "good.example"));
    }
    const std::vector<std::string_view> views(hosts.begin(), hosts.end());
    std::vector<const ThreatEntry*> matches(views.size());
    db.match_names(views, matches, scratch);
    for (std::size_t i = 0; i < views.size(); ++i) {
        EXPECT_EQ(matches[i], db.match_name(views[i], scratch)) << views[i];
    }
    EXPECT_EQ(std::count(matches.begin(), matches.end(), nullptr), 33 + 17);
}

/// The strongest action among everything that covers the host, entry by entry.
std::optional<ThreatAction> naive_action(const std::vector<ThreatEntry>& entries,
                                         const std::string& host) {
    std::optional<ThreatAction> strongest;
    for (const ThreatEntry& entry : entries) {
        const bool below = host.ends_with("." + entry.name);
        const bool hit = below || (entry.kind == ThreatKind::name && host == entry.name);
        if (hit && (!strongest || *strongest < entry.action)) {
            strongest = entry.action;
        }
    }
    return strongest;
}

TEST(ThreatDb, CompactingNeverChangesTheAction) {
    std::mt19937_64 random(4);
    const auto label = [&random] { return std::string(1, static_cast<char>('a' + random() % 3)); };
    for (int round = 0; round < 20; ++round) {
        ThreatListInput input;
        for (int i = 0; i < 60; ++i) {
            std::string name = label() + ".test";
            for (std::uint64_t depth = random() % 4; depth > 0; --depth) {
                name = label() + "." + name;
            }
            input.entries.push_back(
                named(name, random() % 2 == 0 ? ThreatAction::note : ThreatAction::block,
                      random() % 3 == 0 ? ThreatKind::name_below : ThreatKind::name));
            if (random() % 4 != 0) {
                input.entries.back().action = ThreatAction::note; // else all is blocked at the top
            }
        }
        const ThreatDb db = ThreatDb::build(input);
        NameScratch scratch = db.make_scratch();
        for (int i = 0; i < 400; ++i) {
            std::string host = label() + ".test";
            for (std::uint64_t depth = random() % 5; depth > 0; --depth) {
                host = label() + "." + host;
            }
            const ThreatEntry* entry = db.match_name(host, scratch);
            const auto expected = naive_action(input.entries, host);
            ASSERT_EQ(entry != nullptr, expected.has_value()) << host;
            if (entry != nullptr) {
                ASSERT_EQ(entry->action, *expected) << host;
            }
        }
    }
}

} // namespace
} // namespace foregate::dataplane
