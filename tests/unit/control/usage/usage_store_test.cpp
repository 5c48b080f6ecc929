// SPDX-License-Identifier: BSD-3-Clause
#include "control/usage/usage_store.h"

#include <gtest/gtest.h>

#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <fstream>

namespace foregate::control {
namespace {

using std::chrono::seconds;

constexpr seconds kBucket{300};
constexpr std::int64_t kStart = 1'800'000'000; // a multiple of 300

std::int64_t bucket(int index) {
    return kStart + index * kBucket.count();
}

UsageRecord record(const std::string& destination, std::uint64_t bytes_up,
                   std::uint32_t desktops = 6, AppType app = AppType::database,
                   const std::string& usage_class = "office") {
    return {0, usage_class, app, destination, bytes_up, 10 * bytes_up, 1, 2, 7, 1, desktops};
}

class UsageStoreTest : public testing::Test {
protected:
    void SetUp() override {
        const auto* test = testing::UnitTest::GetInstance()->current_test_info();
        folder = std::filesystem::path(testing::TempDir()) / ("store-" + std::to_string(getpid())) /
                 test->name();
        std::filesystem::remove_all(folder);
        file = folder / "deep" / "usage.db";
    }
    void TearDown() override { std::filesystem::remove_all(folder); }
    void put(UsageStore& store, int index, std::vector<UsageRecord> records) {
        ASSERT_TRUE(store.commit(bucket(index), kBucket, records)) << store.status().note;
    }
    const SeriesKey db{"office", AppType::database, "db.lab:5432"};
    std::filesystem::path folder;
    std::filesystem::path file;
};

TEST_F(UsageStoreTest, AnObservedBucketWithoutARowIsZeroAGapIsMissing) {
    UsageStore store(file, kBucket);
    put(store, 0, {record("db.lab:5432", 100)});
    put(store, 1, {});
    put(store, 3, {record("db.lab:5432", 300)});
    const auto values = store.series(db, Metric::bytes_up, bucket(0), bucket(5));
    ASSERT_EQ(values.size(), 5U);
    EXPECT_EQ(values[0], 100);
    EXPECT_EQ(values[1], 0);
    EXPECT_TRUE(std::isnan(values[2]));
    EXPECT_EQ(values[3], 300);
    EXPECT_TRUE(std::isnan(values[4]));
    EXPECT_EQ(store.series(db, Metric::bytes_down, bucket(0), bucket(1))[0], 1000);
    EXPECT_EQ(store.series(db, Metric::connections, bucket(0), bucket(1))[0], 7);
    EXPECT_EQ(store.series(db, Metric::desktops, bucket(0), bucket(1))[0], 6);
    EXPECT_EQ(store.observed_buckets(bucket(0), bucket(5)), 3U);
    EXPECT_EQ(store.span()->first, bucket(0));
    EXPECT_EQ(store.span()->last, bucket(3));
}

TEST_F(UsageStoreTest, ABucketObservedInPartIsAGapUntilTheRestIsAdded) {
    UsageStore store(file, kBucket);
    ASSERT_TRUE(store.commit(bucket(0), seconds{100}, std::vector{record("db.lab:5432", 10, 5)}));
    EXPECT_TRUE(std::isnan(store.series(db, Metric::bytes_up, bucket(0), bucket(1))[0]));
    ASSERT_TRUE(store.commit(bucket(0), seconds{190}, std::vector{record("db.lab:5432", 30, 8)}));
    EXPECT_EQ(store.series(db, Metric::bytes_up, bucket(0), bucket(1))[0], 40);
    EXPECT_EQ(store.series(db, Metric::desktops, bucket(0), bucket(1))[0], 8); // not 13
}

TEST_F(UsageStoreTest, AnImportReplacesItsBuckets) {
    UsageStore store(file, kBucket);
    put(store, 0, {record("db.lab:5432", 100), record("old.lab:80", 5)});
    put(store, 1, {record("db.lab:5432", 100)});
    ASSERT_TRUE(store.import(std::vector<ObservedBucket>{
        {bucket(0), kBucket, {record("db.lab:5432", 1)}}, {bucket(2), kBucket, {}}}));
    const auto values = store.series(db, Metric::bytes_up, bucket(0), bucket(3));
    EXPECT_EQ(values, (std::vector<double>{1, 100, 0}));
    EXPECT_EQ(store.heaviest(bucket(0), bucket(3)).size(), 1U);
}

TEST_F(UsageStoreTest, SurvivesAReopen) {
    {
        UsageStore store(file, kBucket);
        put(store, 0, {record("db.lab:5432", 100)});
    }
    UsageStore store(file, kBucket);
    EXPECT_EQ(store.series(db, Metric::bytes_up, bucket(0), bucket(1))[0], 100);
    EXPECT_EQ(store.status().note, "");
    struct stat info {};
    ASSERT_EQ(stat(file.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0640U);
}

TEST_F(UsageStoreTest, AnotherBucketLengthIsRefused) {
    { UsageStore store(file, kBucket); }
    EXPECT_THROW(UsageStore(file, seconds{60}), std::runtime_error);
}

TEST_F(UsageStoreTest, TheRestIsEverythingNotNamed) {
    UsageStore store(file, kBucket);
    put(store, 0,
        {record("db.lab:5432", 100, 9), record("b:1", 20, 6), record("c:1", 3, 7),
         record("other", 4, 5), record("x:1", 1000, 9, AppType::web)});
    const std::vector<std::string> without{"db.lab:5432"};
    const auto rest = store.rest_series("office", AppType::database, without, bucket(0), bucket(2));
    EXPECT_EQ(rest[0][0], 27);
    EXPECT_EQ(rest[2][0], 21);
    EXPECT_EQ(rest[3][0], 7); // desktops overlap
    EXPECT_TRUE(std::isnan(rest[0][1]));
}

TEST_F(UsageStoreTest, HeaviestCountsBytesAndConnections) {
    UsageStore store(file, kBucket);
    UsageRecord chatty = record("chatty:443", 1);
    chatty.new_connections = 100000;
    put(store, 0, {record("bulk:443", 1000000), chatty, record("small:443", 2)});
    const auto heaviest = store.heaviest(bucket(0), bucket(1));
    ASSERT_EQ(heaviest.size(), 3U);
    EXPECT_EQ(heaviest[2].key.destination, "small:443");
    EXPECT_EQ(heaviest[0].bytes + heaviest[1].bytes, 11U * 1000001U);
    EXPECT_TRUE(store.heaviest(bucket(1), bucket(9)).empty());
}

TEST_F(UsageStoreTest, PruneForgetsRowsAndNames) {
    UsageStore store(file, kBucket);
    put(store, 0, {record("gone.lab:1", 1)});
    put(store, 1, {record("db.lab:5432", 1)});
    EXPECT_EQ(store.prune(bucket(1)), 1U);
    EXPECT_EQ(store.span()->first, bucket(1));
    EXPECT_EQ(store.heaviest(0, bucket(9)).size(), 1U);
    EXPECT_EQ(store.first_bucket("office"), bucket(1));
    EXPECT_FALSE(store.first_bucket("plant"));
}

TEST_F(UsageStoreTest, EachBucketGivesTheRowsBack) {
    UsageStore store(file, kBucket);
    put(store, 0, {record("z:1", 5), record("a:1", 6)});
    put(store, 2, {});
    std::vector<std::pair<std::int64_t, std::size_t>> seen;
    UsageRecord first;
    EXPECT_TRUE(store.each_bucket(bucket(0), bucket(9), [&](const ObservedBucket& b) {
        seen.emplace_back(b.start, b.records.size());
        if (!b.records.empty()) {
            first = b.records[0];
        }
    }));
    EXPECT_EQ(seen,
              (std::vector<std::pair<std::int64_t, std::size_t>>{{bucket(0), 2}, {bucket(2), 0}}));
    UsageRecord expected = record("a:1", 6);
    expected.bucket = bucket(0);
    EXPECT_EQ(first, expected);
}

TEST_F(UsageStoreTest, ACorruptFileIsMovedAside) {
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << std::string(8192, 'x');
    UsageStore store(file, kBucket);
    EXPECT_NE(store.status().note.find("moved to"), std::string::npos) << store.status().note;
    EXPECT_TRUE(std::filesystem::exists(file.string() + ".bad-1"));
    put(store, 0, {record("db.lab:5432", 100)});
    EXPECT_EQ(store.series(db, Metric::bytes_up, bucket(0), bucket(1))[0], 100);
}

TEST_F(UsageStoreTest, DamageInTheMiddleIsFoundAtOpen) {
    {
        UsageStore store(file, kBucket);
        for (int i = 0; i < 200; ++i) {
            put(store, i, {record("db.lab:5432", 100), record("b" + std::to_string(i) + ":1", 5)});
        }
    }
    const auto size = std::filesystem::file_size(file);
    {
        std::fstream raw(file, std::ios::in | std::ios::out | std::ios::binary);
        for (std::uintmax_t at = 4096; at + 512 < size; at += 4096) {
            raw.seekp(static_cast<std::streamoff>(at));
            raw << std::string(512, '\xff');
        }
    }
    UsageStore store(file, kBucket);
    EXPECT_TRUE(std::filesystem::exists(file.string() + ".bad-1"));
    put(store, 0, {record("db.lab:5432", 100)});
}

TEST_F(UsageStoreTest, AFolderThatCannotBeUsedOnlyLeavesANote) {
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "deep") << "a file where the folder should be";
    UsageStore store(file, kBucket);
    EXPECT_FALSE(store.status().writable);
    EXPECT_NE(store.status().note, "");
    EXPECT_FALSE(store.commit(bucket(0), kBucket, std::vector{record("db.lab:5432", 100)}));
    EXPECT_TRUE(std::isnan(store.series(db, Metric::bytes_up, bucket(0), bucket(1))[0]));
    EXPECT_TRUE(store.heaviest(0, bucket(9)).empty());
    EXPECT_EQ(store.prune(bucket(9)), 0U);
    EXPECT_EQ(store.status().pending_buckets, 1U);

    std::filesystem::remove(folder / "deep"); // mended: the bucket kept is written too
    EXPECT_TRUE(store.commit(bucket(1), kBucket, std::vector{record("db.lab:5432", 200)}));
    EXPECT_EQ(store.series(db, Metric::bytes_up, bucket(0), bucket(2)),
              (std::vector<double>{100, 200}));
    EXPECT_EQ(store.status().pending_buckets, 0U);
    EXPECT_EQ(store.status().failed_commits, 1U);
}

TEST_F(UsageStoreTest, WhatIsKeptForLaterIsBounded) {
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "deep") << "x";
    UsageStore store(file, kBucket);
    for (int i = 0; i < static_cast<int>(UsageStore::kMaxPending) + 3; ++i) {
        EXPECT_FALSE(store.commit(bucket(i), kBucket, {}));
    }
    EXPECT_EQ(store.status().pending_buckets, UsageStore::kMaxPending);
    EXPECT_EQ(store.status().lost_buckets, 3U);
}

TEST_F(UsageStoreTest, AStoreHeldByAnotherWriterIsWrittenLater) {
    UsageStore store(file, kBucket);
    sqlite3* other = nullptr;
    ASSERT_EQ(sqlite3_open(file.c_str(), &other), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(other, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
    EXPECT_FALSE(store.commit(bucket(0), kBucket, std::vector{record("db.lab:5432", 1)}));
    EXPECT_NE(store.status().note.find("locked"), std::string::npos) << store.status().note;
    ASSERT_EQ(sqlite3_exec(other, "ROLLBACK", nullptr, nullptr, nullptr), SQLITE_OK);
    put(store, 1, {record("db.lab:5432", 2)});
    EXPECT_EQ(store.series(db, Metric::bytes_up, bucket(0), bucket(2)),
              (std::vector<double>{1, 2}));
    EXPECT_EQ(sqlite3_close(other), SQLITE_OK);
}

TEST_F(UsageStoreTest, TwoWritersTakeTurns) {
    UsageStore gateway(file, kBucket);
    UsageStore command(file, kBucket);
    put(command, 0, {record("db.lab:5432", 1)});
    put(gateway, 1, {record("db.lab:5432", 2)});
    EXPECT_EQ(command.series(db, Metric::bytes_up, bucket(0), bucket(2)),
              (std::vector<double>{1, 2}));
}

} // namespace
} // namespace foregate::control
