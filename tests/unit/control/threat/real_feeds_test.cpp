// SPDX-License-Identifier: BSD-3-Clause
// Real public feeds, when they are at hand: $FOREGATE_SHARED, or `shared` beside the source tree.
// The numbers are those of the stored files, which do not change.
#include "control/threat/feed_reader.h"
#include "control/threat/threat_loader.h"
#include "dataplane/threat/threat_db.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace foregate::control {
namespace {

std::filesystem::path threat_folder() {
    if (const char* shared = std::getenv("FOREGATE_SHARED")) {
        return std::filesystem::path(shared) / "data" / "threat";
    }
#ifdef FOREGATE_SOURCE_ROOT
    return std::filesystem::path(FOREGATE_SOURCE_ROOT) / ".." / "shared" / "data" / "threat";
#else
    return {};
#endif
}

class RealFeeds : public ::testing::Test {
protected:
    void SetUp() override {
        if (!std::filesystem::is_directory(threat_folder())) {
            GTEST_SKIP() << "no real feeds in \"" << threat_folder().string()
                         << "\"; set FOREGATE_SHARED to a folder that holds data/threat";
        }
    }
    static FeedReport report_of(const std::string& file) {
        const FeedReport report = read_feed(threat_folder() / file, FeedRules{}).report;
        EXPECT_EQ(report.entries_seen, report.loaded + report.rejected + report.refused +
                                           report.duplicate + report.shadowed)
            << file;
        return report;
    }
};

TEST_F(RealFeeds, HostsFile) {
    const FeedReport report = report_of("hagezi/hosts-fake.txt");
    EXPECT_EQ(report.format, "hosts");
    EXPECT_EQ(report.entries_seen, 14043U);
    EXPECT_EQ(report.rejected, 0U);
    EXPECT_GT(report.shadowed, 6000U); // each name once more with www.
}

TEST_F(RealFeeds, PlainAddresses) {
    const FeedReport plain = report_of("malicious-ip/full-40k.txt");
    EXPECT_EQ(plain.format, "addresses");
    EXPECT_EQ(plain.entries_seen, 40000U);
    EXPECT_EQ(plain.rejected, 0U);
    const FeedReport no_last_line_end = report_of("threatfox-ips/ips.txt");
    EXPECT_EQ(no_last_line_end.entries_seen, 19863U);
    EXPECT_EQ(no_last_line_end.rejected, 0U);
    const FeedReport six = report_of("bitwire/inbound-ipv6.txt");
    EXPECT_EQ(six.entries_seen, 1117U);
    EXPECT_EQ(six.format, "addresses");
}

TEST_F(RealFeeds, ANetsetThatHoldsPrivateNetworksLosesJustThose) {
    const FeedReport report = report_of("firehol/firehol_level1.netset");
    EXPECT_EQ(report.entries_seen, 2511U);
    EXPECT_EQ(report.rejected, 0U);
    EXPECT_GE(report.refused, 5U);
    EXPECT_LT(report.refused, 30U);
    EXPECT_EQ(report_of("firehol/feodo.ipset").format, "empty");
}

TEST_F(RealFeeds, AMixedListGivesItsNamesAndReportsTheRest) {
    const FeedReport report = report_of("maltrail/malware-apt_kimsuky.txt");
    EXPECT_EQ(report.format, "domains");
    EXPECT_GT(report.loaded, 15000U);
    EXPECT_GE(report.rejected,
              111U + 76U + 96U + 277U - 60U); // paths, URLs, ports, hosts with paths
    EXPECT_LT(report.rejected, 700U);
}

TEST_F(RealFeeds, AddressesWrittenAsWildcardsAreNeverWidened) {
    const FeedReport report = report_of("urlhaus-filter/urlhaus-filter-wildcard-online.txt");
    EXPECT_EQ(report.rejected, 2234U);
    EXPECT_EQ(report.entries_seen, 2853U);
}

TEST_F(RealFeeds, FormatsThatAreNotReadYetLoadNothing) {
    for (const char* file :
         {"hagezi/dnsmasq-fake.txt", "hagezi/adblock-fake.txt",
          "urlhaus-filter/urlhaus-filter-bind-online.conf", "stalkerware/suricata.rules"}) {
        EXPECT_EQ(report_of(file).loaded, 0U) << file;
    }
}

TEST_F(RealFeeds, EveryListedEntryOfSeveralFeedsIsFoundAgain) {
    ThreatSources sources;
    for (const char* file :
         {"hagezi/hosts-fake.txt", "urlhaus-filter/urlhaus-filter-domains.txt",
          "firehol/firehol_level1.netset", "ipsum/levels-3.txt", "bitwire/inbound-ipv6.txt"}) {
        FeedDefinition feed;
        feed.name = file;
        feed.path = threat_folder() / file;
        sources.feeds.push_back(feed);
    }
    ThreatLoader loader;
    ThreatLoad load = loader.load(sources);
    const auto listed = load.input.entries;
    ASSERT_GT(listed.size(), 40000U);
    const dataplane::ThreatDb db = dataplane::ThreatDb::build(std::move(load.input));
    dataplane::NameScratch scratch = db.make_scratch();
    for (const dataplane::ThreatEntry& entry : listed) {
        if (entry.kind == dataplane::ThreatKind::prefix) {
            ASSERT_NE(db.match_address(entry.prefix.address), nullptr) << entry.text();
            continue;
        }
        ASSERT_NE(db.match_name("x." + entry.name, scratch), nullptr) << entry.text();
        ASSERT_EQ(db.match_name("x" + entry.name + "x", scratch), nullptr) << entry.text();
    }
    EXPECT_EQ(scratch.failed_scans(), 0U);
    for (const char* good : {"10.0.0.1", "192.168.1.1", "127.0.0.1"}) {
        EXPECT_EQ(db.match_address(*dataplane::IpAddress::parse(good)), nullptr) << good;
    }
}

} // namespace
} // namespace foregate::control
