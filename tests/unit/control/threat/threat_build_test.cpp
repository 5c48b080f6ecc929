// SPDX-License-Identifier: BSD-3-Clause
#include "control/threat/threat_build.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include <unistd.h>

namespace foregate::control {
namespace {

using dataplane::ThreatDb;
using dataplane::ThreatListInput;

ThreatListInput list_of(unsigned first, unsigned count) {
    ThreatListInput input;
    input.feeds = {"feed"};
    input.categories = {"malware"};
    for (unsigned i = first; i < first + count; ++i) {
        dataplane::ThreatEntry entry;
        entry.name = "n" + std::to_string(i) + ".zone" + std::to_string(i % 50) + ".example";
        entry.line = i + 1;
        input.entries.push_back(std::move(entry));
    }
    return input;
}

class ThreatBuildOf : public ::testing::Test {
protected:
    ThreatBuildOf() {
        std::string name = (std::filesystem::temp_directory_path() / "threat-build-XXXXXX").string();
        base = ::mkdtemp(name.data());
    }
    ~ThreatBuildOf() override { std::filesystem::remove_all(base); }

    std::filesystem::path base;
};

TEST_F(ThreatBuildOf, AnUnchangedListIsNotCompiledAgainAfterARestart) {
    const ThreatDb first = ThreatBuild(base / "names").build(list_of(0, 2000), nullptr);
    EXPECT_GT(first.names().compiled_parts(), 0U);
    const ThreatDb second = ThreatBuild(base / "names").build(list_of(0, 2000), nullptr);
    EXPECT_EQ(second.names().compiled_parts(), 0U);
    EXPECT_EQ(second.name_count(), 2000U);
}

TEST_F(ThreatBuildOf, ALongListInPartsIsCompiledAtOnceAndMatches) {
    const ThreatDb db = ThreatBuild(base / "names").build(list_of(0, 31'000), nullptr);
    EXPECT_GT(db.names().compiled_parts(), 10U);
    auto scratch = db.make_scratch();
    const auto* entry = db.match_name("www.n30999.zone49.example", scratch);
    ASSERT_NE(entry, nullptr);
    EXPECT_EQ(entry->line, 31'000U);
    EXPECT_EQ(db.match_name("n31000.zone0.example", scratch), nullptr);
}

TEST_F(ThreatBuildOf, TheListInForceIsTakenOver) {
    ThreatBuild builds(base / "names");
    const ThreatDb first = builds.build(list_of(0, 2000), nullptr);
    const ThreatDb second = builds.build(list_of(1, 2000), &first);
    EXPECT_EQ(second.names().compiled_parts(), 1U) << "the new name, by itself";
    auto scratch = second.make_scratch();
    EXPECT_EQ(second.match_name("n0.zone0.example", scratch), nullptr);
    EXPECT_NE(second.match_name("n2000.zone0.example", scratch), nullptr);
    const ThreatDb restarted = ThreatBuild(base / "names").build(list_of(1, 2000), nullptr);
    EXPECT_EQ(restarted.names().compiled_parts(), 0U);
}

TEST_F(ThreatBuildOf, AFolderThatCannotBeWrittenCostsTimeOnly) {
    const std::filesystem::path file = base / "file";
    std::filesystem::create_symlink("/proc/nowhere", file);
    const ThreatDb db = ThreatBuild(file).build(list_of(0, 10), nullptr);
    EXPECT_EQ(db.name_count(), 10U);
}

} // namespace
} // namespace foregate::control
