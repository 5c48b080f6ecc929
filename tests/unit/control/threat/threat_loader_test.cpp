// SPDX-License-Identifier: BSD-3-Clause
#include "control/threat/threat_loader.h"

#include "dataplane/threat/threat_db.h"
#include "unit/control/threat/scratch_folder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>
#include <sys/stat.h>

namespace foregate::control {
namespace {

using dataplane::NameScratch;
using dataplane::ThreatAction;
using dataplane::ThreatDb;

bool any_note_has(const ThreatLoad& load, const std::string& words) {
    return std::any_of(load.notes.begin(), load.notes.end(), [&words](const std::string& note) {
        return note.find(words) != std::string::npos;
    });
}

FeedDefinition feed_of(const std::string& name, const std::filesystem::path& path) {
    FeedDefinition feed;
    feed.name = name;
    feed.path = path;
    feed.category = "malware";
    return feed;
}

TEST(ThreatLoader, FeedsAndAllowFilesBecomeOneDatabase) {
    const ScratchFolder folder;
    ThreatSources sources;
    sources.feeds = {feed_of("names", folder.write("names.txt", "evil.example\nsoft.example\n")),
                     feed_of("nets", folder.write("nets.txt", "203.0.113.0/24\n"))};
    sources.feeds[1].action = ThreatAction::note;
    sources.feeds[1].category = "scanners";
    sources.allow_files = {
        folder.write("allow.txt", "ok.evil.example\n203.0.113.9\n*.w.example\n")};
    ThreatLoader loader;
    ThreatLoad load = loader.load(sources);
    ASSERT_EQ(load.feeds.size(), 2U);
    EXPECT_EQ(load.feeds[0].in_force, 2U);
    EXPECT_EQ(load.allow[0].rejected, 1U);
    EXPECT_TRUE(any_note_has(load, "allow.txt:3: \"*.w.example\""));
    const ThreatDb db = ThreatDb::build(std::move(load.input));
    NameScratch scratch = db.make_scratch();
    const auto* name = db.match_name("www.evil.example", scratch);
    ASSERT_NE(name, nullptr);
    EXPECT_EQ(db.feed_of(*name), "names");
    EXPECT_EQ(name->action, ThreatAction::block);
    EXPECT_EQ(db.match_name("ok.evil.example", scratch), nullptr);
    const auto* address = db.match_address(*dataplane::IpAddress::parse("203.0.113.8"));
    ASSERT_NE(address, nullptr);
    EXPECT_EQ(address->action, ThreatAction::note);
    EXPECT_EQ(db.category_of(*address), "scanners");
    EXPECT_EQ(db.match_address(*dataplane::IpAddress::parse("203.0.113.9")), nullptr);
}

std::string numbered_names(int count) {
    std::string text;
    for (int i = 0; i < count; ++i) {
        text += "host" + std::to_string(i) + ".example\n";
    }
    return text;
}

TEST(ThreatLoader, KeepsTheLastGoodVersion) {
    const ScratchFolder folder;
    ThreatSources sources;
    sources.feeds = {feed_of("names", folder.write("names.txt", numbered_names(100)))};
    sources.feeds[0].max_shrink_ratio = 0.3;
    ThreatLoader loader;
    EXPECT_EQ(loader.load(sources).feeds[0].state, FeedState::fresh);

    std::filesystem::remove(sources.feeds[0].path);
    ThreatLoad load = loader.load(sources);
    EXPECT_EQ(load.feeds[0].state, FeedState::kept_missing);
    EXPECT_EQ(load.input.entries.size(), 100U);
    EXPECT_TRUE(any_note_has(load, "keeps its last good version (100 entries)"));

    folder.write("names.txt", "# nothing\n");
    load = loader.load(sources);
    EXPECT_EQ(load.feeds[0].state, FeedState::kept_empty);
    EXPECT_EQ(load.input.entries.size(), 100U);

    folder.write("names.txt", numbered_names(69));
    load = loader.load(sources);
    EXPECT_EQ(load.feeds[0].state, FeedState::kept_shrunk);
    EXPECT_EQ(load.input.entries.size(), 100U);
    EXPECT_TRUE(any_note_has(load, "shrank from 100 to 69 entries"));

    folder.write("names.txt", numbered_names(70));
    load = loader.load(sources);
    EXPECT_EQ(load.feeds[0].state, FeedState::fresh);
    EXPECT_EQ(load.input.entries.size(), 70U);

    folder.write("names.txt", numbered_names(3));
    load = loader.load(sources, ShrunkFeeds::accept);
    EXPECT_EQ(load.feeds[0].state, FeedState::fresh);
    EXPECT_EQ(load.input.entries.size(), 3U);
}

TEST(ThreatLoader, AMissingFeedWithoutAnEarlierVersionIsAnError) {
    const ScratchFolder folder;
    ThreatSources sources;
    sources.feeds = {feed_of("names", folder.path() / "missing.txt")};
    ThreatLoader loader;
    try {
        static_cast<void>(loader.load(sources));
        FAIL() << "expected FeedUnreadable";
    } catch (const FeedUnreadable& error) {
        EXPECT_NE(std::string(error.what()).find("missing.txt: cannot open"), std::string::npos);
    }
    sources.feeds[0].path = folder.write("there.txt", "evil.example\n");
    sources.allow_files = {folder.path() / "missing.txt"};
    EXPECT_THROW(static_cast<void>(loader.load(sources)), FeedUnreadable);
    // Nothing of the failed attempt counts as a last good version.
    std::filesystem::remove(sources.feeds[0].path);
    sources.allow_files.clear();
    EXPECT_THROW(static_cast<void>(loader.load(sources)), FeedUnreadable);
}

TEST(ThreatLoader, AnEmptyFirstFeedIsFineAndSaidSo) {
    const ScratchFolder folder;
    ThreatSources sources;
    sources.feeds = {feed_of("names", folder.write("names.txt", "# none today\n"))};
    ThreatLoader loader;
    const ThreatLoad load = loader.load(sources);
    EXPECT_EQ(load.feeds[0].state, FeedState::fresh);
    EXPECT_TRUE(any_note_has(load, "is empty"));
}

TEST(ThreatLoader, RefusedLinesAreNotedOneByOne) {
    const ScratchFolder folder;
    ThreatSources sources;
    sources.feeds = {
        feed_of("nets", folder.write("nets.txt", "203.0.113.1\n10.0.0.0/8\n0.0.0.0/0\n"))};
    ThreatLoader loader;
    const ThreatLoad load = loader.load(sources);
    EXPECT_TRUE(any_note_has(load, "nets.txt:2: \"10.0.0.0/8\": overlaps 10.0.0.0/8"));
    EXPECT_TRUE(any_note_has(load, "nets.txt:3: \"0.0.0.0/0\": the default route; refused"));
}

TEST(ThreatLoader, ADirectoryIsOneFeed) {
    const ScratchFolder folder;
    folder.write("feed/b.txt", "bad.example\n");
    folder.write("feed/a.txt", "evil.example\nwrong one\n");
    folder.write("feed/.hidden", "hidden.example\n");
    ThreatSources sources;
    sources.feeds = {feed_of("both", folder.path() / "feed")};
    ThreatLoader loader;
    const ThreatLoad load = loader.load(sources);
    ASSERT_EQ(load.input.entries.size(), 2U);
    EXPECT_EQ(load.input.entries[0].name, "evil.example");
    EXPECT_EQ(load.input.entries[1].name, "bad.example");
    EXPECT_NE(load.feeds[0].report.rejected_lines[0].to_string().find("a.txt:2: "),
              std::string::npos);
}

TEST(ThreatLoader, AFeedThatIsCutOffKeepsItsLastGoodVersion) {
    const ScratchFolder folder;
    ThreatSources sources;
    const std::string whole = "[{\"ip\": \"203.0.113.7\"},\n {\"ip\": \"203.0.113.8\"}]";
    sources.feeds = {feed_of("json", folder.write("feed.json", whole))};
    ThreatLoader loader;
    EXPECT_EQ(loader.load(sources).feeds[0].state, FeedState::fresh);
    folder.write("feed.json", whole.substr(0, whole.size() - 1));
    const ThreatLoad load = loader.load(sources);
    EXPECT_EQ(load.feeds[0].state, FeedState::kept_truncated);
    EXPECT_EQ(load.input.entries.size(), 2U);
    EXPECT_TRUE(
        any_note_has(load, "no complete JSON; feed json keeps its last good version (2 entries)"));
}

TEST(ThreatLoader, WhatIsNotMatchedYetIsKeptAndSaid) {
    const ScratchFolder folder;
    ThreatSources sources;
    sources.feeds = {feed_of(
        "mixed", folder.write("m.txt", "evil.example\nhttp://cdn.example/x\n203.0.113.7:443\n"))};
    ThreatLoader loader;
    const ThreatLoad load = loader.load(sources);
    EXPECT_EQ(load.input.entries.size(), 1U);
    EXPECT_EQ(load.feeds[0].unmatched.size(), 2U);
    EXPECT_TRUE(any_note_has(
        load, "2 entries kept but not matched yet (1 of kind url, 1 of kind endpoint)"));
}

TEST(ThreatLoader, EntriesAndFeedsEnd) {
    const ScratchFolder folder;
    ThreatSources sources;
    sources.feeds = {
        feed_of("ends",
                folder.write("a.csv", "domain,valid_until,malware\nevil.example,2030-01-01,bot\n"
                                      "bad.example,2031-01-01,\n")),
        feed_of("stale", folder.write("b.txt", "old.example\n"))};
    sources.feeds[1].time_to_live = 3600;
    ThreatLoader loader;
    sources.rules.now =
        1'800'000'000; // 2027: the second feed's file is far younger or older than that
    std::filesystem::last_write_time(sources.feeds[1].path,
                                     std::chrono::file_clock::from_sys(std::chrono::sys_seconds(
                                         std::chrono::seconds(1'800'000'000 - 60))));
    ThreatLoad load = loader.load(sources);
    EXPECT_EQ(load.input.entries.size(), 3U);
    EXPECT_EQ(load.next_expiry, 1'800'000'000 - 60 + 3600);
    EXPECT_EQ(load.input.categories.at(load.input.entries[0].category), "malware/bot");
    EXPECT_EQ(load.input.categories.at(load.input.entries[1].category), "malware");

    sources.rules.now += 3600;
    load = loader.load(sources);
    EXPECT_EQ(load.feeds[1].state, FeedState::expired);
    EXPECT_EQ(load.input.entries.size(), 2U);
    EXPECT_EQ(load.next_expiry, 1'893'456'000);
    EXPECT_TRUE(any_note_has(load, "longer than its time to live"));

    sources.rules.now = 1'893'456'000;
    load = loader.load(sources, ShrunkFeeds::accept);
    ASSERT_EQ(load.input.entries.size(), 1U);
    EXPECT_EQ(load.input.entries[0].name, "bad.example");
    EXPECT_EQ(load.feeds[0].report.expired, 1U);
}

TEST(ThreatLoader, AnExpiredEntryIsNotKeptByTheLastGoodVersion) {
    const ScratchFolder folder;
    ThreatSources sources;
    sources.feeds = {feed_of(
        "ends",
        folder.write("a.csv", "domain,valid_until\nevil.example,2030-01-01\nbad.example,\n"))};
    sources.rules.now = 1'800'000'000;
    ThreatLoader loader;
    EXPECT_EQ(loader.load(sources).input.entries.size(), 2U);
    std::filesystem::remove(sources.feeds[0].path);
    sources.rules.now = 1'893'456'000;
    const ThreatLoad load = loader.load(sources);
    EXPECT_EQ(load.feeds[0].state, FeedState::kept_missing);
    ASSERT_EQ(load.input.entries.size(), 1U);
    EXPECT_EQ(load.input.entries[0].name, "bad.example");
}

TEST(ThreatLoader, APipeIsNoFeed) {
    const ScratchFolder folder;
    const auto pipe = folder.path() / "pipe";
    ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
    EXPECT_THROW(static_cast<void>(read_feed(pipe, {})), FeedUnreadable);
}

TEST(ThreatLoader, LastGoodVersionsAreKeptOverARestart) {
    const ScratchFolder folder;
    const auto store = folder.path() / "store";
    ThreatSources sources;
    sources.feeds = {feed_of("names", folder.write("names.txt", numbered_names(100))),
                     feed_of("folder", folder.path() / "many")};
    folder.write("many/a.csv", "domain\nevil.example\n");
    folder.write("many/b.txt", "bad.example\n");
    {
        ThreatLoader loader{FeedStore(store)};
        EXPECT_EQ(loader.load(sources).input.entries.size(), 102U);
    }
    EXPECT_EQ(FeedStore(store).entries_of("names"), 100U);
    folder.write("names.txt", numbered_names(3));
    std::filesystem::remove_all(folder.path() / "many");

    ThreatLoader loader{FeedStore(store)};
    ThreatLoad load = loader.load(sources);
    EXPECT_EQ(load.feeds[0].state, FeedState::kept_shrunk);
    EXPECT_EQ(load.feeds[1].state, FeedState::kept_missing);
    EXPECT_EQ(load.input.entries.size(), 102U);
    EXPECT_EQ(FeedStore(store).entries_of("names"), 100U);

    load = loader.load(sources, ShrunkFeeds::accept);
    EXPECT_EQ(load.feeds[0].state, FeedState::fresh);
    EXPECT_EQ(load.feeds[0].in_force, 3U);
    EXPECT_EQ(FeedStore(store).entries_of("names"), 3U);
}

TEST(ThreatLoader, AStoredVersionThatCannotBeReadIsNone) {
    const ScratchFolder folder;
    const auto store = folder.path() / "store";
    ThreatSources sources;
    sources.feeds = {feed_of("names", folder.write("names.txt", numbered_names(100)))};
    static_cast<void>(ThreatLoader{FeedStore(store)}.load(sources));
    std::filesystem::remove_all(store / "feed-names");
    std::filesystem::remove(sources.feeds[0].path);
    ThreatLoader loader{FeedStore(store)};
    EXPECT_THROW(static_cast<void>(loader.load(sources)), FeedUnreadable);
}

TEST(ThreatLoader, AStoreThatCannotBeWrittenIsANoteOnly) {
    const ScratchFolder folder;
    ThreatSources sources;
    sources.feeds = {feed_of("names", folder.write("names.txt", "evil.example\n"))};
    ThreatLoader loader{FeedStore(folder.write("a_file", "x") / "below")};
    const ThreatLoad load = loader.load(sources);
    EXPECT_EQ(load.input.entries.size(), 1U);
    EXPECT_TRUE(any_note_has(load, "could not be kept"));
}

TEST(ThreatLoader, AFeedMayTakePublicSuffixes) {
    const ScratchFolder folder;
    ThreatSources sources;
    sources.rules.suffixes = std::make_shared<const PublicSuffixes>("co.uk\n");
    sources.feeds = {feed_of("names", folder.write("names.txt", "co.uk\nzip\nevil.co.uk\n"))};
    ThreatLoader loader;
    EXPECT_EQ(loader.load(sources).input.entries.size(), 1U);
    sources.feeds[0].public_suffixes = true;
    EXPECT_EQ(loader.load(sources).feeds[0].report.refused, 0U);
}

} // namespace
} // namespace foregate::control
