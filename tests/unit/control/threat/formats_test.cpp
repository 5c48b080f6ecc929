// SPDX-License-Identifier: BSD-3-Clause
// Each format by a small list of its own: what is loaded, what is kept aside, what is turned away.
#include "control/threat/feed_reader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace foregate::control {
namespace {

using Texts = std::vector<std::string>;

Texts texts_of(const FeedContent& content) {
    Texts texts;
    for (const auto& entry : content.entries) {
        texts.push_back(entry.text());
    }
    return texts;
}

Texts kept_of(const FeedContent& content) {
    Texts texts;
    for (const UnmatchedEntry& entry : content.unmatched) {
        texts.push_back(std::string(unmatched_kind_name(entry.kind)) + " " + entry.text);
    }
    return texts;
}

FeedContent read(const std::string& text, const std::string& file = "feed.txt",
                 const FeedRules& rules = {}) {
    FeedContent content = read_feed_text(text, file, rules);
    const FeedReport& report = content.report;
    EXPECT_EQ(report.entries_seen, report.loaded + report.rejected + report.refused +
                                       report.duplicate + report.shadowed + report.unmatched +
                                       report.expired)
        << text;
    EXPECT_LE(report.loaded, content.entries.size());
    EXPECT_EQ(report.unmatched, content.unmatched.size());
    return content;
}

std::string reason_of(const FeedContent& content, std::size_t i = 0) {
    return i < content.report.rejected_lines.size() ? content.report.rejected_lines[i].message
                                                    : "(none)";
}

TEST(FeedFormats, Adblock) {
    const FeedContent content =
        read("[Adblock Plus 2.0]\n! title\n||evil.example^\n||bad.example^$all\n"
             "||203.0.113.7^\n||good.example/dir/x.exe^$all\n##.banner\nx.example##div\n"
             "||part.example^$script,third-party\n||begin.ex\n||*.wild.example^\n"
             "||shop.example^\n@@||ok.shop.example^\n");
    EXPECT_EQ(texts_of(content),
              (Texts{"evil.example", "bad.example", "203.0.113.7", "*.wild.example"}));
    EXPECT_EQ(kept_of(content), (Texts{"url good.example/dir/x.exe"}));
    EXPECT_EQ(content.report.format, "adblock");
    EXPECT_EQ(content.report.rejected, 2U);
    EXPECT_NE(reason_of(content).find("$script"), std::string::npos);
    EXPECT_EQ(content.report.refused, 1U); // shop.example: the list excepts a part of it
    EXPECT_EQ(content.report.skipped, 4U);
    EXPECT_EQ(content.entries[0].line, 3U);
}

TEST(FeedFormats, Dnsmasq) {
    const FeedContent content =
        read("# t\naddress=/evil.example/0.0.0.0\naddress=/bad.example/#\nlocal=/a.example/\n"
             "server=/b.example/c.example/\naddress=/intranet.example/10.0.0.9\n"
             "server=9.9.9.9\naddress=/#/0.0.0.0\naddress=/six.example/::\n");
    EXPECT_EQ(texts_of(content), (Texts{"evil.example", "bad.example", "a.example", "b.example",
                                        "c.example", "six.example"}));
    EXPECT_EQ(content.report.format, "dnsmasq");
    EXPECT_EQ(content.report.rejected, 2U);
    EXPECT_EQ(content.report.skipped, 1U);
}

TEST(FeedFormats, Unbound) {
    const FeedContent content =
        read("server:\nlocal-zone: \"evil.example\" always_nxdomain\nlocal-zone: 'bad.example.' "
             "refuse # why\n"
             "local-data: \"x.example A 0.0.0.0\"\nlocal-data: \"y.example. 300 IN AAAA ::\"\n"
             "local-data: \"map.example A 10.1.1.1\"\nlocal-zone: \"ok.example\" transparent\n");
    EXPECT_EQ(texts_of(content), (Texts{"evil.example", "bad.example", "x.example", "y.example"}));
    EXPECT_EQ(content.report.format, "unbound");
    EXPECT_EQ(content.report.rejected, 2U);
}

TEST(FeedFormats, Bind) {
    const FeedContent content = read("// a comment; zone \"no.example\"\nzone \"evil.example\" { "
                                     "type master; file \"null\"; };\n"
                                     "zone \"bad.example\" IN {\n  type master;\n  file "
                                     "\"null.zone.file\"; /* zone\n \"nor.example\" */\n};\n");
    EXPECT_EQ(texts_of(content), (Texts{"evil.example", "bad.example"}));
    EXPECT_EQ(content.report.format, "bind");
    EXPECT_EQ(content.entries[1].line, 3U);
    EXPECT_TRUE(content.report.truncated.empty());
    EXPECT_FALSE(read("zone \"a.example\" { type master; };\nzone \"b.example\" {\n  type")
                     .report.truncated.empty());
}

TEST(FeedFormats, ResponsePolicyZone) {
    const FeedContent content = read(
        "$TTL 300\n@ IN SOA localhost. root.localhost. (\n 1 2 3\n 4 5 )\n NS localhost.\n; note\n"
        "evil.example CNAME .\n*.evil.example CNAME .\nbad.example 60 IN CNAME *.\nsink.example A "
        "0.0.0.0\n"
        "sink.example AAAA ::\n24.0.113.0.203.rpz-ip CNAME .\n48.zz.bad.db8.2001.rpz-ip CNAME .\n"
        "32.1.0.0.10.rpz-client-ip CNAME .\nlist.example CNAME .\nok.list.example CNAME "
        "rpz-passthru.\n");
    EXPECT_EQ(texts_of(content), (Texts{"evil.example", "bad.example", "sink.example",
                                        "203.0.113.0/24", "2001:db8:bad::/48"}));
    EXPECT_EQ(content.report.format, "rpz");
    EXPECT_EQ(content.report.shadowed, 1U);
    EXPECT_EQ(content.report.refused, 1U);
    EXPECT_EQ(content.report.rejected, 1U);
    const FeedContent origin =
        read("$ORIGIN rpz.local.\n@ SOA a. b. 1 2 3 4 5\nevil.example.rpz.local. CNAME .\n");
    EXPECT_EQ(texts_of(origin), (Texts{"evil.example"}));
}

TEST(FeedFormats, TrackingProtectionList) {
    const FeedContent content =
        read("msFilterList\n: Expires=1\n-d evil.example\n-d 203.0.113.7\n-d cdn.example /x.js\n"
             "- banner\n");
    EXPECT_EQ(texts_of(content), (Texts{"evil.example", "203.0.113.7"}));
    EXPECT_EQ(kept_of(content), (Texts{"url cdn.example/x.js"}));
    EXPECT_EQ(content.report.format, "tpl");
    EXPECT_EQ(content.report.rejected, 1U);
}

TEST(FeedFormats, Ranges) {
    const FeedContent content = read(
        "\xef\xbb\xbf"
        "label, with: colon-1:203.0.113.4-203.0.113.7\n203.0.113.64 - 203.0.113.95\n"
        "198.051.100.001 - 198.051.100.001 , 100 , padded\n192.0.2.0 - 192.0.2.255 , 200 , let in\n"
        "six:2001:db8:bad::-2001:db8:bad::ff\nall:0.0.0.0-255.255.255.255\nback:203.0.113.9-203.0."
        "113.2\n",
        "list.p2p");
    EXPECT_EQ(texts_of(content),
              (Texts{"203.0.113.4/30", "203.0.113.64/27", "198.51.100.1", "2001:db8:bad::/120"}));
    EXPECT_EQ(content.report.refused, 1U);
    EXPECT_EQ(content.report.rejected, 1U);
    EXPECT_EQ(content.report.skipped, 1U);
}

TEST(FeedFormats, PatternsAreTriedAloneAndTheBadOnesRejected) {
    const FeedContent content = read("(^|\\.)ads[0-9]+\\.example$\n(^|\\.)evil\\.example$\nq(l|r)["
                                     "0-9]{5,6}\\.pw\n(unclosed\n.*.*\\.?.*\n"
                                     "back(ref)\\1\\.example\n^x{1,9999}\\.example$\n");
    EXPECT_EQ(kept_of(content),
              (Texts{"pattern (^|\\.)ads[0-9]+\\.example$", "pattern q(l|r)[0-9]{5,6}\\.pw"}));
    EXPECT_EQ(texts_of(content), (Texts{"evil.example"})); // says no more than the name does
    EXPECT_EQ(content.report.format, "patterns");
    EXPECT_EQ(content.report.rejected, 4U);
}

TEST(FeedFormats, WildcardsAndAddressesInDisguise) {
    const FeedContent content = read("*.evil.example\n*.7.113.0.203\n*.203.0.113.7\nads*.evil2."
                                     "example\n*\n*.*\n.dotted.example\n");
    EXPECT_EQ(texts_of(content),
              (Texts{"*.evil.example", "7.113.0.203", "203.0.113.7", "dotted.example"}));
    EXPECT_EQ(kept_of(content), (Texts{"pattern ^ads.*\\.evil2\\.example$"}));
    EXPECT_EQ(content.report.rejected, 2U);
}

TEST(FeedFormats, MixedIndicatorsAreNeverWidened) {
    const FeedContent content =
        read("evil.example\n203.0.113.7\n203.0.113.8:443\nhttp://cdn.example:8080/"
             "gate.php?x=1#y\nhttp://root.example\n"
             "cdn.example/dir/\n/panel/gate.php\n[2001:db8::1]:443\nname.example:8443\nhxxp://"
             "bad[.]example/x\n"
             "evil2[.]example\n203[.]0[.]113[.]9\nuser@x.example/"
             "y\n203.0.113.5:33:1099\nname.example:99999\nhttp://\n"
             "203.0.113.7/gate.php\n");
    EXPECT_EQ(texts_of(content),
              (Texts{"evil.example", "203.0.113.7", "evil2.example", "203.0.113.9"}));
    EXPECT_EQ(kept_of(content),
              (Texts{"endpoint 203.0.113.8:443", "url cdn.example:8080/gate.php?x=1",
                     "url root.example/", "url cdn.example/dir/", "path /panel/gate.php",
                     "endpoint [2001:db8::1]:443", "endpoint name.example:8443",
                     "url bad.example/x", "url x.example/y", "url 203.0.113.7/gate.php"}));
    EXPECT_EQ(content.report.rejected, 3U);
    EXPECT_EQ(content.report.format, "mixed");
}

TEST(FeedFormats, UnicodeNamesBecomePunycode) {
    const FeedContent content = read(
        "m\xc3\xbcnchen.example\nM\xc3\x9cNCHEN.example\nbad\xff\xfe.example\nxn--a.example\n");
    EXPECT_EQ(texts_of(content), (Texts{"xn--mnchen-3ya.example", "xn--a.example"}));
    EXPECT_EQ(content.report.duplicate, 1U);
    EXPECT_EQ(content.report.bad_names, 1U);
}

TEST(FeedFormats, TablesWithAHeader) {
    const FeedContent content =
        read("\"host\",\"path\",\"message\"\r\n\"evil.example\",\"\",\"a, b\"\r\n"
             "\"cdn.example\",\"/x.exe\",\"say \"\"x\"\"\"\r\n",
             "t.csv");
    EXPECT_EQ(texts_of(content), (Texts{"evil.example"}));
    EXPECT_EQ(kept_of(content), (Texts{"url cdn.example/x.exe"}));
    EXPECT_EQ(content.report.format, "csv");
    const FeedContent ports =
        read("# Firstseen,DstIP,DstPort\n2025-01-01,203.0.113.7,443\n2025-01-01,203.0.113.8,\n",
             "b.csv");
    EXPECT_EQ(texts_of(ports), (Texts{"203.0.113.8"}));
    EXPECT_EQ(kept_of(ports), (Texts{"endpoint 203.0.113.7:443"}));
    const FeedContent typed = read(
        "type,indicator,app\ndomain,evil.example,Spy\nsha256,aa.bb,Spy\nipv4,203.0.113.7,Spy\n",
        "c.csv");
    EXPECT_EQ(texts_of(typed), (Texts{"evil.example", "203.0.113.7"}));
    EXPECT_EQ(typed.categories.at(typed.entries[0].category), "Spy");
    EXPECT_EQ(typed.entries[1].line, 4U);
}

TEST(FeedFormats, TablesWithoutAHeaderAndWithLostQuotes) {
    const FeedContent content = read("1,evil.example,x\n2,203.0.113.7,y\n", "t.csv");
    EXPECT_EQ(texts_of(content), (Texts{"evil.example", "203.0.113.7"}));
    std::string text = "domain,note\nevil.example,\"open\n";
    for (int i = 0; i < 20; ++i) {
        text += "n" + std::to_string(i) + ".example,fine\n";
    }
    const FeedContent lost = read(text, "t.csv");
    EXPECT_EQ(lost.report.loaded, 20U);
    EXPECT_EQ(lost.report.rejected, 1U);
    EXPECT_TRUE(lost.report.truncated.empty());
    const FeedContent cut = read("domain,note\nevil.example,fine\nlast.example,\"cut", "t.csv");
    EXPECT_EQ(texts_of(cut), (Texts{"evil.example"}));
    EXPECT_FALSE(cut.report.truncated.empty());
}

TEST(FeedFormats, EntriesThatEnd) {
    FeedRules rules;
    rules.now = 1'700'000'000; // 2023-11-14
    const FeedContent content = read("indicator,valid_until\nold.example,2023-01-01\nnew.example,"
                                     "2030-01-01T00:00:00Z\never.example,\n",
                                     "t.csv", rules);
    EXPECT_EQ(texts_of(content), (Texts{"new.example", "ever.example"}));
    EXPECT_EQ(content.report.expired, 1U);
    EXPECT_EQ(content.report.next_expiry, 1'893'456'000);
    ASSERT_EQ(content.expiries.size(), 2U);
    EXPECT_EQ(content.expiries[1], 0);
}

TEST(FeedFormats, SuricataReputationAndDatasets) {
    const FeedContent reputation =
        read("203.0.113.7,1,100\n198.51.100.0/24,2,50\n203.0.113.9,1,0\n203.0.113.13/24,1,9\n");
    EXPECT_EQ(texts_of(reputation), (Texts{"203.0.113.7", "198.51.100.0/24"}));
    EXPECT_EQ(reputation.report.format, "iprep");
    EXPECT_EQ(reputation.report.skipped, 1U);
    EXPECT_EQ(reputation.report.rejected, 1U);
    EXPECT_EQ(reputation.categories.at(reputation.entries[1].category), "iprep-2");
    const FeedContent set = read("ZXZpbC5leGFtcGxl\naHR0cDovL2JhZC5leGFtcGxlL3g=\n");
    EXPECT_EQ(texts_of(set), (Texts{"evil.example"}));
    EXPECT_EQ(kept_of(set), (Texts{"url bad.example/x"}));
    EXPECT_EQ(set.report.format, "dataset");
    const FeedContent hashes =
        read("d41d8cd98f00b204e9800998ecf8427e\nd41d8cd98f00b204e9800998ecf8427f\n");
    EXPECT_EQ(hashes.report.entries_seen, 0U);
    EXPECT_EQ(hashes.report.skipped, 2U);
}

TEST(FeedFormats, SuricataRules) {
    const std::string start = " $HOME_NET any -> $EXTERNAL_NET any (msg:\"m; \\\"x\\\"\"; ";
    const FeedContent content = read(
        "# alert off\nalert tls" + start +
            "tls.sni; bsize:12; content:\"evil.example\"; classtype:trojan-activity; sid:1;)\n" +
            "alert http" + start +
            "http.method; content:\"GET\"; http.host; content:\"h.ex|61 6d|ple\"; sid:2;)\n" +
            "alert http" + start +
            "http.uri; content:\"/x.exe\"; http.host; content:\"cdn.example\"; sid:3;)\n" +
            "alert dns" + start +
            "dns.query; dotprefix; content:\".dot.example\"; nocase; endswith; sid:4;)\n" +
            "alert tls" + start + "tls.sni; content:\".below.example\"; endswith; sid:5;)\n" +
            "alert http" + start + "content:\"old.example\"; http_host; sid:6;)\n" + "alert http" +
            start + "http.host; content:\"gh.example\"; http.user_agent; content:\"x\"; sid:7;)\n" +
            "alert http" + start + "http.host; content:!\"not.example\"; sid:8;)\n" + "alert http" +
            start + "http.host; content:\"p.example\"; pcre:\"/x/\"; sid:9;)\n" +
            "alert ip $HOME_NET any -> [203.0.113.7, 198.51.100.0/24] any (msg:\"a\"; sid:10;)\n" +
            "alert tcp $HOME_NET any -> 203.0.113.9 4444 (msg:\"a\"; sid:11;)\n" +
            "alert tcp any any -> any any (msg:\"a\"; content:\"evil\"; sid:12;)\n",
        "x.rules");
    EXPECT_EQ(texts_of(content),
              (Texts{"evil.example", "h.example", "dot.example", "*.below.example", "old.example",
                     "203.0.113.7", "198.51.100.0/24"}));
    EXPECT_EQ(kept_of(content), (Texts{"url cdn.example/x.exe", "endpoint 203.0.113.9:4444"}));
    EXPECT_EQ(content.report.format, "suricata rules");
    EXPECT_EQ(content.report.rejected, 4U);
    EXPECT_EQ(content.categories.at(content.entries[0].category), "trojan-activity");
    EXPECT_FALSE(
        read("alert ip any any -> 203.0.113.7 any (msg:\"a\"; sid:1;)\nalert ip any any -> 203.0",
             "x.rules")
            .report.truncated.empty());
}

TEST(FeedFormats, Stix) {
    const FeedContent content =
        read(R"({"type":"bundle","id":"bundle--1","spec_version":"2.1","objects":[
 {"type":"indicator","pattern":"[domain-name:value = 'evil.example' OR ipv4-addr:value = '203.0.113.7']","indicator_types":["c2"]},
 {"type":"indicator","pattern":"[url:value = 'http://cdn.example/x']","valid_until":"2030-01-01T00:00:00.000Z"},
 {"type":"indicator","pattern":"[ipv4-addr:value = '203.0.113.9' AND network-traffic:dst_port = 443]"},
 {"type":"indicator","pattern":"[file:hashes.'SHA-256' = 'aa']"},
 {"type":"indicator","pattern":"[domain-name:value LIKE '%.below.example']"},
 {"type":"indicator","pattern":"[ipv4-addr:value ISSUBSET '198.51.100.0/24']"},
 {"type":"indicator","pattern":"[domain-name:value = 'gone.example']","revoked":true},
 {"type":"report","external_references":[{"source_name":"s","url":"https://blog.example/x"}]}]})",
             "b.json");
    EXPECT_EQ(texts_of(content),
              (Texts{"evil.example", "203.0.113.7", "*.below.example", "198.51.100.0/24"}));
    EXPECT_EQ(kept_of(content), (Texts{"url cdn.example/x"}));
    EXPECT_EQ(content.report.format, "stix");
    EXPECT_EQ(content.report.rejected, 1U);
    EXPECT_EQ(content.report.skipped, 2U);
    EXPECT_EQ(content.entries[2].line, 6U);
    EXPECT_EQ(content.categories.at(content.entries[0].category), "c2");
}

