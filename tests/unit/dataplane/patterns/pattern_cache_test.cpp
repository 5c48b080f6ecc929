// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/classify/catalogue.h"
#include "dataplane/patterns/pattern_cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <iterator>
#include <set>

#include <sys/stat.h>
#include <unistd.h>

namespace foregate::dataplane {
namespace {

using Bytes = std::vector<std::uint8_t>;

class PatternCacheOf : public ::testing::Test {
protected:
    PatternCacheOf() {
        std::string name = (std::filesystem::temp_directory_path() / "pattern-cache-XXXXXX").string();
        base_ = ::mkdtemp(name.data());
        folder_ = base_ / "made" / "patterns";
    }
    ~PatternCacheOf() override { std::filesystem::remove_all(base_); }

    static Sha256 key(std::uint8_t number) {
        Sha256 out{};
        out.fill(number);
        return out;
    }
    void save(std::uint8_t number, const Bytes& bytes) {
        PatternCache cache(folder_);
        cache.save(key(number), bytes);
        ASSERT_TRUE(cache.unwritten().empty()) << cache.unwritten()[0];
    }
    /// What is refused must say why; nothing else may be said.
    void expect_refused(std::uint8_t number, const std::string& why) {
        PatternCache cache(folder_);
        EXPECT_FALSE(cache.load(key(number)).has_value()) << why;
        ASSERT_EQ(cache.refused().size(), 1U) << why;
        EXPECT_NE(cache.refused()[0].find(why), std::string::npos) << cache.refused()[0];
        EXPECT_EQ(cache.loaded(), 0U);
    }
    [[nodiscard]] std::filesystem::path file(std::uint8_t number) const { return PatternCache(folder_).path_of(key(number)); }
    /// The file's bytes, changed.
    void rewrite(std::uint8_t number, const std::function<void(Bytes&)>& change) {
        std::ifstream in(file(number), std::ios::binary);
        Bytes bytes{std::istreambuf_iterator<char>(in), {}};
        change(bytes);
        std::ofstream out(file(number), std::ios::binary | std::ios::trunc);
        out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    }
    [[nodiscard]] std::size_t files() const {
        return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder_), {}));
    }

    std::filesystem::path base_, folder_;
};

