// SPDX-License-Identifier: BSD-3-Clause
// Real public feeds, when they are at hand: $FOREGATE_SHARED, or `shared` beside the source tree.
// The numbers are those of the stored files, which do not change.
#include "control/threat/feed_reader.h"
#include "control/threat/threat_loader.h"
#include "dataplane/threat/threat_db.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

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
                                           report.duplicate + report.shadowed + report.unmatched +
                                           report.expired)
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
    EXPECT_EQ(report.rejected, 0U);
    EXPECT_GE(report.unmatched,
              111U + 76U + 96U + 277U - 60U); // paths, URLs, ports, hosts with paths
    EXPECT_LT(report.unmatched, 700U);
}

struct Expected {
    const char* file;
    const char* format;
    std::size_t entries, loaded, rejected, refused, duplicate, shadowed;
    std::array<std::size_t, kUnmatchedKinds> unmatched; ///< url, path, endpoint, pattern
};

// entries: those of the folder's own README, counted there by other means; the others add up to it.
const std::vector<Expected>& expected_feeds() {
    // clang-format off
    static const std::vector<Expected> kFeeds{
        {"adfilt/Dandelion_Sprout_s_and_other_adblocker_lists_IPs_for_P2P.p2p", "ranges", 949, 771, 0, 0, 74, 104, {0, 0, 0, 0}},
        {"bitwire/inbound-ipv6.txt", "addresses", 1117, 1117, 0, 0, 0, 0, {0, 0, 0, 0}},
        {"bitwire/outbound-networks.txt", "addresses", 4991, 4991, 0, 0, 0, 0, {0, 0, 0, 0}},
        {"blackbook/blackbook.csv", "csv", 18151, 18065, 0, 0, 4, 82, {0, 0, 0, 0}},
        {"blocklistproject/ransomware.txt", "hosts", 1904, 1903, 0, 0, 0, 1, {0, 0, 0, 0}},
        {"eset/misp-moustachedbouncer.event.json", "misp", 11, 0, 7, 0, 0, 0, {4, 0, 0, 0}},
        {"eset/misp-turla-outlook-event.json", "misp", 0, 0, 0, 0, 0, 0, {0, 0, 0, 0}},
        {"firehol/dshield.netset", "addresses", 19, 19, 0, 0, 0, 0, {0, 0, 0, 0}},
        {"firehol/et_tor.ipset", "addresses", 6859, 6859, 0, 0, 0, 0, {0, 0, 0, 0}},
        {"firehol/feodo.ipset", "empty", 0, 0, 0, 0, 0, 0, {0, 0, 0, 0}},
        {"firehol/firehol_level1.netset", "addresses", 2511, 2503, 0, 8, 0, 0, {0, 0, 0, 0}},
        {"firehol/spamhaus_drop.netset", "addresses", 986, 986, 0, 0, 0, 0, {0, 0, 0, 0}},
        {"firehol/sslbl.ipset", "empty", 0, 0, 0, 0, 0, 0, {0, 0, 0, 0}},
        {"hagezi/adblock-fake.txt", "adblock", 7355, 7355, 0, 0, 0, 0, {0, 0, 0, 0}},
        {"hagezi/dnsmasq-fake.txt", "dnsmasq", 7355, 7355, 0, 0, 0, 0, {0, 0, 0, 0}},
        {"hagezi/hosts-fake.txt", "hosts", 14043, 7355, 0, 0, 0, 6688, {0, 0, 0, 0}},
        {"hagezi/wildcard-fake.txt", "wildcards", 7355, 7355, 0, 0, 0, 0, {0, 0, 0, 0}},
        {"ipsum/levels-3.txt", "addresses", 14217, 14217, 0, 0, 0, 0, {0, 0, 0, 0}},
        {"kadhosts/KADhole.txt", "patterns", 181, 0, 0, 0, 0, 0, {0, 0, 0, 181}},
        {"malicious-ip/full-40k.txt", "addresses", 40000, 40000, 0, 0, 0, 0, {0, 0, 0, 0}},
        {"maltrail/malicious-magentocore.txt", "domains", 14558, 10460, 0, 0, 598, 3214, {140, 119, 26, 1}},
        {"maltrail/malware-android_joker.txt", "domains", 4276, 2388, 0, 0, 27, 1798, {35, 19, 9, 0}},
        {"maltrail/malware-apt_kimsuky.txt", "domains", 26493, 19465, 0, 0, 390, 6084, {348, 110, 96, 0}},
        {"maltrail/malware-apt_lazarus.txt", "mixed", 5573, 2644, 0, 0, 126, 1213, {630, 98, 862, 0}},
        {"maltrail/malware-emotet.txt", "indicators", 15034, 227, 0, 0, 2586, 4, {4776, 4326, 3115, 0}},
        {"maltrail/malware-gh0strat.txt", "mixed", 2465, 1343, 0, 0, 9, 299, {92, 8, 714, 0}},
        {"maltrail/mass_scanner_cidr.txt", "addresses", 1106, 751, 0, 0, 4, 351, {0, 0, 0, 0}},
        {"maltrail/suspicious-domain.txt", "domains", 4660, 4273, 0, 49, 297, 40, {0, 0, 0, 1}},
        {"maltrail/suspicious-dynamic_domain.txt", "domains", 2496, 2029, 0, 0, 461, 6, {0, 0, 0, 0}},
        {"maltrail/suspicious-web_shells.txt", "indicators", 972, 9, 0, 0, 3, 0, {1, 959, 0, 0}},
        {"misp-warninglists/cisco_top1000.json", "misp warning list", 1000, 295, 0, 0, 0, 705, {0, 0, 0, 0}},
        {"misp-warninglists/cisco_top20k.json", "misp warning list", 20000, 4519, 0, 0, 0, 15481, {0, 0, 0, 0}},
        {"misp-warninglists/microsoft-office365.json", "misp warning list", 183, 121, 0, 0, 0, 62, {0, 0, 0, 0}},
        {"misp-warninglists/public-dns-v6.json", "misp warning list", 269, 269, 0, 0, 0, 0, {0, 0, 0, 0}},
        {"misp-warninglists/rfc1918.json", "misp warning list", 3, 0, 0, 3, 0, 0, {0, 0, 0, 0}},
        {"misp-warninglists/rfc6761.json", "misp warning list", 21, 21, 0, 0, 0, 0, {0, 0, 0, 0}},
        {"misp-warninglists/second-level-tlds.json", "misp warning list", 10231, 6449, 0, 1448, 0, 2334, {0, 0, 0, 0}},
        {"misp-warninglists/sinkholes.json", "misp warning list", 107, 107, 0, 0, 0, 0, {0, 0, 0, 0}},
        {"rpz/malware_malware-filter-urlhaus-lite.rpz", "rpz", 1276, 638, 0, 0, 0, 638, {0, 0, 0, 0}},
        {"rpz/malware_notrack.rpz", "rpz", 304, 152, 0, 0, 0, 152, {0, 0, 0, 0}},
        {"spam404/adblock-list.txt", "adblock", 7113, 7113, 0, 0, 0, 0, {0, 0, 0, 0}},
        {"stalkerware/hosts", "domains", 925, 637, 0, 0, 0, 288, {0, 0, 0, 0}},
        {"stalkerware/network.csv", "csv", 1034, 729, 0, 0, 9, 294, {2, 0, 0, 0}},
        {"stalkerware/suricata.rules", "suricata rules", 990, 702, 0, 0, 0, 288, {0, 0, 0, 0}},
        {"suricata-verify/datajson-host.jsonl", "json records", 2, 1, 0, 0, 0, 1, {0, 0, 0, 0}},
        {"suricata-verify/datajson-invalid.lst", "csv", 2, 0, 0, 2, 0, 0, {0, 0, 0, 0}},
        {"suricata-verify/datajson-ip.json", "json records", 1, 0, 0, 1, 0, 0, {0, 0, 0, 0}},
        {"suricata-verify/datajson-sha.lst", "json records", 0, 0, 0, 0, 0, 0, {0, 0, 0, 0}},
        {"suricata-verify/dataset-base64.csv", "dataset", 1, 0, 1, 0, 0, 0, {0, 0, 0, 0}},
        {"suricata-verify/iprep-cidr.list", "iprep", 0, 0, 0, 0, 0, 0, {0, 0, 0, 0}},
        {"suricata-verify/scirius-iprep.list", "iprep", 27533, 25285, 3, 0, 1706, 539, {0, 0, 0, 0}},
        {"threatfox-ips/ips.txt", "addresses", 19863, 19856, 0, 7, 0, 0, {0, 0, 0, 0}},
        {"unit42/2024-02-27-Akira-Ransomware.json", "stix", 0, 0, 0, 0, 0, 0, {0, 0, 0, 0}},
        {"unit42/stix2-NOBELIUM.json", "stix", 9, 5, 0, 0, 0, 4, {0, 0, 0, 0}},
        {"unit42/stix2-qakbotmalware.json", "stix", 20, 12, 0, 0, 1, 0, {7, 0, 0, 0}},
        {"urlhaus-filter/urlhaus-filter-ag-online.txt", "adblock", 6363, 2854, 0, 0, 0, 0, {3509, 0, 0, 0}},
        {"urlhaus-filter/urlhaus-filter-agh-online.txt", "adblock", 2853, 2853, 0, 0, 0, 0, {0, 0, 0, 0}},
        {"urlhaus-filter/urlhaus-filter-bind-online.conf", "bind", 619, 619, 0, 0, 0, 0, {0, 0, 0, 0}},
        {"urlhaus-filter/urlhaus-filter-dnscrypt-blocked-ips-online.txt", "addresses", 2234, 2234, 0, 0, 0, 0, {0, 0, 0, 0}},
        {"urlhaus-filter/urlhaus-filter-dnscrypt-blocked-names-online.txt", "domains", 619, 619, 0, 0, 0, 0, {0, 0, 0, 0}},
        {"urlhaus-filter/urlhaus-filter-dnsmasq-online.conf", "dnsmasq", 619, 619, 0, 0, 0, 0, {0, 0, 0, 0}},
        {"urlhaus-filter/urlhaus-filter-domains.txt", "mixed", 25768, 25609, 0, 0, 0, 159, {0, 0, 0, 0}},
        {"urlhaus-filter/urlhaus-filter-hosts-online.txt", "hosts", 619, 619, 0, 0, 0, 0, {0, 0, 0, 0}},
        {"urlhaus-filter/urlhaus-filter-online.tpl", "tpl", 2853, 2853, 0, 0, 0, 0, {0, 0, 0, 0}},
        {"urlhaus-filter/urlhaus-filter-online.txt", "mixed", 6363, 2854, 0, 0, 0, 0, {3509, 0, 0, 0}},
        {"urlhaus-filter/urlhaus-filter-rpz.conf", "rpz", 2689, 2530, 0, 0, 0, 159, {0, 0, 0, 0}},
        {"urlhaus-filter/urlhaus-filter-splunk-online.csv", "csv", 6363, 2853, 0, 0, 0, 0, {3510, 0, 0, 0}},
        {"urlhaus-filter/urlhaus-filter-suricata-online.rules", "suricata rules", 6363, 2853, 0, 0, 0, 0, {3510, 0, 0, 0}},
        {"urlhaus-filter/urlhaus-filter-suricata-sni-online.rules", "suricata rules", 2853, 2853, 0, 0, 0, 0, {0, 0, 0, 0}},
        {"urlhaus-filter/urlhaus-filter-unbound-online.conf", "unbound", 619, 619, 0, 0, 0, 0, {0, 0, 0, 0}},
        {"urlhaus-filter/urlhaus-filter-wildcard-online.txt", "wildcards", 2853, 2853, 0, 0, 0, 0, {0, 0, 0, 0}},
    };
    // clang-format on
    return kFeeds;
}