TEST(FeedFormats, MispEventsAndWarningLists) {
    const FeedContent content = read(R"({"response":[{"Event":{"info":"x","Attribute":[
 {"type":"domain","category":"Network activity","to_ids":true,"value":"evil.example"},
 {"type":"ip-dst","category":"Network activity","to_ids":true,"value":"203.0.113.7"},
 {"type":"ip-dst|port","category":"Network activity","to_ids":true,"value":"203.0.113.8|443"},
 {"type":"domain|ip","category":"Network activity","to_ids":true,"value":"both.example|203.0.113.9"},
 {"type":"url","category":"Network activity","to_ids":true,"value":"http://cdn.example/x"},
 {"type":"domain","category":"Network activity","to_ids":false,"value":"mentioned.example"},
 {"type":"md5","category":"Payload","to_ids":true,"value":"aa"}],
 "Object":[{"name":"o","Attribute":[{"type":"hostname","to_ids":true,"value":"inner.example"}]}]}}]})",
                                     "e.json");
    EXPECT_EQ(texts_of(content),
              (Texts{"evil.example", "203.0.113.7", "both.example", "inner.example"}));
    EXPECT_EQ(kept_of(content), (Texts{"endpoint 203.0.113.8:443", "url cdn.example/x"}));
    EXPECT_EQ(content.report.format, "misp");
    EXPECT_EQ(content.report.skipped, 2U);
    const FeedContent list = read(
        R"({"name":"x","type":"cidr","list":["203.0.113.0/24","203.0.114.1"],"matching_attributes":["ip-dst"]})");
    EXPECT_EQ(texts_of(list), (Texts{"203.0.113.0/24", "203.0.114.1"}));
    EXPECT_EQ(list.report.format, "misp warning list");
}

