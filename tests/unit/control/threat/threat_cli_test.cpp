// SPDX-License-Identifier: BSD-3-Clause
#include "control/threat/threat_cli.h"

#include "unit/control/threat/scratch_folder.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <sstream>
#include <string>

namespace foregate::control {
namespace {

struct Output {
    int status;
    std::string out;
    std::string err;
};

Output check(const std::vector<std::string>& files, bool json) {
    std::ostringstream out;
    std::ostringstream err;
    const int status = run_threat_check(files, json, out, err);
    return {status, out.str(), err.str()};
}

Output match(const std::string& feeds, const std::string& lines, bool json) {
    std::istringstream in(lines);
    std::ostringstream out;
    std::ostringstream err;
    const int status = run_threat_match(feeds, "-", json, in, out, err);
    return {status, out.str(), err.str()};
}

TEST(ThreatCli, CheckReportsEachFile) {
    const ScratchFolder folder;
    const std::string good =
        folder.write("good.txt", "evil.example\nevil.example\ncom\nx y\n").string();
    const Output text = check({good}, false);
    EXPECT_EQ(text.status, 0);
    EXPECT_NE(text.out.find("good.txt: domains, 4 lines: 1 loaded, 1 rejected, 1 refused, 1 "
                            "duplicate, 0 shadowed"),
              std::string::npos)
        << text.out;
    EXPECT_NE(text.out.find("good.txt:3: \"com\": "), std::string::npos);
    EXPECT_NE(text.out.find("good.txt:4: \"x y\": "), std::string::npos);

    const Output json = check({good}, true);
    EXPECT_EQ(json.status, 0);
    const auto reports = nlohmann::json::parse(json.out);
    ASSERT_EQ(reports.size(), 1U);
    EXPECT_EQ(reports[0]["format"], "domains");
    EXPECT_EQ(reports[0]["loaded"], 1);
    EXPECT_EQ(reports[0]["rejected_lines"][0]["line"], 4);
}

TEST(ThreatCli, CheckShowsWhatIsNotMatchedYetAndBadNames) {
    const ScratchFolder folder;
    const std::string feed =
        folder.write("m.txt", "http://cdn.example/x\n203.0.113.7:443\nbad..example\nco.uk\n")
            .string();
    const Output text = check({feed}, false);
    EXPECT_EQ(text.status, 0);
    EXPECT_NE(text.out.find("not matched yet: 1 of kind url"), std::string::npos) << text.out;
    EXPECT_NE(text.out.find("1 of the rejected are bad names"), std::string::npos) << text.out;
    const auto reports = nlohmann::json::parse(check({feed}, true).out);
    EXPECT_EQ(reports[0]["unmatched"], 2);
    EXPECT_EQ(reports[0]["unmatched_kinds"]["endpoint"], 1);
    EXPECT_EQ(reports[0]["bad_names"], 1);
    EXPECT_TRUE(reports[0]["truncated"].is_null());
}

TEST(ThreatCli, CheckFailsForUnreadableAndUselessFiles) {
    const ScratchFolder folder;
    const std::string useless = folder.write("a.json", "{\n}\n").string();
    const std::string empty = folder.write("empty.txt", "# nothing\n").string();
    EXPECT_EQ(check({empty}, false).status, 0);
    const Output output = check({useless, (folder.path() / "missing").string()}, true);
    EXPECT_EQ(output.status, 1);
    EXPECT_NE(output.err.find("a.json: no usable entry"), std::string::npos);
    EXPECT_NE(output.err.find("missing: cannot open"), std::string::npos);
    EXPECT_EQ(nlohmann::json::parse(output.out).size(), 1U);
    EXPECT_EQ(check({}, false).status, 2);
}

TEST(ThreatCli, MatchSaysVerdictFeedAndEntry) {
    const ScratchFolder folder;
    folder.write("feeds/names.txt", "evil.example\n*.wild.example\n");
    folder.write("feeds/sub/nets.txt", "203.0.113.0/24\n");
    const std::string feeds = (folder.path() / "feeds").string();
    const Output text = match(feeds,
                              "WWW.evil.example.\r\nwild.example\n\n203.0.113.9\nno way\n"
                              "http://a.wild.example/x\ngood.example",
                              false);
    EXPECT_EQ(text.status, 0);
    EXPECT_EQ(text.out, "WWW.evil.example.\tblock\tnames.txt\tevil.example\n"
                        "wild.example\tallow\t-\t-\n"
                        "203.0.113.9\tblock\tsub/nets.txt\t203.0.113.0/24\n"
                        "no way\tmalformed\t-\t-\n"
                        "http://a.wild.example/x\tblock\tnames.txt\t*.wild.example\n"
                        "good.example\tallow\t-\t-\n");

    const Output json = match(feeds, "evil.example\ngood.example\n\xff\xfe\n", true);
    EXPECT_EQ(json.status, 0);
    std::istringstream lines(json.out);
    std::string line;
    ASSERT_TRUE(std::getline(lines, line));
    const auto hit = nlohmann::json::parse(line);
    EXPECT_EQ(hit["verdict"], "block");
    EXPECT_EQ(hit["feed"], "names.txt");
    EXPECT_EQ(hit["line"], 1);
    ASSERT_TRUE(std::getline(lines, line));
    EXPECT_TRUE(nlohmann::json::parse(line)["feed"].is_null());
    ASSERT_TRUE(std::getline(lines, line));
    EXPECT_EQ(nlohmann::json::parse(line)["verdict"], "malformed");
}

TEST(ThreatCli, MatchReadsAFileAndFailsWithoutOne) {
    const ScratchFolder folder;
    const std::string feed = folder.write("f.txt", "evil.example\n").string();
    const std::string names = folder.write("n.txt", "a.evil.example\n").string();
    std::istringstream in;
    std::ostringstream out;
    std::ostringstream err;
    EXPECT_EQ(run_threat_match(feed, names, false, in, out, err), 0);
    EXPECT_EQ(out.str(), "a.evil.example\tblock\tf.txt\tevil.example\n");
    EXPECT_EQ(run_threat_match(feed, names + "x", false, in, out, err), 1);
    EXPECT_NE(err.str().find("n.txtx: cannot open"), std::string::npos);
    EXPECT_EQ(run_threat_match(feed + "x", names, false, in, out, err), 1);
}

} // namespace
} // namespace foregate::control
