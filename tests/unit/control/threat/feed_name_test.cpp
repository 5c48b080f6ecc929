// SPDX-License-Identifier: BSD-3-Clause
#include "control/threat/feed_name.h"

#include <gtest/gtest.h>

#include <string>

namespace foregate::control {
namespace {

TEST(FeedName, AcceptsNamesInOneForm) {
    const struct {
        const char* word;
        const char* name;
        bool below_only;
        bool single_label;
    } rows[] = {
        {"Evil.Example", "evil.example", false, false},
        {"evil.example.", "evil.example", false, false},
        {"*.evil.example", "evil.example", true, false},
        {"_dmarc.evil.example", "_dmarc.evil.example", false, false},
        {"xn--bcher-kva.example", "xn--bcher-kva.example", false, false},
        {"1.2.3.example", "1.2.3.example", false, false},
        {"-odd-.example", "-odd-.example", false, false},
        {"m\xc3\xbcller.example", "xn--mller-kva.example", false, false},
        {"*.M\xc3\x9cLLER.example.", "xn--mller-kva.example", true, false},
        {"com", "com", false, true},
        {"*.com", "com", true, true},
    };
    for (const auto& row : rows) {
        const FeedName parsed = parse_feed_name(row.word);
        EXPECT_EQ(parsed.reason, "") << row.word;
        EXPECT_EQ(parsed.name, row.name) << row.word;
        EXPECT_EQ(parsed.below_only, row.below_only) << row.word;
        EXPECT_EQ(parsed.single_label, row.single_label) << row.word;
    }
}

TEST(FeedName, RejectsEverythingElseWithAReason) {
    const std::pair<std::string, const char*> rows[] = {
        {"http://evil.example/x", "URL"},
        {"evil.example/path", "path"},
        {"evil.example:8080", "port"},
        {"[2001:db8::1]:80", "ad-blocker rule or section"},
        {"||evil.example^", "ad-blocker"},
        {"@@||good.example^", "ad-blocker"},
        {"good.example##.banner", "ad-blocker"},
        {"*.1.2.3.4", "not widened"},
        {"1.2.3.4.5", "last label is a number"},
        {"1.2.3.999", "last label is a number"},
        {"999", "last label is a number"},
        {"evil*.example", "'*'"},
        {"evil..example", "empty label"},
        {".evil.example", "empty label"},
        {"evil.example..", "empty label"},
        {"*.", "empty name"},
        {"*", "'*'"},
        {"", "empty name"},
        {"(^|\\.)evil\\..*$", "'('"},
        {"evil.example,malware", "','"},
        {"\xc3\x28.example", "no name in Unicode"},
        {std::string("evil\0.example", 13), "0x00"},
        {std::string(64, 'a') + ".example", "63"},
        {std::string(130, 'a') + "." + std::string(130, 'b'), "253"},
    };
    for (const auto& [word, expected] : rows) {
        const FeedName parsed = parse_feed_name(word);
        EXPECT_NE(parsed.reason.find(expected), std::string::npos) << word << ": " << parsed.reason;
        EXPECT_TRUE(parsed.name.empty()) << word;
    }
}

TEST(FeedName, HostOfAQueryLine) {
    EXPECT_EQ(host_of_query("WWW.Evil.Example."), "www.evil.example");
    EXPECT_EQ(host_of_query("https://me@Evil.Example:8443/p?q=a@b#f"), "evil.example");
    EXPECT_EQ(host_of_query("evil.example/path"), "evil.example");
    EXPECT_EQ(host_of_query("203.0.113.5"), "203.0.113.5");
    EXPECT_EQ(host_of_query("203.0.113.5:80"), "203.0.113.5");
    EXPECT_EQ(host_of_query("2001:db8::5"), "2001:db8::5");
    EXPECT_EQ(host_of_query("http://[2001:db8::5]:80/"), "2001:db8::5");
    EXPECT_EQ(host_of_query("two words"), std::nullopt);
    EXPECT_EQ(host_of_query("[nonsense]"), std::nullopt);
    EXPECT_EQ(host_of_query("a..b"), std::nullopt);
    EXPECT_EQ(host_of_query("..."), std::nullopt);
}

TEST(FeedName, AtOrBelow) {
    EXPECT_TRUE(is_at_or_below("a.b.example", "b.example"));
    EXPECT_TRUE(is_at_or_below("b.example", "b.example"));
    EXPECT_FALSE(is_at_or_below("ab.example", "b.example"));
    EXPECT_FALSE(is_at_or_below("example", "b.example"));
}

} // namespace
} // namespace foregate::control
