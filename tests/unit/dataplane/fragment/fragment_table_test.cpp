// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/fragment/fragment_table.h"
#include "packet/packet_builder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace foregate::dataplane {
namespace {

class FragmentTableTest : public ::testing::Test {
protected:
    static FragmentKey key(std::uint32_t id, const char* src = "10.0.0.1") {
        return {packet_test::address(src), packet_test::address("192.0.2.9"), id, 17};
    }
    static void ended(void* self, void* packet, DropReason reason) {
        auto& test = *static_cast<FragmentTableTest*>(self);
        test.ends.emplace_back(static_cast<int*>(packet) - test.packets.data(), reason);
    }
    FragmentTable table(const FragmentLimits& limits = {}) {
        return FragmentTable(limits, 7, &FragmentTableTest::ended, this);
    }
    FragmentFate first(FragmentTable& t, std::uint32_t id, std::uint32_t length, bool last = false) {
        return t.first(key(id), {0, length, last}, kPorts, now);
    }
    FragmentFate later(FragmentTable& t, std::uint32_t id, std::uint32_t offset, std::uint32_t length, bool last,
                       int packet = 0) {
        ports = {};
        return t.later(key(id), {offset, length, last}, &packets[static_cast<std::size_t>(packet)], ports, now);
    }
    std::vector<long> released(FragmentTable& t) {
        std::vector<long> out;
        while (void* packet = t.take_released(ports)) {
            EXPECT_EQ(ports.dst_port, kPorts.dst_port);
            out.push_back(static_cast<int*>(packet) - packets.data());
        }
        return out;
    }

