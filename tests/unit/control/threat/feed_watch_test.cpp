// SPDX-License-Identifier: BSD-3-Clause
#include "control/threat/feed_watch.h"

#include "unit/control/threat/scratch_folder.h"

#include <gtest/gtest.h>

#include <fstream>

namespace foregate::control {
namespace {

using Time = std::chrono::steady_clock::time_point;

/// What happened in the file system is there to be read at once; only the quiet time is counted, in
/// time of our own.
class FeedWatchTest : public ::testing::Test {
protected:
    bool told(FeedWatch& watch) {
        now_ += std::chrono::seconds(1);
        if (watch.changed(now_)) {
            return true;
        }
        now_ += FeedWatch::kQuiet;
        return watch.changed(now_);
    }
    Time now_{};
    ScratchFolder folder_;
};

TEST_F(FeedWatchTest, AFileWrittenInPlaceMovedIntoPlaceAndRemoved) {
    const auto feed = folder_.write("feed.txt", "a.example\n");
    FeedWatch watch({feed});
    EXPECT_EQ(watch.folders(), 1U);
    EXPECT_FALSE(told(watch));
    folder_.write("feed.txt", "b.example\n");
    EXPECT_TRUE(told(watch));
    EXPECT_FALSE(told(watch));
    std::filesystem::rename(folder_.write("new.tmp", "c.example\n"), feed);
    EXPECT_TRUE(told(watch));
    std::filesystem::remove(feed);
    EXPECT_TRUE(told(watch));
    folder_.write("other.txt", "d.example\n");
    EXPECT_FALSE(told(watch));
}

TEST_F(FeedWatchTest, AFolderCountsWithAllButHiddenFiles) {
    folder_.write("feed/a.txt", "a.example\n");
    FeedWatch watch({folder_.path() / "feed"});
    folder_.write("feed/.partial", "x");
    EXPECT_FALSE(told(watch));
    folder_.write("feed/b.txt", "b.example\n");
    EXPECT_TRUE(told(watch));
}

TEST_F(FeedWatchTest, AFileThatIsStillWrittenDoesNotCount) {
    const auto feed = folder_.write("feed.txt", "a.example\n");
    FeedWatch watch({feed});
    std::ofstream out(feed);
    out << "half" << std::flush;
    EXPECT_FALSE(told(watch));
    out.close();
    EXPECT_TRUE(told(watch));
}

TEST_F(FeedWatchTest, ABurstCountsOnceWhenItIsOver) {
    const auto feed = folder_.write("feed.txt", "a.example\n");
    FeedWatch watch({feed});
    for (int i = 0; i < 3; ++i) {
        folder_.write("feed.txt", std::to_string(i) + ".example\n");
        EXPECT_FALSE(
            watch.changed(now_ += FeedWatch::kQuiet)); // it moves the end of the quiet time on
    }
    EXPECT_TRUE(watch.changed(now_ += FeedWatch::kQuiet));
    EXPECT_FALSE(watch.changed(now_ += FeedWatch::kQuiet));
}

TEST_F(FeedWatchTest, WhatIsNotThereIsNoFault) {
    FeedWatch watch({folder_.path() / "nowhere" / "feed.txt"});
    EXPECT_EQ(watch.folders(), 0U);
    EXPECT_FALSE(told(watch));
}

} // namespace
} // namespace foregate::control
