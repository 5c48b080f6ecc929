// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/usage/usage_cells.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <set>

namespace foregate::dataplane {
namespace {

UsageCellKey key_of(std::uint32_t server, std::uint16_t usage_class = 1,
                    AppType app = AppType::web) {
    return {IpAddress::from_v4(server), 443, usage_class, 6, app};
}

unsigned bits_of(const DesktopSketch& sketch) {
    unsigned bits = 0;
    for (const auto word : sketch.bits) {
        bits += static_cast<unsigned>(std::popcount(word));
    }
    return bits;
}

TEST(UsageTableTest, OneCellForEachKey) {
    UsageTable table(1024, 1);
    const std::uint32_t first = table.find_or_add(key_of(1));
    EXPECT_EQ(table.find_or_add(key_of(1)), first);
    std::set<std::uint32_t> cells{first};
    UsageCellKey other = key_of(1);
    other.port = 80;
    cells.insert(table.find_or_add(other));
    other = key_of(1);
    other.protocol = 17;
    cells.insert(table.find_or_add(other));
    cells.insert(table.find_or_add(key_of(1, 2)));
    cells.insert(table.find_or_add(key_of(1, 1, AppType::mail)));
    cells.insert(table.find_or_add(key_of(2)));
    EXPECT_EQ(cells.size(), 6U);
    EXPECT_EQ(table.size(), 6U);
    EXPECT_EQ(table.cell(first).key, key_of(1));
    EXPECT_EQ(table.cells().size(), 1024U);
}

TEST(UsageTableTest, CapacityIsRoundedUp) {
    EXPECT_EQ(UsageTable(1, 1).cells().size(), 1024U);
    EXPECT_EQ(UsageTable(1025, 1).cells().size(), 2048U);
}

TEST(UsageTableTest, FullForDestinationsButNeverForTheRest) {
    UsageTable table(1024, 1);
    std::uint32_t given = 0;
    for (std::uint32_t n = 1; n <= 1024; ++n) {
        given += table.find_or_add(key_of(n)) != UsageTable::kFull ? 1U : 0U;
    }
    EXPECT_EQ(given, 767U);
    EXPECT_NE(table.find_or_add(key_of(1)), UsageTable::kFull) << "what is in goes on being found";
    for (std::uint16_t usage_class = 0; usage_class < 10; ++usage_class) {
        UsageCellKey rest;
        rest.usage_class = usage_class;
        rest.app = AppType::web;
        EXPECT_NE(table.find_or_add(rest), UsageTable::kFull);
    }
    EXPECT_EQ(table.size(), 777U);
}

TEST(UsageTableTest, ClearForgetsEverything) {
    UsageTable table(1024, 1);
    UsageCellData& cell = table.cell(table.find_or_add(key_of(1)));
    cell.bytes_up = 7;
    cell.desktops.add(99);
    table.clear();
    EXPECT_EQ(table.size(), 0U);
    for (const UsageCellData& c : table.cells()) {
        EXPECT_FALSE(c.in_use);
        EXPECT_EQ(bits_of(c.desktops), 0U);
    }
    const UsageCellData& again = table.cell(table.find_or_add(key_of(1)));
    EXPECT_EQ(again.bytes_up, 0U);
}

TEST(DesktopSketchTest, NeverCountsMoreThanThereWere) {
    for (std::uint64_t salt = 1; salt <= 20; ++salt) {
        DesktopSketch sketch;
        for (std::uint32_t desktop = 1; desktop <= 400; ++desktop) {
            const std::uint64_t hash = hash_address(IpAddress::from_v4(desktop), salt);
            sketch.add(hash);
            sketch.add(hash); // the same desktop again
            EXPECT_LE(bits_of(sketch), desktop);
        }
    }
}

TEST(DesktopSketchTest, LinearCountingComesNear) {
    // Whang, Vander-Zanden, Taylor (1990): -m ln(empty / m); its standard error at this load is
    // below 3 %.
    for (const std::uint32_t desktops : {5U, 50U, 500U}) {
        double sum = 0;
        for (std::uint64_t salt = 1; salt <= 20; ++salt) {
            DesktopSketch sketch;
            for (std::uint32_t desktop = 1; desktop <= desktops; ++desktop) {
                sketch.add(hash_address(IpAddress::from_v4(desktop), salt * 7919));
            }
            sum += -1024.0 * std::log((1024.0 - bits_of(sketch)) / 1024.0);
        }
        EXPECT_NEAR(sum / 20, desktops, 0.03 * desktops);
    }
}

TEST(DesktopSketchTest, AnotherSaltTellsNothingOfTheFirst) {
    // The same desktop, two buckets of time: its bit moves.
    unsigned same = 0;
    for (std::uint32_t desktop = 1; desktop <= 1000; ++desktop) {
        DesktopSketch a;
        DesktopSketch b;
        a.add(hash_address(IpAddress::from_v4(desktop), 1));
        b.add(hash_address(IpAddress::from_v4(desktop), 2));
        same += a.bits == b.bits ? 1U : 0U;
    }
    EXPECT_LT(same, 10U); // one in 1024 by chance
}

} // namespace
} // namespace foregate::dataplane
