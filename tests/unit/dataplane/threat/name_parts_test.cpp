// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/patterns/pattern_cache.h"
#include "dataplane/threat/name_matcher.h"
#include "dataplane/threat/naive_matcher.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <random>
#include <thread>

#include <unistd.h>

namespace foregate::dataplane {
namespace {

/// Small limits, so that a test's list has parts as a long one has.
NameBuild in_parts(const NameMatcher* previous = nullptr) {
    NameBuild build;
    build.previous = previous;
    build.most_in_one = 100;
    build.most_recent = 40;
    return build;
}

std::vector<ListedName> random_list(std::mt19937_64& random, std::size_t count) {
    std::vector<ListedName> names;
    while (names.size() < count) {
        names.push_back({random_name(random, 4, 3) + "." + random_name(random, 3, 2), random() % 5 == 0});
    }
    names.push_back({"zz", false}); // one label
    return names;
}

void expect_agreement(const std::vector<ListedName>& names, const NameMatcher& matcher, std::mt19937_64& random) {
    const NaiveMatcher naive(names);
    NameScratch scratch(matcher);
    std::size_t hits = 0;
    for (int i = 0; i < 3000; ++i) {
        std::string host = random_name(random, 4, 4);
        if (i % 3 != 0) {
            host = (i % 2 != 0 ? host + "." : std::string()) + names[random() % names.size()].name;
        }
        const std::uint32_t expected = naive.match(host);
        ASSERT_EQ(matcher.match(host, scratch), expected) << host;
        hits += expected != NameMatcher::kNone ? 1 : 0;
    }
    EXPECT_GT(hits, 500U);
    EXPECT_EQ(scratch.failed_scans(), 0U);
}

class NameParts : public ::testing::Test {
protected:
    std::mt19937_64 random{20};
};

TEST_F(NameParts, AListInPartsMatchesAsOneInOnePartDoes) {
    const auto names = random_list(random, 900);
    const NameMatcher matcher = matcher_of(names, in_parts());
    EXPECT_GT(matcher.compiled_parts(), 30U);
    expect_agreement(names, matcher, random);
}

TEST_F(NameParts, ListsThatFollowEachOtherMatchAsIfBuiltAnew) {
    auto names = random_list(random, 900);
    NameMatcher matcher = matcher_of(names, in_parts());
    for (int step = 0; step < 25; ++step) {
        std::shuffle(names.begin(), names.end(), random);
        names.resize(names.size() - random() % 60);
        const auto more = random_list(random, random() % 70);
        names.insert(names.end(), more.begin(), more.end());
        NameMatcher next = matcher_of(names, in_parts(&matcher));
        expect_agreement(names, next, random);
        matcher = std::move(next);
    }
}

TEST_F(NameParts, AFewNewNamesAreCompiledByThemselves) {
    auto names = random_list(random, 900);
    const NameMatcher first = matcher_of(names, in_parts());
    names.push_back({"brand.new.example", false});
    const NameMatcher second = matcher_of(names, in_parts(&first));
    EXPECT_EQ(second.compiled_parts(), 1U);
    const NameMatcher same = matcher_of(names, in_parts(&second));
    EXPECT_EQ(same.compiled_parts(), 0U);
    expect_agreement(names, same, random);
}

TEST_F(NameParts, WhatHasGoneMatchesNoMoreWithoutCompiling) {
    auto names = random_list(random, 900);
    names.push_back({"gone.example", false});
    const NameMatcher first = matcher_of(names, in_parts());
    names.pop_back();
    const NameMatcher second = matcher_of(names, in_parts(&first));
    EXPECT_EQ(second.compiled_parts(), 0U);
    NameScratch scratch(second);
    EXPECT_EQ(second.match("gone.example", scratch), NameMatcher::kNone);
}

TEST_F(NameParts, PartsThatLoseMostOfTheirNamesAreCompiledAnew) {
    auto names = random_list(random, 900);
    const NameMatcher first = matcher_of(names, in_parts());
    names.resize(200);
    const NameMatcher second = matcher_of(names, in_parts(&first));
    EXPECT_GT(second.compiled_parts(), 10U);
    EXPECT_LT(second.memory_bytes(), first.memory_bytes());
    expect_agreement(names, second, random);
}

TEST_F(NameParts, ManyNewNamesAreSpreadOverTheParts) {
    auto names = random_list(random, 900);
    const NameMatcher first = matcher_of(names, in_parts());
    const auto more = random_list(random, 300);
    names.insert(names.end(), more.begin(), more.end());
    const NameMatcher second = matcher_of(names, in_parts(&first));
    EXPECT_GT(second.compiled_parts(), 5U);
    expect_agreement(names, second, random);
}

TEST_F(NameParts, ShortAndLongListsFollowEachOther) {
    const auto few = random_list(random, 30);
    const auto many = random_list(random, 500);
    const NameMatcher first = matcher_of(few, in_parts());
    const NameMatcher second = matcher_of(many, in_parts(&first));
    const NameMatcher third = matcher_of(few, in_parts(&second));
    const NameMatcher none = matcher_of({}, in_parts(&third));
    expect_agreement(few, first, random);
    expect_agreement(many, second, random);
    expect_agreement(few, third, random);
    NameScratch scratch(none);
    EXPECT_EQ(none.match(few[0].name, scratch), NameMatcher::kNone);
    EXPECT_TRUE(none.empty());
}

TEST_F(NameParts, PartsMayBeCompiledAtOnce) {
    const auto names = random_list(random, 900);
    NameBuild build = in_parts();
    build.for_each = [](std::size_t count, const std::function<void(std::size_t)>& work) {
        std::thread other([&] {
            for (std::size_t i = 0; i < count; i += 2) {
                work(i);
            }
        });
        for (std::size_t i = 1; i < count; i += 2) {
            work(i);
        }
        other.join();
    };
    expect_agreement(names, matcher_of(names, build), random);
}

class StoredNames : public NameParts {
protected:
    StoredNames() {
        std::string name = (std::filesystem::temp_directory_path() / "stored-names-XXXXXX").string();
        folder = ::mkdtemp(name.data());
    }
    ~StoredNames() override { std::filesystem::remove_all(folder); }
    [[nodiscard]] PatternCache cache() const { return PatternCache(folder, NameMatcher::kMostStored); }