    static constexpr FragmentPorts kPorts{53, 5353, 17};
    std::vector<int> packets = std::vector<int>(2000);
    std::vector<std::pair<long, DropReason>> ends;
    FragmentPorts ports;
    std::uint32_t now = 0xfffffff0; // times wrap
};

TEST_F(FragmentTableTest, LaterOnesGetTheFirstOnesPorts) {
    FragmentTable t = table();
    EXPECT_EQ(first(t, 1, 1480), FragmentFate::pass);
    EXPECT_EQ(later(t, 1, 1480, 1480, false), FragmentFate::pass);
    EXPECT_EQ(ports.src_port, 53);
    EXPECT_EQ(ports.dst_port, 5353);
    EXPECT_EQ(ports.protocol, 17);
    EXPECT_EQ(t.packets(), 1U);
    EXPECT_EQ(later(t, 1, 2960, 3, true), FragmentFate::pass);
    EXPECT_EQ(t.packets(), 0U) << "complete, and forgotten";
}

TEST_F(FragmentTableTest, OthersOfTheSameNumberAreOthers) {
    FragmentTable t = table();
    EXPECT_EQ(first(t, 1, 1480), FragmentFate::pass);
    EXPECT_EQ(later(t, 2, 1480, 8, true), FragmentFate::held);
    EXPECT_EQ(t.later(key(1, "10.0.0.2"), {1480, 8, true}, packets.data(), ports, now), FragmentFate::held);
    FragmentKey tcp = key(1);
    tcp.protocol = 6;
    EXPECT_EQ(t.later(tcp, {1480, 8, true}, packets.data(), ports, now), FragmentFate::held);
    EXPECT_EQ(t.packets(), 4U);
}

TEST_F(FragmentTableTest, HeldUntilTheFirstComes) {
    FragmentTable t = table();
    EXPECT_EQ(later(t, 1, 2960, 3, true, 1), FragmentFate::held);
    EXPECT_EQ(later(t, 1, 1480, 1480, false, 2), FragmentFate::held);
    EXPECT_FALSE(t.has_released());
    EXPECT_EQ(t.held(), 2U);
    EXPECT_EQ(first(t, 1, 1480), FragmentFate::pass);
    EXPECT_TRUE(t.has_released());
    EXPECT_EQ(t.packets(), 0U);
    EXPECT_EQ(released(t), (std::vector<long>{1, 2})) << "in the order they came";
    EXPECT_EQ(t.held(), 0U);
    EXPECT_TRUE(ends.empty());
}

TEST_F(FragmentTableTest, EveryOrderOfALongPacket) {
    std::mt19937 random(1);
    std::vector<std::uint32_t> offsets;
    for (std::uint32_t at = 0; at < 65'000; at += 1480) {
        offsets.push_back(at);
    }
    for (std::uint32_t round = 0; round < 200; ++round) {
        FragmentTable t = table();
        std::shuffle(offsets.begin(), offsets.end(), random);
        std::size_t through = 0;
        for (const std::uint32_t offset : offsets) {
            const bool last = offset + 1480 >= 65'000;
            const std::uint32_t length = last ? 65'001 - offset : 1480;
            if (offset == 0) {
                EXPECT_EQ(first(t, round, length), FragmentFate::pass);
                through += 1 + released(t).size();
            } else if (later(t, round, offset, length, last) == FragmentFate::pass) {
                ++through;
            }
        }
        EXPECT_EQ(through, offsets.size());
        EXPECT_EQ(t.packets(), 0U);
    }
    EXPECT_TRUE(ends.empty());
}

TEST_F(FragmentTableTest, AnOverlapSpoilsTheWholePacket) {
    FragmentTable t = table();
    EXPECT_EQ(first(t, 1, 1480), FragmentFate::pass);
    EXPECT_EQ(later(t, 1, 1472, 1480, false), FragmentFate::overlap);
    EXPECT_EQ(later(t, 1, 2952, 8, true), FragmentFate::overlap) << "all that comes later too";
    EXPECT_EQ(first(t, 1, 1480), FragmentFate::overlap);
    EXPECT_EQ(t.packets(), 1U) << "remembered, so that nothing of it passes";
    EXPECT_EQ(first(t, 2, 1480), FragmentFate::pass) << "others are none the worse";
}

TEST_F(FragmentTableTest, AnOverlapDiscardsWhatIsHeld) {
    FragmentTable t = table();
    EXPECT_EQ(later(t, 1, 1480, 1480, false, 4), FragmentFate::held);
    EXPECT_EQ(first(t, 1, 1488), FragmentFate::overlap);
    ASSERT_EQ(ends.size(), 1U);
    EXPECT_EQ(ends[0], (std::pair<long, DropReason>{4, DropReason::overlapping_fragment}));
    EXPECT_EQ(t.held(), 0U);
}

TEST_F(FragmentTableTest, ARepetitionGoesAndSpoilsNothing) {
    FragmentTable t = table();
    EXPECT_EQ(first(t, 1, 1480), FragmentFate::pass);
    EXPECT_EQ(first(t, 1, 1480), FragmentFate::overlap);
    EXPECT_EQ(first(t, 1, 24), FragmentFate::overlap) << "all of it inside of another";
    EXPECT_EQ(later(t, 1, 1480, 3, true), FragmentFate::pass);
}

TEST_F(FragmentTableTest, EndsThatContradict) {
    FragmentTable t = table();
    EXPECT_EQ(first(t, 1, 1480), FragmentFate::pass);
    EXPECT_EQ(later(t, 1, 2960, 8, true), FragmentFate::pass);
    EXPECT_EQ(later(t, 1, 2968, 8, false), FragmentFate::overlap) << "behind the end";
    EXPECT_EQ(first(t, 2, 1480), FragmentFate::pass);
    EXPECT_EQ(later(t, 2, 2960, 8, false), FragmentFate::pass);
    EXPECT_EQ(later(t, 2, 1480, 8, true), FragmentFate::overlap) << "an end before others";
    EXPECT_EQ(first(t, 3, 1480), FragmentFate::pass);
    EXPECT_EQ(later(t, 3, 4000, 8, true), FragmentFate::pass);
    EXPECT_EQ(later(t, 3, 3000, 8, true), FragmentFate::overlap) << "two ends";
    EXPECT_EQ(later(t, 4, 65'528, 16, true), FragmentFate::overlap) << "behind all that can be";
}

TEST_F(FragmentTableTest, TimeIsUp) {
    FragmentTable t = table();
    EXPECT_EQ(later(t, 1, 1480, 8, true, 5), FragmentFate::held);
    EXPECT_EQ(first(t, 2, 1480), FragmentFate::pass);
    now += 1999;
    t.expire(now);
    EXPECT_EQ(t.packets(), 2U);
    ++now;
    t.expire(now);
    EXPECT_EQ(t.packets(), 0U);
    ASSERT_EQ(ends.size(), 1U);
    EXPECT_EQ(ends[0], (std::pair<long, DropReason>{5, DropReason::fragment_timeout}));
}

TEST_F(FragmentTableTest, AnOldRecordIsNotTakenForANewPacket) {
    FragmentTable t = table();
    EXPECT_EQ(later(t, 1, 1480, 8, true, 5), FragmentFate::held);
    now += 2000; // expire() has not come by
    EXPECT_EQ(first(t, 1, 1488), FragmentFate::pass);
    EXPECT_EQ(ends.size(), 1U);
    EXPECT_FALSE(t.has_released());
}

TEST_F(FragmentTableTest, FullOfPackets) {
    FragmentTable t = table({4, 100, 8, 8, 2000});
    for (std::uint32_t id = 0; id < 4; ++id) {
        EXPECT_EQ(first(t, id, 1480), FragmentFate::pass);
    }
    EXPECT_EQ(first(t, 9, 1480), FragmentFate::full);
    EXPECT_EQ(later(t, 9, 1480, 8, true), FragmentFate::full);
    EXPECT_EQ(later(t, 2, 1480, 8, true), FragmentFate::pass) << "those that are in go on";
    EXPECT_EQ(first(t, 9, 1480), FragmentFate::pass) << "and make room";
}

TEST_F(FragmentTableTest, OneSourceDoesNotTakeItAll) {
    FragmentTable t = table({100, 10, 8, 8, 2000});
    for (std::uint32_t id = 0; id < 10; ++id) {
        EXPECT_EQ(first(t, id, 1480), FragmentFate::pass);
    }
    EXPECT_EQ(first(t, 10, 1480), FragmentFate::full);
    EXPECT_EQ(t.first(key(1, "10.0.0.3"), {0, 1480, false}, kPorts, now), FragmentFate::pass);
    now += 2000;
    t.expire(now);
    EXPECT_EQ(first(t, 10, 1480), FragmentFate::pass) << "counted down again";
}

TEST_F(FragmentTableTest, HeldAreBounded) {
    FragmentTable t = table({100, 100, 4, 3, 2000});
    for (std::uint32_t i = 1; i <= 3; ++i) {
        EXPECT_EQ(later(t, 1, i * 8, 8, false, static_cast<int>(i)), FragmentFate::held);
    }
    EXPECT_EQ(later(t, 1, 32, 8, false), FragmentFate::full) << "of one packet";
    EXPECT_EQ(later(t, 2, 8, 8, false, 9), FragmentFate::held);
    EXPECT_EQ(later(t, 3, 8, 8, false), FragmentFate::full) << "of all";
    EXPECT_EQ(first(t, 1, 8), FragmentFate::pass);
    EXPECT_EQ(released(t), (std::vector<long>{1, 2, 3}));
    EXPECT_EQ(later(t, 3, 8, 8, false), FragmentFate::held);
}

TEST_F(FragmentTableTest, GivesBackWhatItHolds) {
    {
        FragmentTable t = table();
        EXPECT_EQ(later(t, 1, 1480, 8, true, 1), FragmentFate::held);
        EXPECT_EQ(later(t, 2, 1480, 8, true, 2), FragmentFate::held);
        EXPECT_EQ(first(t, 2, 1480), FragmentFate::pass); // released, not yet taken
    }
    EXPECT_EQ(ends.size(), 2U);
}

} // namespace
} // namespace foregate::dataplane