TEST(FeedFormats, JsonRecordsWordsAndBrokenJson) {
    EXPECT_EQ(
        texts_of(read("{\"host\": \"evil.example\", \"year\": 1}\n{\"host\": \"bad.example\"}\n")),
        (Texts{"evil.example", "bad.example"}));
    EXPECT_EQ(texts_of(read("[{\"ip\": \"203.0.113.7\"}]")), (Texts{"203.0.113.7"}));
    EXPECT_EQ(texts_of(read("[\"evil.example\",\n \"203.0.113.7\"]")),
              (Texts{"evil.example", "203.0.113.7"}));
    const FeedContent abuse =
        read(R"({"1":[{"ioc_value":"203.0.113.7:443","ioc_type":"ip:port","malware_printable":"X"}],
 "2":[{"ioc_value":"aa","ioc_type":"sha256_hash"}]})");
    EXPECT_EQ(kept_of(abuse), (Texts{"endpoint 203.0.113.7:443"}));
    EXPECT_EQ(kept_of(read(R"([{"ip_address":"203.0.113.7","port":443}])")),
              (Texts{"endpoint 203.0.113.7:443"}));
    const FeedContent cut = read("[{\"ip\": \"203.0.113.7\"}, {\"ip\": \"203.0");
    EXPECT_EQ(texts_of(cut), (Texts{"203.0.113.7"}));
    EXPECT_FALSE(cut.report.truncated.empty());
    EXPECT_EQ(read(std::string(100000, '[') + "\"a.example\"").report.loaded, 0U);
    EXPECT_EQ(read(std::string("{\"a\":") + std::string(5000, '{')).report.loaded, 0U);
    EXPECT_EQ(read("{\"nothing\": 1}").report.rejected, 1U);
}

