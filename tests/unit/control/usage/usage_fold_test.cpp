// SPDX-License-Identifier: BSD-3-Clause
#include "control/usage/usage_fold.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <set>

namespace foregate::control {
namespace {

const std::vector<std::string> kClasses{"office", "plant"};

DesktopSketch sketch_of(std::initializer_list<unsigned> bits) {
    DesktopSketch sketch{};
    for (const unsigned bit : bits) {
        sketch[bit / 64] |= std::uint64_t{1} << bit % 64;
    }
    return sketch;
}

UsageCell cell(std::uint16_t usage_class, AppType app, std::string destination,
               DesktopSketch sketch, std::uint64_t bytes = 100) {
    UsageCell c;
    c.usage_class = usage_class;
    c.app = app;
    c.destination = std::move(destination);
    c.sketch = sketch;
    c.bytes_up = bytes;
    c.bytes_down = 2 * bytes;
    c.packets_up = 1;
    c.packets_down = 2;
    c.new_connections = 3;
    c.failed_connections = 1;
    return c;
}

TEST(UsageFold, ADestinationOfEnoughDesktopsKeepsItsName) {
    const auto result = fold_usage(
        std::vector{cell(0, AppType::database, "db.lab:5432", sketch_of({1, 2, 3, 900, 1023}))},
        600, kClasses, 5);
    ASSERT_EQ(result.records.size(), 1U);
    EXPECT_EQ(result.records[0], (UsageRecord{600, "office", AppType::database, "db.lab:5432", 100,
                                              200, 1, 2, 3, 1, 5}));
    EXPECT_EQ(result.folded_rows, 0U);
}

TEST(UsageFold, CellsOfTwoWorkersAreOneRowAndADesktopCountsOnce) {
    const auto result =
        fold_usage(std::vector{cell(0, AppType::web, "a.lab:443", sketch_of({1, 2, 3})),
                               cell(0, AppType::web, "a.lab:443", sketch_of({3, 4, 5}))},
                   0, kClasses, 5);
    ASSERT_EQ(result.records.size(), 1U);
    EXPECT_EQ(result.records[0].desktops, 5U);
    EXPECT_EQ(result.records[0].bytes_up, 200U);
}

TEST(UsageFold, SmallRowsMeetInOtherByTheUnionOfTheirDesktops) {
    // 3 + 3 desktops, but only 4 different ones: together still too few.
    const auto few =
        fold_usage(std::vector{cell(0, AppType::web, "a:443", sketch_of({1, 2, 3})),
                               cell(0, AppType::web, "b:443", sketch_of({2, 3, 4})),
                               cell(0, AppType::mail, "m:25", sketch_of({5, 6, 7, 8, 9}))},
                   0, kClasses, 5);
    ASSERT_EQ(few.records.size(), 1U);
    EXPECT_EQ(few.records[0].destination, "m:25");
    EXPECT_EQ(few.dropped_rows, 1U);
    EXPECT_EQ(few.dropped.bytes_up, 200U);

    const auto enough =
        fold_usage(std::vector{cell(0, AppType::web, "a:443", sketch_of({1, 2, 3})),
                               cell(0, AppType::web, "b:443", sketch_of({3, 4, 5}))},
                   0, kClasses, 5);
    ASSERT_EQ(enough.records.size(), 1U);
    EXPECT_EQ(enough.records[0].destination, "other");
    EXPECT_EQ(enough.records[0].app, AppType::web);
    EXPECT_EQ(enough.records[0].desktops, 5U);
    EXPECT_EQ(enough.folded_rows, 2U);
}

TEST(UsageFold, GoesUpStepByStepToAllClasses) {
    const auto by_class =
        fold_usage(std::vector{cell(0, AppType::web, "a:443", sketch_of({1, 2, 3})),
                               cell(0, AppType::mail, "b:25", sketch_of({3, 4, 5}))},
                   0, kClasses, 5);
    ASSERT_EQ(by_class.records.size(), 1U);
    EXPECT_EQ(by_class.records[0].usage_class, "office");
    EXPECT_EQ(by_class.records[0].app, AppType::other);

    const auto all = fold_usage(std::vector{cell(0, AppType::web, "a:443", sketch_of({1, 2, 3})),
                                            cell(1, AppType::web, "a:443", sketch_of({4, 5}))},
                                0, kClasses, 5);
    ASSERT_EQ(all.records.size(), 1U);
    EXPECT_EQ(all.records[0].usage_class, "all");
    EXPECT_EQ(all.records[0].destination, "other");
}

TEST(UsageFold, RowsWithoutASketchUseTheLargestCount) {
    UsageCell a = cell(0, AppType::web, "a:443", {});
    a.desktops_at_least = 4;
    UsageCell b = cell(0, AppType::web, "b:443", {});
    b.desktops_at_least = 3;
    UsageCell c = cell(0, AppType::web, "other", {});
    c.desktops_at_least = 12;
    const auto result = fold_usage(std::vector{a, b, c}, 0, kClasses, 5);
    ASSERT_EQ(result.records.size(), 1U);
    EXPECT_EQ(result.records[0].desktops, 12U); // not 19
    EXPECT_EQ(result.records[0].bytes_up, 300U);
    EXPECT_EQ(fold_usage(std::vector{a, b}, 0, kClasses, 5).dropped_rows, 1U);
}

TEST(UsageFold, NothingGivesNothing) {
    const auto result = fold_usage({}, 0, kClasses, 5);
    EXPECT_TRUE(result.records.empty());
    EXPECT_EQ(result.dropped_rows, 0U);
}

TEST(UsageSketch, EstimateCorrectsForCollisions) {
    std::mt19937_64 random(1);
    for (const unsigned desktops : {1U, 5U, 50U, 200U, 1000U, 2000U}) {
        DesktopSketch sketch{};
        for (unsigned i = 0; i < desktops; ++i) {
            const auto bit = static_cast<unsigned>(random() % 1024);
            sketch[bit / 64] |= std::uint64_t{1} << bit % 64;
        }
        EXPECT_LE(sketch_at_least(sketch), desktops);
        EXPECT_GE(sketch_estimate(sketch), sketch_at_least(sketch));
        EXPECT_NEAR(sketch_estimate(sketch), desktops, 0.1 * desktops + 2);
    }
    DesktopSketch full{};
    full.fill(~std::uint64_t{0});
    EXPECT_EQ(sketch_estimate(full), 7098U);
}

// Random fleets: what is true of every bucket, whatever happened in it. The desktops' bits are
// known here, so the truth is counted apart from the code.
TEST(UsageFoldProperty, TotalsAreKeptAndNoSmallGroupIsNamed) {
    const char* env = std::getenv("FOREGATE_TEST_SEED");
    const auto seed = static_cast<unsigned>(env != nullptr ? std::strtoul(env, nullptr, 10) : 7);
    SCOPED_TRACE("FOREGATE_TEST_SEED=" + std::to_string(seed));
    std::mt19937 random(seed);
    const auto pick = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
    for (int round = 0; round < 500; ++round) {
        const unsigned min_group = 1 + pick(8);
        std::vector<UsageCell> cells;
        std::map<SeriesKey, std::set<unsigned>> desktops;
        std::uint64_t bytes = 0;
        std::uint64_t connections = 0;
        for (unsigned i = pick(40); i > 0; --i) {
            const auto usage_class = static_cast<std::uint16_t>(pick(2));
            const auto app = static_cast<AppType>(pick(3));
            const std::string destination =
                pick(8) == 0 ? "other" : "d" + std::to_string(pick(6)) + ":1";
            const unsigned bit = pick(30) * 33;
            cells.push_back(cell(usage_class, app, destination, sketch_of({bit}), pick(1000)));
            desktops[{kClasses[usage_class], app, destination}].insert(bit);
            bytes += cells.back().bytes_up + cells.back().bytes_down;
            connections += cells.back().new_connections;
        }
        const auto result = fold_usage(cells, 0, kClasses, min_group);
        std::uint64_t bytes_after = result.dropped.bytes_up + result.dropped.bytes_down;
        std::uint64_t connections_after = result.dropped.new_connections;
        std::set<SeriesKey> keys;
        for (const UsageRecord& r : result.records) {
            bytes_after += r.bytes_up + r.bytes_down;
            connections_after += r.new_connections;
            EXPECT_GE(r.desktops, min_group);
            const SeriesKey key{r.usage_class, r.app, r.destination};
            EXPECT_TRUE(keys.insert(key).second) << "two rows of one key";
            if (r.destination != kOtherDestination) {
                EXPECT_GE(desktops[key].size(), min_group) << r.destination;
            }
        }
        for (const auto& [key, who] : desktops) { // and nobody lost a name without need
            if (key.destination != kOtherDestination && who.size() >= min_group) {
                EXPECT_TRUE(keys.contains(key)) << key.destination;
            }
        }
        EXPECT_EQ(bytes_after, bytes);
        EXPECT_EQ(connections_after, connections);
    }
}

} // namespace
} // namespace foregate::control
