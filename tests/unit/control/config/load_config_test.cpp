// SPDX-License-Identifier: BSD-3-Clause
// Valid configs: what they become, and that conf/foregate.yaml, the schema and the structs'
// defaults say the same.
#include "config_files.h"

#include "control/config/check_command.h"
#include "control/config/schema.h"
#include "control/config/yaml_tree.h"

#include <gtest/gtest.h>

#include <set>
#include <sstream>

namespace foregate::control {
namespace {

using std::chrono::seconds;
using testing::kTwoPorts;
using testing::problems;
using testing::TemporaryFolder;

/// conf/ of the source tree: from FOREGATE_SOURCE_ROOT, or found above the current folder (a build
/// folder inside the tree).
std::filesystem::path conf(const std::string& name) {
    if (const char* root = std::getenv("FOREGATE_SOURCE_ROOT")) {
        return std::filesystem::path(root) / "conf" / name;
    }
    for (auto folder = std::filesystem::current_path();; folder = folder.parent_path()) {
        if (std::filesystem::exists(folder / "conf" / name) || folder == folder.parent_path()) {
            return folder / "conf" / name;
        }
    }
}

/// The text of every scalar and list under `node` by its path with `[]` for list items, as in
/// KeyHelp.
void collect(const YamlNode& node, const std::string& path,
             std::multimap<std::string, std::string>& texts) {
    std::string shown = node.text;
    if (node.is_list()) {
        for (const auto& item : node.items) {
            shown += (shown.empty() ? "" : ", ") + item.text;
            if (item.is_map()) {
                collect(item, path + "[]", texts);
            }
        }
        shown = "[" + shown + "]";
    }
    if (node.is_map() && node.entries.empty()) {
        shown = "{}";
    }
    if (!path.ends_with("[]")) {
        texts.emplace(path, shown);
    }
    for (const auto& entry : node.entries) {
        collect(entry.value, path.empty() ? entry.key : path + "." + entry.key, texts);
    }
}

std::multimap<std::string, std::string> reference_texts() {
    std::ifstream in(conf("foregate.yaml"));
    std::stringstream text;
    text << in.rdbuf();
    std::vector<ConfigProblem> found;
    std::multimap<std::string, std::string> texts;
    collect(read_yaml(text.str(), "foregate.yaml", found), "", texts);
    return texts;
}

TEST(ConfigReference, ListsEveryKeyOfTheSchemaAndNoOther) {
    std::set<std::string> written;
    for (const auto& [path, text] : reference_texts()) {
        written.insert(path);
    }
    written.erase("");
    std::set<std::string> known;
    for (const auto& key : schema_keys()) {
        EXPECT_TRUE(known.insert(key.path).second) << key.path << " stands twice in the schema";
        EXPECT_FALSE(key.help.empty()) << key.path;
        EXPECT_FALSE(key.type.empty()) << key.path;
    }
    EXPECT_EQ(written, known);
    EXPECT_GT(known.size(), 90U);
}

TEST(ConfigReference, WritesTheDefaultsTheSchemaTells) {
    const auto texts = reference_texts();
    // What a reference must fill in to be a valid config of a machine.
    const std::set<std::string> filled{"ports[].rate",   "ports[].addresses",
                                       "ports[].routes", "classes[].prefixes",
                                       "threats.feeds",  "ports",
                                       "classes",        "desktops"};
    for (const auto& key : schema_keys()) {
        if (key.required || filled.contains(key.path) || key.type == "keys with values") {
            continue;
        }
        const auto [begin, end] = texts.equal_range(key.path);
        EXPECT_NE(begin, end) << key.path;
        for (auto it = begin; it != end; ++it) {
            EXPECT_EQ(it->second, key.fallback) << key.path;
        }
    }
}

TEST(ConfigReference, LoadsToTheStructsDefaults) {
    const Config config = load_config(conf("foregate.yaml"));
    Config plain;
    plain.analytics.database = "/var/lib/foregate/usage.db";
    plain.console.socket = "/run/foregate/console.sock";
    plain.events.file = "/var/lib/foregate/events.json";
    plain.classify.pattern_cache = "/var/lib/foregate/patterns";
    EXPECT_TRUE(config.system == plain.system);
    EXPECT_TRUE(config.classify == plain.classify);
    EXPECT_EQ(config.unknown_desktops, plain.unknown_desktops);
    EXPECT_EQ(config.resolvers, plain.resolvers);
    EXPECT_TRUE(config.access == plain.access);
    EXPECT_TRUE(config.limits == plain.limits);
    EXPECT_TRUE(config.analytics == plain.analytics);
    EXPECT_TRUE(config.forecast == plain.forecast);
    EXPECT_TRUE(config.plan.hold == plain.plan.hold);
    EXPECT_TRUE(config.plan == plain.plan);
    EXPECT_EQ(config.threats.allow, plain.threats.allow);
    EXPECT_EQ(config.threats.watch, plain.threats.watch);
    EXPECT_TRUE(config.console == plain.console);
    EXPECT_TRUE(config.metrics == plain.metrics);
    EXPECT_TRUE(config.events == plain.events);
    EXPECT_TRUE(config.log == plain.log);
    EXPECT_EQ(config.warnings, std::vector<std::string>{});

    ASSERT_EQ(config.ports.size(), 4U);
    PortConfig port;
    port.name = "desktops";
    port.device = "0000:3b:00.0";
    port.rate_bps = 10'000'000'000;
    port.twin = "fg-desktops";
    port.addresses = {*IpPrefix::parse_interface("10.10.0.1/16"),
                      *IpPrefix::parse_interface("fd00:10::1/64")};
    port.mark = config.ports[0].mark;
    EXPECT_TRUE(config.ports[0] == port);
    EXPECT_EQ(config.ports[2].twin, "");

    ASSERT_EQ(config.classes.size(), 1U);
    ClassConfig usage_class;
    usage_class.name = "office";
    usage_class.prefixes = {*IpPrefix::parse("10.10.1.0/24"), *IpPrefix::parse("fd00:10::1:0/112")};
    usage_class.mark = config.classes[0].mark;
    EXPECT_TRUE(config.classes[0] == usage_class);

    ASSERT_EQ(config.threats.feeds.size(), 1U);
    FeedConfig feed;
    feed.name = "sample";
    feed.path = conf("threats.sample.txt");
    feed.mark = config.threats.feeds[0].mark;
    EXPECT_TRUE(config.threats.feeds[0] == feed);
}

TEST(ConfigLab, IsTheLab) {
    const Config config = load_config(conf("lab.yaml"));
    EXPECT_EQ(config.warnings, std::vector<std::string>{});
    ASSERT_EQ(config.ports.size(), 4U);
    EXPECT_EQ(config.ports[1].role, PortRole::upstream);
    EXPECT_EQ(config.ports[1].rate_bps, 40'000'000U);
    EXPECT_EQ(config.ports[3].device, "net_af_xdp3,iface=pric");
    EXPECT_TRUE(config.system.idle_sleep);
    ASSERT_EQ(config.classes.size(), 2U);
    EXPECT_EQ(config.classes[0].deviation.action, DeviationAction::block);
    EXPECT_EQ(config.classes[1].deviation.action, DeviationAction::note);
    EXPECT_EQ(config.classes[1].guest, GuestSystem::linux_guest);
    ASSERT_EQ(config.desktops.size(), 12U);
    EXPECT_EQ(config.desktops[11].usage_class, "engineering");
    EXPECT_EQ(config.desktops[11].addresses[0], *IpAddress::parse("10.10.2.12"));
    EXPECT_EQ(config.desktops[11].addresses[1], *IpAddress::parse("fd00:10::2:12"));
    using namespace std::chrono;
    const auto start = config.analytics.clock_start;
    ASSERT_TRUE(start);
    EXPECT_EQ(*start, local_days(2026y / March / 4) + 13h + 55min + 40s);
    EXPECT_EQ(weekday(floor<days>(*start)), Wednesday);
    ASSERT_EQ(config.plan.hold.max_age_of.size(), 1U);
    EXPECT_EQ(config.plan.hold.max_age_of[0].first.to_string(), "db.lab:5432");
    EXPECT_EQ(config.plan.hold.max_age_of[0].second, seconds(50));
    EXPECT_EQ(config.plan.hold.allow.size(), 3U);
    ASSERT_EQ(config.threats.feeds.size(), 1U);
    EXPECT_TRUE(config.threats.feeds[0].private_addresses);
}

TEST(ConfigLoader, ReadsEveryKindOfValue) {
    const Config config = parse_config(
        kTwoPorts +
            "system: {hugepages: no, memory: 256MB, worker-cores: [3, 2], idle-sleep: on, "
            "state-dir: state}\n"
            "unknown-desktops: allow\n"
            "analytics: {time-zone: Europe/Rome, bucket: 60s, clock-start: 2024-02-29 23:59:59}\n"
            "forecast: {enabled: no, history: 14d}\n"
            "plan: {allotted-share: 0.25, allotment-margin: 2.5, hold: {ports: [], deny: "
            "[\"[fd00::1]:22\"]}}\n"
            "console: {telnet-address: \"::1\", telnet-port: 0}\n"
            "events: {privacy: pseudonym}\n",
        "some/folder/f.yaml");
    EXPECT_EQ(config.system.hugepages, HugepageUse::no);
    EXPECT_EQ(config.system.memory_bytes, 256'000'000U);
    EXPECT_EQ(config.system.worker_cores, (std::vector<unsigned>{3, 2}));
    EXPECT_TRUE(config.system.idle_sleep);
    EXPECT_EQ(config.system.state_dir, "some/folder/state");
    EXPECT_EQ(config.analytics.database, "some/folder/state/usage.db");
    EXPECT_EQ(config.events.file, "some/folder/state/events.json");
    EXPECT_EQ(config.console.socket, "/run/foregate/console.sock");
    EXPECT_EQ(config.unknown_desktops, UnknownDesktop::allow);
    EXPECT_EQ(config.analytics.time_zone, "Europe/Rome");
    EXPECT_EQ(config.analytics.bucket, seconds(60));
    EXPECT_FALSE(config.forecast.enabled);
    EXPECT_EQ(config.forecast.history, seconds(14 * 86400));
    EXPECT_DOUBLE_EQ(config.plan.allotted_share, 0.25);
    EXPECT_DOUBLE_EQ(config.plan.allotment_margin, 2.5);
    EXPECT_TRUE(config.plan.hold.ports.empty());
    EXPECT_EQ(config.plan.hold.deny.at(0).to_string(), "[fd00::1]:22");
    EXPECT_EQ(config.console.telnet_address, "::1");
    EXPECT_EQ(config.console.telnet_port, 0);
    EXPECT_EQ(config.events.privacy, EventPrivacy::pseudonym);
    EXPECT_EQ(config.ports[1].mark, (SourceMark{"some/folder/f.yaml", 3}));
    EXPECT_EQ(config.source, "some/folder/f.yaml");
}

TEST(ConfigLoader, FeedsInFull) {
    const std::string feed = "threats: {feeds: [{name: f, path: " + conf("threats.sample.txt").string();
    const Config config = parse_config(
        kTwoPorts + feed + ", public-suffixes: true, time-to-live: 7d, severity: 3}]}\n", "f.yaml");
    const FeedConfig& read = config.threats.feeds.at(0);
    EXPECT_TRUE(read.public_suffixes);
    EXPECT_EQ(read.time_to_live, seconds(7 * 86400));
    EXPECT_EQ(read.severity, 3);
    EXPECT_EQ(problems(kTwoPorts + "threats: {feeds: [{name: f, path: " + conf("").string() + "}]}\n").size(), 0U);
    EXPECT_EQ(problems(kTwoPorts + "threats: {allow: [" + conf("").string() + "]}\n").size(), 1U);
    EXPECT_EQ(problems(kTwoPorts + feed + ", severity: 5}]}\n").size(), 1U);
    EXPECT_EQ(problems(kTwoPorts + feed + ", time-to-live: 30s}]}\n").size(), 1U);
}

TEST(ConfigLoader, ClassesInFull) {
    const Config config = parse_config(
        kTwoPorts.substr(0, kTwoPorts.find("classes")) +
            "classes:\n  - name: a\n    floor: 2.5Mbit/s\n    ceiling: none\n    weight: 7\n"
            "    idle-timeout: never\n    monitor: [app.lab:7000]\n"
            "    deviation: {action: block, tolerance: 1.5, free-connections: 4}\n",
        "f.yaml");
    const auto& usage_class = config.classes.at(0);
    EXPECT_EQ(usage_class.floor_bps, 2'500'000U);
    EXPECT_EQ(usage_class.ceiling_bps, 0U);
    EXPECT_EQ(usage_class.weight, 7U);
    EXPECT_EQ(usage_class.idle_timeout, seconds(0));
    EXPECT_EQ(usage_class.monitor.at(0).to_string(), "app.lab:7000");
    EXPECT_EQ(usage_class.deviation, (DeviationConfig{DeviationAction::block, 1.5, 4}));
}

TEST(ConfigLoader, CollectsAllProblemsInTheOrderOfLines) {
    EXPECT_EQ(
        problems("log: {level: loud}\n" + kTwoPorts +
                 "resolvers: [x]\nlog: {}\nplan: {interval: 3}\n"),
        (std::vector<std::string>{
            "f.yaml:1: log.level: unknown value \"loud\", expected one of trace, debug, info, "
            "warn, error",
            "f.yaml:6: resolvers: \"x\" is no IP address, expected one such as 10.0.0.1 or fd00::1",
            "f.yaml:7: duplicate key \"log\", already set in line 1, expected it once",
            "f.yaml:8: plan.interval: \"3\" has no unit, expected a duration such as 30s, 5min, 2h "
            "or 14d"}));
}

TEST(ConfigLoader, WhatIsTheLinesJoined) {
    try {
        (void)parse_config(kTwoPorts + "a: 1\nb: 2\n", "f.yaml");
        FAIL() << "unknown keys were taken";
    } catch (const ConfigError& error) {
        ASSERT_EQ(error.problems().size(), 2U);
        EXPECT_EQ(error.what(),
                  error.problems()[0].to_string() + "\n" + error.problems()[1].to_string());
    }
}

TEST(ConfigLoader, EmptyAndUnreadableFiles) {
    EXPECT_EQ(problems(""), std::vector<std::string>{"f.yaml:1: no keys, expected a YAML config"});
    EXPECT_EQ(problems("# nothing\n"),
              std::vector<std::string>{"f.yaml:1: no keys, expected a YAML config"});
    EXPECT_EQ(problems("7\n"),
              (std::vector<std::string>{
                  "f.yaml:1: the single value \"7\", expected keys with values",
                  "f.yaml:1: ports: no port with the role desktop, expected at least one",
                  "f.yaml:1: ports: no port with the role upstream, expected at least one"}));
    const TemporaryFolder folder;
    const auto what_of = [](const std::filesystem::path& file) -> std::string {
        try {
            (void)load_config(file);
        } catch (const ConfigError& error) {
            return error.what();
        }
        return "";
    };
    const auto missing = folder.path() / "no.yaml";
    EXPECT_EQ(what_of(missing),
              missing.string() +
                  ":0: cannot be read (No such file or directory), expected a YAML config");
    EXPECT_EQ(what_of(folder.path()),
              folder.path().string() +
                  ":0: cannot be read (Is a directory), expected a YAML config");
}

TEST(ConfigCheck, SaysWhatIsInAValidFile) {
    const TemporaryFolder folder;
    const auto file = folder.write("f.yaml", kTwoPorts);
    std::ostringstream out;
    std::ostringstream err;
    EXPECT_EQ(run_check(file, false, out, err), 0);
    EXPECT_EQ(out.str(),
              file.string() + ": valid: 2 ports, 1 class, 0 desktops, 0 feeds, 0 warnings\n");
    EXPECT_EQ(err.str(), "");
    std::ostringstream json;
    EXPECT_EQ(run_check(file, true, json, err), 0);
    EXPECT_EQ(json.str(),
              "{\"ok\":true,\"file\":\"" + file.string() +
                  "\",\"ports\":2,\"classes\":1,\"desktops\":0,\"feeds\":0,\"warnings\":[]}\n");
}

TEST(ConfigCheck, SaysWhatIsWrong) {
    const TemporaryFolder folder;
    const auto file = folder.write("f.yaml", kTwoPorts + "mtu: 1\n\"a\\x01\": 2\n");
    std::ostringstream out;
    std::ostringstream err;
    EXPECT_EQ(run_check(file, false, out, err), 1);
    EXPECT_EQ(out.str(), "");
    EXPECT_TRUE(err.str().starts_with(file.string() + ":5: unknown key \"mtu\", ")) << err.str();
    std::ostringstream json;
    std::ostringstream silent;
    EXPECT_EQ(run_check(file, true, json, silent), 1);
    EXPECT_EQ(silent.str(), "");
    EXPECT_TRUE(json.str().starts_with("{\"ok\":false,\"file\":\"" + file.string() +
                                       "\",\"errors\":[{\"file\":\"" + file.string() +
                                       "\",\"line\":5,\"message\":\"unknown key \\\"mtu\\\", "))
        << json.str();
}

} // namespace
} // namespace foregate::control