TEST_F(RealFeeds, EveryFileWithItsCounts) {
    for (const Expected& expected : expected_feeds()) {
        const FeedReport report = report_of(expected.file);
        EXPECT_EQ(report.format, expected.format) << expected.file;
        EXPECT_EQ(report.entries_seen, expected.entries) << expected.file;
        EXPECT_EQ(report.loaded, expected.loaded) << expected.file;
        EXPECT_EQ(report.rejected, expected.rejected) << expected.file;
        EXPECT_EQ(report.refused, expected.refused) << expected.file;
        EXPECT_EQ(report.duplicate, expected.duplicate) << expected.file;
        EXPECT_EQ(report.shadowed, expected.shadowed) << expected.file;
        EXPECT_EQ(report.unmatched_by_kind, expected.unmatched) << expected.file;
        EXPECT_EQ(report.truncated, "") << expected.file;
    }
}

TEST_F(RealFeeds, NoFileIsLeftOut) {
    std::set<std::string> known;
    for (const Expected& expected : expected_feeds()) {
        known.insert(expected.file);
    }
    for (const auto& entry : std::filesystem::recursive_directory_iterator(threat_folder())) {
        const std::string file = std::filesystem::relative(entry.path(), threat_folder()).string();
        if (entry.is_regular_file() && file != "README.md") {
            EXPECT_TRUE(known.contains(file)) << file;
        }
    }
}

TEST_F(RealFeeds, HostsOfListedUrlsAreNotListed) {
    const FeedContent content =
        read_feed(threat_folder() / "urlhaus-filter/urlhaus-filter-ag-online.txt", FeedRules{});
    for (const dataplane::ThreatEntry& entry : content.entries) {
        EXPECT_NE(entry.name, "github.com");
        EXPECT_NE(entry.name, "img1.wsimg.com");
        EXPECT_NE(entry.name, "raw.githubusercontent.com");
    }
}

TEST_F(RealFeeds, PublicSuffixesInAListOfDynamicNames) {
    FeedRules rules;
    rules.suffixes = PublicSuffixes::of_system();
    if (rules.suffixes == nullptr) {
        GTEST_SKIP() << "no public suffix list; install the package publicsuffix";
    }
    EXPECT_GT(rules.suffixes->size(), 5000U);
    const FeedReport report =
        read_feed(threat_folder() / "maltrail/suspicious-dynamic_domain.txt", rules).report;
    EXPECT_GT(report.refused, 50U);
    EXPECT_GT(report.loaded, 500U);
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
