// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/classify/stream_gather.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace foregate::dataplane {
namespace {

std::span<const std::uint8_t> bytes_of(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string gathered(const StreamGather& gather) {
    const auto bytes = gather.contiguous();
    return {bytes.begin(), bytes.end()};
}

TEST(StreamGather, SegmentsInOrderAndOutOfOrder) {
    StreamGather gather;
    gather.begin(1000);
    EXPECT_EQ(gathered(gather), "");
    EXPECT_FALSE(gather.has_holes());
    EXPECT_TRUE(gather.add(1000, bytes_of("abc")));
    EXPECT_FALSE(gather.add(1006, bytes_of("ghi")));
    EXPECT_EQ(gathered(gather), "abc");
    EXPECT_TRUE(gather.has_holes());
    EXPECT_TRUE(gather.add(1003, bytes_of("def")));
    EXPECT_EQ(gathered(gather), "abcdefghi");
    EXPECT_FALSE(gather.has_holes());
}

TEST(StreamGather, TheFirstCopyOfAByteStays) {
    StreamGather gather;
    gather.begin(0);
    EXPECT_FALSE(gather.add(2, bytes_of("CD")));
    EXPECT_FALSE(gather.add(6, bytes_of("GH")));
    EXPECT_TRUE(gather.add(0, bytes_of("abcdefghij")));
    EXPECT_EQ(gathered(gather), "abCDefGHij");
    EXPECT_FALSE(gather.add(0, bytes_of("..........")));
    EXPECT_EQ(gathered(gather), "abCDefGHij");
    EXPECT_TRUE(gather.add(8, bytes_of("..kl")));
    EXPECT_EQ(gathered(gather), "abCDefGHijkl");
}

TEST(StreamGather, SequenceNumbersWrap) {
    StreamGather gather;
    gather.begin(0xfffffffe);
    EXPECT_FALSE(gather.add(1, bytes_of("def")));
    EXPECT_TRUE(gather.add(0xfffffffe, bytes_of("abc")));
    EXPECT_EQ(gathered(gather), "abcdef");
}

TEST(StreamGather, BytesBeforeTheBeginningAreCutOff) {
    StreamGather gather;
    gather.begin(100);
    EXPECT_FALSE(gather.add(90, bytes_of("0123456789")));
    EXPECT_TRUE(gather.add(98, bytes_of("xxabc"))); // a keep-alive and more
    EXPECT_EQ(gathered(gather), "abc");
    EXPECT_FALSE(gather.add(50, bytes_of("far before")));
    EXPECT_EQ(gathered(gather), "abc");
}

TEST(StreamGather, FarOffSegmentsAndWhatIsBehindTheEndAreIgnored) {
    StreamGather gather;
    gather.begin(0);
    const std::string much(StreamGather::kGatherBytes - 1, 'x');
    EXPECT_FALSE(gather.add(StreamGather::kGatherBytes, bytes_of("far")));
    EXPECT_FALSE(gather.add(0x7fffffff, bytes_of("farther")));
    EXPECT_FALSE(gather.add_at(1ULL << 62, bytes_of("farthest")));
    EXPECT_FALSE(gather.has_holes());
    EXPECT_TRUE(gather.add(0, bytes_of(much)));
    EXPECT_FALSE(gather.full());
    EXPECT_TRUE(gather.add(StreamGather::kGatherBytes - 1, bytes_of("yz")));
    EXPECT_TRUE(gather.full());
    EXPECT_EQ(gathered(gather), much + "y");
}

TEST(StreamGather, TooManyPiecesAreRefusedUntilHolesClose) {
    StreamGather gather;
    gather.begin(0);
    for (std::uint32_t i = 1; i <= StreamGather::kMaxPieces; ++i) {
        EXPECT_FALSE(gather.add(2 * i, bytes_of("o")));
    }
    const std::uint32_t one_more = 2 * (StreamGather::kMaxPieces + 1);
    EXPECT_FALSE(gather.add(one_more, bytes_of("n")));
    EXPECT_FALSE(gather.add(3, bytes_of("-"))); // closes a hole: taken
    EXPECT_FALSE(gather.add(one_more, bytes_of("n")));
    EXPECT_TRUE(gather.add(0, bytes_of(std::string(one_more, '.'))));
    EXPECT_EQ(gathered(gather).size(), one_more + 1);
    EXPECT_EQ(gathered(gather).substr(0, 6), "..o-o.");
    EXPECT_EQ(gathered(gather).back(), 'n');
}

TEST(StreamGather, BeginEmptiesIt) {
    StreamGather gather;
    gather.begin(0);
    gather.add(0, bytes_of("old"));
    gather.add(9, bytes_of("old"));
    gather.begin(7);
    EXPECT_EQ(gathered(gather), "");
    EXPECT_FALSE(gather.has_holes());
    EXPECT_TRUE(gather.add(7, bytes_of("new")));
    EXPECT_EQ(gathered(gather), "new");
}

/// Random segments, against a map of bytes kept by hand.
TEST(StreamGather, AgreesWithASimpleModel) {
    std::mt19937 random(20);
    for (int round = 0; round < 300; ++round) {
        StreamGather gather;
        gather.begin(0xffffff00);
        std::vector<int> model(StreamGather::kGatherBytes, -1);
        int pieces = 0;
        for (int i = 0; i < 60 && pieces < static_cast<int>(StreamGather::kMaxPieces); ++i) {
            const std::size_t at = random() % 300;
            std::vector<std::uint8_t> segment(random() % 40);
            std::generate(segment.begin(), segment.end(),
                          [&random] { return static_cast<std::uint8_t>(random()); });
            gather.add(0xffffff00U + static_cast<std::uint32_t>(at), segment);
            for (std::size_t k = 0; k < segment.size(); ++k) {
                model[at + k] = model[at + k] < 0 ? segment[k] : model[at + k];
            }
            pieces = 0;
            for (std::size_t k = 0; k < model.size(); ++k) {
                pieces += model[k] >= 0 && (k == 0 || model[k - 1] < 0) ? 1 : 0;
            }
        }
        const auto bytes = gather.contiguous();
        const auto hole = std::find(model.begin(), model.end(), -1);
        ASSERT_EQ(bytes.size(), static_cast<std::size_t>(hole - model.begin())) << round;
        ASSERT_TRUE(std::equal(bytes.begin(), bytes.end(), model.begin())) << round;
    }
}

} // namespace
} // namespace foregate::dataplane