TEST_F(PatternCacheOf, GivesBackWhatWasSaved) {
    const Bytes bytes(100'000, 0x5a);
    save(1, bytes);
    PatternCache cache(folder_);
    EXPECT_EQ(cache.load(key(1)), bytes);
    EXPECT_EQ(cache.loaded(), 1U);
    EXPECT_FALSE(cache.load(key(2)).has_value());
    EXPECT_TRUE(cache.refused().empty()) << "a missing entry is nothing to speak of";
    struct stat status {};
    ASSERT_EQ(::stat(file(1).c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U);
    EXPECT_EQ(files(), 1U) << "nothing half-written";
}

TEST_F(PatternCacheOf, ReplacesAnEntry) {
    save(1, Bytes(10, 1));
    save(1, Bytes(20, 2));
    EXPECT_EQ(PatternCache(folder_).load(key(1)), Bytes(20, 2));
}

TEST_F(PatternCacheOf, TheFolderNeedsNotBeThere) {
    PatternCache cache(folder_);
    EXPECT_FALSE(cache.load(key(1)).has_value());
    EXPECT_TRUE(cache.refused().empty());
    cache.tidy();
    EXPECT_FALSE(std::filesystem::exists(folder_));
}

TEST_F(PatternCacheOf, AFolderThatCannotBeMadeIsNotedAndNoMore) {
    std::ofstream(base_ / "made") << "a file in its place";
    PatternCache cache(folder_);
    cache.save(key(1), Bytes(10, 1));
    ASSERT_EQ(cache.unwritten().size(), 1U);
    EXPECT_FALSE(cache.load(key(1)).has_value());
}

TEST_F(PatternCacheOf, RefusesWhatIsNotWhole) {
    save(1, Bytes(1000, 7));
    rewrite(1, [](Bytes& b) { b.back() ^= 1; });
    expect_refused(1, "checksum");
    save(1, Bytes(1000, 7));
    rewrite(1, [](Bytes& b) { b.pop_back(); });
    expect_refused(1, "length");
    save(1, Bytes(1000, 7));
    rewrite(1, [](Bytes& b) { b.push_back(7); });
    expect_refused(1, "length");
    save(1, Bytes(1000, 7));
    rewrite(1, [](Bytes& b) { b.resize(50); });
    expect_refused(1, "size");
    save(1, Bytes(1000, 7));
    rewrite(1, [](Bytes& b) { b.clear(); });
    expect_refused(1, "size");
    save(1, Bytes(1000, 7));
    rewrite(1, [](Bytes& b) { b[3] ^= 1; });
    expect_refused(1, "no entry of this name");
    save(1, Bytes(1000, 7));
    EXPECT_TRUE(PatternCache(folder_).load(key(1)).has_value());
}

TEST_F(PatternCacheOf, RefusesAnEntryUnderAnothersName) {
    save(1, Bytes(1000, 7));
    std::filesystem::copy(file(1), file(2));
    expect_refused(2, "no entry of this name");
}

TEST_F(PatternCacheOf, RefusesWhatOthersMayHaveWritten) {
    save(1, Bytes(1000, 7));
    ASSERT_EQ(::chmod(file(1).c_str(), 0620), 0);
    expect_refused(1, "others may write");
    ASSERT_EQ(::chmod(file(1).c_str(), 0602), 0);
    expect_refused(1, "others may write");
    ASSERT_EQ(::chmod(file(1).c_str(), 0644), 0);
    EXPECT_TRUE(PatternCache(folder_).load(key(1)).has_value()) << "all may read it";
    ASSERT_EQ(::chmod(folder_.c_str(), 0777), 0);
    expect_refused(1, "others may write");
}

TEST_F(PatternCacheOf, RefusesAnotherUsersFile) {
    save(1, Bytes(1000, 7));
    if (::chown(file(1).c_str(), 65534, 65534) != 0) {
        GTEST_SKIP() << "only root can give a file away";
    }
    expect_refused(1, "another user");
}

TEST_F(PatternCacheOf, FollowsNoLinkAndWaitsForNoPipe) {
    save(1, Bytes(1000, 7));
    std::filesystem::create_symlink(file(1), file(2));
    expect_refused(2, "not used");
    ASSERT_EQ(::mkfifo(file(3).c_str(), 0600), 0);
    expect_refused(3, "no ordinary file");
}

TEST_F(PatternCacheOf, KeepsWhatWasUsedLast) {
    const auto now = std::filesystem::file_time_type::clock::now();
    for (std::uint8_t i = 0; i < PatternCache::kMostEntries + 5; ++i) {
        save(i, Bytes(10, i));
        std::filesystem::last_write_time(file(i), now - std::chrono::hours(100 - i));
    }
    EXPECT_TRUE(PatternCache(folder_).load(key(0)).has_value()) << "the oldest is used now";
    std::ofstream(folder_ / ".new-1-abandoned") << "x";
    std::filesystem::last_write_time(folder_ / ".new-1-abandoned", now - std::chrono::hours(2));
    std::ofstream(folder_ / ".new-2-at-work") << "x";
    std::ofstream(folder_ / "README") << "not ours";
    PatternCache(folder_).tidy();
    EXPECT_TRUE(std::filesystem::exists(file(0)));
    for (std::uint8_t i = 1; i < PatternCache::kMostEntries + 5; ++i) {
        EXPECT_EQ(std::filesystem::exists(file(i)), i > 5) << unsigned{i};
    }
    EXPECT_FALSE(std::filesystem::exists(folder_ / ".new-1-abandoned"));
    EXPECT_TRUE(std::filesystem::exists(folder_ / ".new-2-at-work"));
    EXPECT_TRUE(std::filesystem::exists(folder_ / "README"));
}

TEST(Sha256SumOf, IsThePublishedOneAndKnowsWhereAPieceEnds) {
    // FIPS 180-2: of nothing but a piece's length (eight zero bytes, by sha256sum).
    Sha256Sum empty;
    empty.add("");
    const auto sum = empty.take();
    ASSERT_TRUE(sum.has_value());
    EXPECT_EQ((*sum)[0], 0xaf);
    EXPECT_EQ((*sum)[1], 0x55);
    EXPECT_EQ((*sum)[31], 0xfc);
    EXPECT_FALSE(empty.take().has_value()) << "once";
    Sha256Sum one;
    one.add("ab");
    one.add("c");
    Sha256Sum other;
    other.add("a");
    other.add("bc");
    EXPECT_NE(one.take(), other.take());
}

class CatalogueFromCache : public PatternCacheOf {
protected:
    static CatalogueSpec spec(const std::string& pattern) {
        CatalogueSpec out;
        ProtocolSpec protocol;
        protocol.name = "Plant";
        SignatureSpec signature;
        signature.over = PortSpace::tcp;
        signature.from = Sender::client;
        signature.pattern = pattern;
        protocol.signatures.push_back(signature);
        out.protocols.push_back(protocol);
        ApplicationSpec application;
        application.name = "Site";
        application.hosts = {"*.apps.*.example"};
        out.applications.push_back(application);
        return out;
    }
    /// Databases that came from the cache, after the catalogue has shown that it knows what it should.
    unsigned build(const std::string& pattern, std::string_view text, std::size_t refused = 0) {
        PatternCache cache(folder_);
        const Catalogue catalogue = Catalogue::build(spec(pattern), nullptr, &cache);
        EXPECT_EQ(cache.refused().size(), refused);
        EXPECT_TRUE(cache.unwritten().empty());
        CatalogueScratch scratch(catalogue);
        SignatureHits hits;
        catalogue.scan(PortSpace::tcp, true, {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}, scratch, hits);
        EXPECT_EQ(hits.count, 1U);
        EXPECT_EQ(catalogue.application_of_host("a.apps.b.example", scratch), catalogue.number("Site"));
        return cache.loaded();
    }
};

TEST_F(CatalogueFromCache, CompilesOnce) {
    EXPECT_EQ(build("^PLC1", "PLC1 hello"), 0U);
    EXPECT_EQ(files(), 2U) << "client side over TCP, hosts";
    EXPECT_EQ(build("^PLC1", "PLC1 hello"), 2U);
}

TEST_F(CatalogueFromCache, CompilesOtherPatternsAnew) {
    EXPECT_EQ(build("^PLC1", "PLC1 hello"), 0U);
    EXPECT_EQ(build("^PLC2", "PLC2 hello"), 1U) << "the hosts are the same";
    EXPECT_EQ(files(), 3U);
    EXPECT_EQ(build("^PLC1", "PLC1 hello"), 2U) << "the first is still there";
}

TEST_F(CatalogueFromCache, ReplacesWhatIsBroken) {
    EXPECT_EQ(build("^PLC1", "PLC1 hello"), 0U);
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
        std::ofstream(entry.path(), std::ios::binary | std::ios::app) << 'x';
    }
    EXPECT_EQ(build("^PLC1", "PLC1 hello", 2), 0U);
    EXPECT_EQ(build("^PLC1", "PLC1 hello"), 2U);
}

TEST_F(CatalogueFromCache, WhatHyperscanDoesNotTakeIsCompiled) {
    EXPECT_EQ(build("^PLC1", "PLC1 hello"), 0U);
    PatternCache cache(folder_);
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
        Sha256 of{};
        const std::string name = entry.path().stem().string();
        for (std::size_t i = 0; i < of.size(); ++i) {
            of[i] = static_cast<std::uint8_t>(std::stoul(name.substr(2 * i, 2), nullptr, 16));
        }
        cache.save(of, Bytes(64, 0)); // whole, and no database
    }
    PatternCache again(folder_);
    (void)Catalogue::build(spec("^PLC1"), nullptr, &again);
    ASSERT_EQ(again.refused().size(), 2U);
    EXPECT_NE(again.refused()[0].find("Hyperscan"), std::string::npos);
    EXPECT_EQ(build("^PLC1", "PLC1 hello"), 2U);
}

} // namespace
} // namespace foregate::dataplane