    std::filesystem::path folder;
};

TEST_F(StoredNames, AnUnchangedListCompilesNothingInALaterProcess) {
    const auto names = random_list(random, 900);
    PatternCache writes = cache();
    matcher_of(names, in_parts()).store(writes);
    EXPECT_TRUE(writes.unwritten().empty());
    PatternCache reads = cache();
    const NameMatcher stored = NameMatcher::stored(reads);
    EXPECT_TRUE(stored.empty());
    const NameMatcher matcher = matcher_of(names, in_parts(&stored));
    EXPECT_EQ(matcher.compiled_parts(), 0U);
    EXPECT_TRUE(reads.refused().empty());
    expect_agreement(names, matcher, random);
}

TEST_F(StoredNames, AChangedListTakesOverWhatHoldsStill) {
    auto names = random_list(random, 900);
    PatternCache writes = cache();
    matcher_of(names, in_parts()).store(writes);
    names.erase(names.begin());
    names.push_back({"brand.new.example", true});
    PatternCache reads = cache();
    const NameMatcher stored = NameMatcher::stored(reads);
    const NameMatcher matcher = matcher_of(names, in_parts(&stored));
    EXPECT_EQ(matcher.compiled_parts(), 1U);
    matcher.store(reads);
    const NameMatcher again = NameMatcher::stored(reads);
    EXPECT_EQ(matcher_of(names, in_parts(&again)).compiled_parts(), 0U);
    expect_agreement(names, matcher, random);
}

TEST_F(StoredNames, WhatCannotBeTrustedIsCompiledAnew) {
    const auto names = random_list(random, 900);
    PatternCache writes = cache();
    matcher_of(names, in_parts()).store(writes);
    std::size_t spoiled = 0;
    for (const auto& file : std::filesystem::directory_iterator(folder)) {
        if (spoiled < 3 && std::filesystem::file_size(file) > 1000) {
            std::filesystem::resize_file(file, std::filesystem::file_size(file) - 7);
            ++spoiled;
        }
    }
    PatternCache reads = cache();
    const NameMatcher stored = NameMatcher::stored(reads);
    EXPECT_GT(reads.refused().size(), 0U);
    const NameMatcher matcher = matcher_of(names, in_parts(&stored));
    EXPECT_GT(matcher.compiled_parts(), 0U);
    expect_agreement(names, matcher, random);
}

TEST_F(StoredNames, AnEmptyFolderGivesNothingToTakeOver) {
    PatternCache reads = cache();
    const NameMatcher stored = NameMatcher::stored(reads);
    const auto names = random_list(random, 50);
    EXPECT_GT(matcher_of(names, in_parts(&stored)).compiled_parts(), 0U);
}

} // namespace
} // namespace foregate::dataplane
