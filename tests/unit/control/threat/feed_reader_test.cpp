// SPDX-License-Identifier: BSD-3-Clause
#include "control/threat/feed_reader.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace foregate::control {
namespace {

std::vector<std::string> texts_of(const FeedContent& content) {
    std::vector<std::string> texts;
    for (const auto& entry : content.entries) {
        texts.push_back(entry.text());
    }
    return texts;
}

using Texts = std::vector<std::string>;

FeedContent read(const std::string& text, const FeedRules& rules = {}) {
    const FeedContent content = read_feed_text(text, "feed.txt", rules);
    const FeedReport& report = content.report;
    EXPECT_EQ(report.entries_seen, report.loaded + report.rejected + report.refused +
                                       report.duplicate + report.shadowed + report.unmatched);
    EXPECT_EQ(report.loaded, content.entries.size());
    return content;
}

TEST(FeedReader, PlainDomains) {
    const FeedContent content =
        read("# title\n! also\n; and this\n\nEvil.Example\n"
             "www.bad.example. # why\n\t x.example\t; note\n*.wild.example\n");
    EXPECT_EQ(texts_of(content),
              (Texts{"evil.example", "www.bad.example", "x.example", "*.wild.example"}));
    EXPECT_EQ(content.report.format, "mixed"); // one of four is a wildcard
    EXPECT_EQ(content.report.lines, 8U);
    EXPECT_EQ(content.entries[0].line, 5U);
    EXPECT_EQ(content.entries[3].line, 8U);
}

TEST(FeedReader, HostsFiles) {
    const FeedContent content =
        read("127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n"
             "255.255.255.255 broadcasthost\nfe80::1 localhost\n0.0.0.0 0.0.0.0\n"
             "0.0.0.0 evil.example www.evil.example bad.example\n127.0.0.1\tthird.example # x\n"
             ":: v6.example\n");
    EXPECT_EQ(texts_of(content),
              (Texts{"evil.example", "bad.example", "third.example", "v6.example"}));
    EXPECT_EQ(content.report.format, "hosts");
    EXPECT_EQ(content.report.shadowed, 1U);
    EXPECT_EQ(content.report.rejected, 0U);
}

TEST(FeedReader, AHostsLineThatMapsToARealAddressIsNoListing) {
    const FeedContent content = read("203.0.113.5 intranet.example\n");
    EXPECT_TRUE(content.entries.empty());
    ASSERT_EQ(content.report.rejected_lines.size(), 1U);
    EXPECT_EQ(content.report.rejected_lines[0].line, 1U);
}

TEST(FeedReader, AddressesPrefixesAndScores) {
    const FeedContent content = read("203.0.113.7\n203.0.113.9\t5\n198.51.100.0/24 ; SBL1\n"
                                     "2001:db8::/32\n2001:4db8::9\n192.0.2.0/24\t# x\n");
    EXPECT_EQ(texts_of(content), (Texts{"203.0.113.7", "203.0.113.9", "198.51.100.0/24",
                                        "2001:db8::/32", "2001:4db8::9", "192.0.2.0/24"}));
    EXPECT_EQ(content.report.format, "mixed"); // one of six has a score
    EXPECT_EQ(read("203.0.113.7\n198.51.100.0/24\n").report.format, "addresses");
    EXPECT_EQ(read("203.0.113.7\t5\n203.0.113.8\t1\n").report.format, "scored addresses");
}

TEST(FeedReader, ByteOrderMarkCarriageReturnsAndNoLastLineEnd) {
    const FeedContent content = read("\xef\xbb\xbf"
                                     "evil.example\r\n# comment\r\n\r\n203.0.113.7\r\nbad.example");
    EXPECT_EQ(texts_of(content), (Texts{"evil.example", "203.0.113.7", "bad.example"}));
    EXPECT_EQ(content.report.lines, 5U);
    EXPECT_EQ(content.report.format, "mixed");
}

TEST(FeedReader, RejectsWithFileLineAndReason) {
    const FeedContent content =
        read("good.example\n203.0.113.5/24\n203.0.113.0/33\nhttp://a/\n"
             "203.0.113.5:x\ntwo words\n*.1.1.109.999\n203.0.113.0/24 x y\n");
    EXPECT_EQ(texts_of(content), (Texts{"good.example"}));
    ASSERT_EQ(content.report.rejected_lines.size(), 7U);
    EXPECT_EQ(content.report.rejected_lines[0].to_string(),
              "feed.txt:2: \"203.0.113.5/24\": host bits are set; expected 203.0.113.0/24");
    for (std::size_t i = 0; i < 7; ++i) {
        EXPECT_EQ(content.report.rejected_lines[i].line, i + 2);
    }
}

TEST(FeedReader, RefusesWhatWouldCutOffTheFleet) {
    const char* refused[] = {"0.0.0.0/0",       "::/0",          "10.0.0.0/8",  "10.1.2.3",
                             "192.168.0.0/16",  "172.16.5.0/24", "127.0.0.1",   "169.254.1.1",
                             "100.64.0.0/10",   "224.0.0.0/3",   "239.255.1.1", "255.255.255.255",
                             "128.0.0.0/1",     "4.0.0.0/6",     "fe80::1",     "fc00::/7",
                             "fd12:3456::/32",  "::1",           "ff02::1",     "2000::/3",
                             "::ffff:10.0.0.1", "com",           "*.uk",        "0.0.0.0 inf"};
    for (const char* line : refused) {
        const FeedContent content = read(line);
        EXPECT_EQ(content.report.refused, 1U) << line;
        EXPECT_EQ(content.report.rejected, 0U) << line;
        EXPECT_TRUE(content.entries.empty()) << line;
        ASSERT_EQ(content.report.refused_lines.size(), 1U) << line;
    }
    EXPECT_EQ(read("11.0.0.0/8\n2a00::/16\n").report.loaded, 2U);
}

TEST(FeedReader, RefusesOurOwnNetworksAndNames) {
    FeedRules rules;
    rules.own_prefixes = {*dataplane::IpPrefix::parse("203.0.113.0/24")};
    rules.own_names = {"corp.example"};
    const FeedContent content = read("203.0.113.77\n203.0.0.0/16\n203.0.114.0/24\ncorp.example\n"
                                     "vpn.corp.example\nnotcorp.example\n",
                                     rules);
    EXPECT_EQ(texts_of(content), (Texts{"203.0.114.0/24", "notcorp.example"}));
    EXPECT_EQ(content.report.refused, 4U);
}

TEST(FeedReader, CountsDuplicatesAndShadowedEntries) {
    const FeedContent content =
        read("evil.example\nEVIL.example.\nwww.evil.example\n*.evil.example\n203.0.113.0/24\n"
             "203.0.113.9\n203.0.113.0/24\n");
    EXPECT_EQ(texts_of(content), (Texts{"evil.example", "203.0.113.0/24"}));
    EXPECT_EQ(content.report.duplicate, 2U);
    EXPECT_EQ(content.report.shadowed, 3U);
}

TEST(FeedReader, ReportsABoundedNumberOfLinesButCountsAll) {
    FeedRules rules;
    rules.max_reported_lines = 3;
    std::string text;
    for (int i = 0; i < 10; ++i) {
        text += "bad name\ncom\n";
    }
    const FeedContent content = read(text, rules);
    EXPECT_EQ(content.report.rejected, 10U);
    EXPECT_EQ(content.report.rejected_lines.size(), 3U);
    EXPECT_EQ(content.report.refused, 10U);
    EXPECT_EQ(content.report.refused_lines.size(), 3U);
    EXPECT_EQ(content.report.format, "domains");
}

TEST(FeedReader, MessagesCarryNoControlBytes) {
    const FeedContent content = read(std::string("a\x1b[31m\0b.example\n", 16));
    ASSERT_EQ(content.report.rejected_lines.size(), 1U);
    const std::string message = content.report.rejected_lines[0].message;
    for (const char c : message) {
        EXPECT_TRUE(c >= 0x20 && c < 0x7f);
    }
}

TEST(FeedReader, EmptyAndUnknownFiles) {
    EXPECT_EQ(read("").report.format, "empty");
    EXPECT_EQ(read("# only\n# comments\n").report.format, "empty");
    EXPECT_EQ(read("{\"a\": 1}\n").report.format, "json");
    EXPECT_EQ(read(std::string(9000, 'a') + "\n").report.rejected, 1U);
}

TEST(FeedReader, AnUnreadableFileThrows) {
    EXPECT_THROW(static_cast<void>(read_feed("/nonexistent/feed.txt", {})), FeedUnreadable);
}

} // namespace
} // namespace foregate::control
