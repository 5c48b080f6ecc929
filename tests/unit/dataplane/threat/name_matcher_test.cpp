// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/threat/name_matcher.h"
#include "dataplane/threat/naive_matcher.h"

#include <gtest/gtest.h>

#include <random>
#include <stdexcept>
#include <string>
#include <vector>

namespace foregate::dataplane {
namespace {

TEST(NameMatcher, EmptyListMatchesNothing) {
    const NameMatcher matcher;
    NameScratch scratch(matcher);
    EXPECT_EQ(matcher.match("evil.example", scratch), NameMatcher::kNone);
    EXPECT_EQ(matcher.match("", scratch), NameMatcher::kNone);
    EXPECT_TRUE(matcher.empty());
    EXPECT_EQ(scratch.failed_scans(), 0U);
}

TEST(NameMatcher, MatchesAtLabelBoundariesOnly) {
    const NameMatcher matcher = matcher_of({{"evil.example"}, {"a.b.c.example"}});
    NameScratch scratch(matcher);
    EXPECT_EQ(matcher.match("evil.example", scratch), 0U);
    EXPECT_EQ(matcher.match("www.evil.example", scratch), 0U);
    EXPECT_EQ(matcher.match("a.b.evil.example", scratch), 0U);
    EXPECT_EQ(matcher.match("a.b.c.example", scratch), 1U);
    for (const char* host :
         {"notevil.example", "evil.example.org", "example", "evil", "evilexample", "vil.example",
          "evil.exampl", "b.c.example", "", ".", "evil.example2"}) {
        EXPECT_EQ(matcher.match(host, scratch), NameMatcher::kNone) << host;
    }
}

TEST(NameMatcher, WildcardsMatchBelowTheName) {
    const NameMatcher matcher =
        matcher_of({{"wild.example", true}, {"both.example", false}, {"both.example", true}});
    NameScratch scratch(matcher);
    EXPECT_EQ(matcher.match("wild.example", scratch), NameMatcher::kNone);
    EXPECT_EQ(matcher.match("a.wild.example", scratch), 0U);
    EXPECT_EQ(matcher.match("both.example", scratch), 1U);
    EXPECT_EQ(matcher.match("a.both.example", scratch), 2U);
}

TEST(NameMatcher, TheLongestNameWinsAndTheFirstOfEqualOnes) {
    const NameMatcher matcher =
        matcher_of({{"example.org"}, {"deep.example.org"}, {"deep.example.org"}});
    NameScratch scratch(matcher);
    EXPECT_EQ(matcher.match("x.deep.example.org", scratch), 1U);
    EXPECT_EQ(matcher.match("x.example.org", scratch), 0U);
    EXPECT_EQ(matcher.size(), 2U);
}

TEST(NameMatcher, EveryHostOfABurstIsReportedEvenTheSameTwice) {
    const NameMatcher matcher = matcher_of({{"evil.example"}, {"bad.example"}});
    NameScratch scratch(matcher);
    std::vector<std::string_view> hosts;
    std::vector<std::uint32_t> expected;
    for (int i = 0; i < 75; ++i) { // more than two bursts
        hosts.push_back(i % 3 == 0   ? "evil.example"
                        : i % 3 == 1 ? "good.example"
                                     : "a.bad.example");
        expected.push_back(i % 3 == 0 ? 0 : i % 3 == 1 ? NameMatcher::kNone : 1);
    }
    std::vector<std::uint32_t> values(hosts.size(), 77);
    matcher.match_burst(hosts, values, scratch);
    EXPECT_EQ(values, expected);
    EXPECT_EQ(scratch.failed_scans(), 0U);
}

TEST(NameMatcher, LongestHostsFitAndLongerOnesMatchNothing) {
    const NameMatcher matcher = matcher_of({{"evil.example"}});
    NameScratch scratch(matcher);
    const std::string fits = std::string(240, 'a') + ".evil.example";
    const std::string too_long = "a" + fits;
    EXPECT_EQ(matcher.match(fits, scratch), 0U);
    EXPECT_EQ(matcher.match(too_long, scratch), NameMatcher::kNone);
    std::vector<std::string_view> hosts(32, fits);
    std::vector<std::uint32_t> values(32);
    matcher.match_burst(hosts, values, scratch);
    EXPECT_EQ(values, std::vector<std::uint32_t>(32, 0));
}

TEST(NameMatcher, RefusesPatternsThatCannotBe) {
    const std::string too_long(254, 'a');
    const std::vector<NamePattern> bad[] = {
        {{"", 0}}, {{too_long, 0}}, {{"a\nb", 0}}, {{"a.example", NameMatcher::kNone}}};
    for (const auto& patterns : bad) {
        EXPECT_THROW(NameMatcher{patterns}, std::invalid_argument);
    }
}

TEST(NameMatcher, MovesWithItsScratch) {
    NameMatcher matcher = matcher_of({{"evil.example"}});
    NameScratch first(matcher);
    NameMatcher moved = std::move(matcher);
    NameScratch second = std::move(first);
    EXPECT_EQ(moved.match("evil.example", second), 0U);
    EXPECT_GT(moved.memory_bytes(), 0U);
}

TEST(NameMatcher, AgreesWithAMapOverThousandsOfRandomNames) {
    for (const unsigned letters : {2U, 5U, 26U}) {
        std::mt19937_64 random(letters);
        std::vector<ListedName> names;
        for (int i = 0; i < 1500; ++i) {
            names.push_back(
                {random_name(random, letters, 4) + "." + random_name(random, letters, 2),
                 random() % 5 == 0});
        }
        const NaiveMatcher naive(names);
        const NameMatcher matcher = matcher_of(names);
        NameScratch scratch(matcher);
        std::vector<std::string> hosts;
        for (int i = 0; i < 4000; ++i) {
            const std::string& listed = names[random() % names.size()].name;
            switch (random() % 6) {
            case 0:
                hosts.push_back(listed);
                break;
            case 1:
                hosts.push_back(random_name(random, letters, 2) + "." + listed);
                break;
            case 2:
                hosts.push_back("x" + listed); // the boundary is missing
                break;
            case 3:
                hosts.push_back(listed.substr(1));
                break;
            case 4:
                hosts.push_back(listed + "." + random_name(random, letters, 1));
                break;
            default:
                hosts.push_back(random_name(random, letters, 5));
            }
        }
        std::size_t hits = 0;
        for (std::size_t first = 0; first < hosts.size(); first += 31) {
            const std::size_t count = std::min<std::size_t>(31, hosts.size() - first);
            const std::vector<std::string_view> burst(
                hosts.begin() + static_cast<std::ptrdiff_t>(first),
                hosts.begin() + static_cast<std::ptrdiff_t>(first + count));
            std::vector<std::uint32_t> values(count);
            matcher.match_burst(burst, values, scratch);
            for (std::size_t i = 0; i < count; ++i) {
                const std::uint32_t expected = naive.match(hosts[first + i]);
                ASSERT_EQ(values[i], expected) << hosts[first + i];
                ASSERT_EQ(matcher.match(burst[i], scratch), expected) << hosts[first + i];
                hits += expected != NameMatcher::kNone ? 1 : 0;
            }
        }
        EXPECT_GT(hits, hosts.size() / 4);
        EXPECT_LT(hits, hosts.size());
    }
}

} // namespace
} // namespace foregate::dataplane