TEST(FeedFormats, PublicSuffixesAreRefused) {
    FeedRules rules;
    rules.suffixes =
        std::make_shared<const PublicSuffixes>("// x\ncom\nco.uk\ngithub.io\n*.ck\n!www.ck\n");
    const FeedContent content =
        read("co.uk\n*.github.io\nx.ck\nwww.ck\nevil.co.uk\nme.github.io\n", "f.txt", rules);
    EXPECT_EQ(texts_of(content), (Texts{"www.ck", "evil.co.uk", "me.github.io"}));
    EXPECT_EQ(content.report.refused, 3U);
}

TEST(FeedFormats, MoreEntriesThanAllowedAreRejectedLoudly) {
    FeedRules rules;
    rules.max_entries = 2;
    const FeedContent content = read("a.example\nb.example\nc.example\n", "f.txt", rules);
    EXPECT_EQ(content.report.loaded, 2U);
    EXPECT_NE(reason_of(content).find("more than 2 entries"), std::string::npos);
}

TEST(FeedFormats, ALineThatIsCutOffAtTheEnd) {
    EXPECT_TRUE(read("evil.example\nbad.example").report.truncated.empty());
    EXPECT_FALSE(read("http://a.example/x\nhttp://").report.truncated.empty());
}

} // namespace
} // namespace foregate::control
