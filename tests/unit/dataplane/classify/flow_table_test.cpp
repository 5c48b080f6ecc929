// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/classify/flow_table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <vector>

namespace foregate::dataplane {
namespace {

FlowKey key_of(std::uint32_t n) {
    FlowKey key;
    key.low = IpAddress::from_v4(0x0a000000 + n / 1000);
    key.high = IpAddress::from_v4(0xc0000201);
    key.low_port = static_cast<std::uint16_t>(1024 + n % 1000);
    key.high_port = 443;
    key.protocol = 6;
    return key;
}

Flow* find(FlowTable& table, const FlowKey& key) {
    return table.find(key, table.hash(key));
}
Flow* insert(FlowTable& table, const FlowKey& key) {
    return table.insert(key, table.hash(key));
}

TEST(FlowKeyTest, IsTheSameFromBothEnds) {
    const IpAddress a = *IpAddress::parse("10.0.0.1");
    const IpAddress b = *IpAddress::parse("10.0.0.2");
    bool from_low = false;
    const FlowKey up = flow_key(b, 5000, a, 80, 6, from_low);
    EXPECT_FALSE(from_low);
    const FlowKey down = flow_key(a, 80, b, 5000, 6, from_low);
    EXPECT_TRUE(from_low);
    EXPECT_EQ(up, down);
    EXPECT_NE(up, flow_key(b, 5000, a, 80, 17, from_low));
    // Between two ports of one host the port tells the ends apart.
    const FlowKey self = flow_key(a, 2, a, 1, 6, from_low);
    EXPECT_FALSE(from_low);
    EXPECT_EQ(self.low_port, 1);
}

TEST(FlowTableTest, FindsWhatWasInsertedUntilItIsErased) {
    FlowTable table(64, 1);
    EXPECT_EQ(find(table, key_of(1)), nullptr);
    Flow* flow = insert(table, key_of(1));
    ASSERT_NE(flow, nullptr);
    EXPECT_EQ(flow->key(), key_of(1));
    EXPECT_TRUE(flow->in_use);
    EXPECT_EQ(find(table, key_of(1)), flow);
    EXPECT_EQ(find(table, key_of(2)), nullptr);
    EXPECT_EQ(table.size(), 1U);
    table.erase(*flow);
    EXPECT_EQ(find(table, key_of(1)), nullptr);
    EXPECT_EQ(table.size(), 0U);
    table.erase(*flow); // twice does no harm
    EXPECT_EQ(table.size(), 0U);
}

TEST(FlowTableTest, AFreshFlowKnowsNothingOfTheOneBefore) {
    FlowTable table(64, 1);
    Flow* flow = insert(table, key_of(1));
    flow->verdict = FlowVerdict::block;
    flow->bytes[0] = 5;
    table.erase(*flow);
    Flow* next = insert(table, key_of(2));
    ASSERT_EQ(next, flow) << "the place is used again";
    EXPECT_EQ(next->verdict, FlowVerdict::undecided);
    EXPECT_EQ(next->bytes[0], 0U);
}

TEST(FlowTableTest, CapacityIsRoundedUp) {
    EXPECT_EQ(FlowTable(1, 1).capacity(), 64U);
    EXPECT_EQ(FlowTable(65, 1).capacity(), 128U);
    EXPECT_EQ(FlowTable(1024, 1).capacity(), 1024U);
}

TEST(FlowTableTest, FillsToItsCapacityAndRefusesMore) {
    // Twice as many places as flows: at this size no insert fails before the last flow is in use,
    // whatever the seed.
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        FlowTable table(4096, seed);
        std::uint32_t refused = 0;
        for (std::uint32_t n = 0; n < 4096; ++n) {
            refused += insert(table, key_of(n)) == nullptr ? 1U : 0U;
        }
        EXPECT_EQ(refused, 0U) << seed;
        EXPECT_EQ(table.size(), 4096U);
        EXPECT_EQ(insert(table, key_of(5000)), nullptr);
        for (std::uint32_t n = 0; n < 4096; ++n) {
            ASSERT_NE(find(table, key_of(n)), nullptr) << n;
        }
        table.erase(*find(table, key_of(7)));
        EXPECT_NE(insert(table, key_of(5000)), nullptr);
    }
}

TEST(FlowTableTest, AFlowStaysInItsPlaceWhileOthersMoveRoundIt) {
    FlowTable table(1024, 3);
    std::vector<Flow*> places;
    for (std::uint32_t n = 0; n < 512; ++n) {
        places.push_back(insert(table, key_of(n)));
        ASSERT_NE(places.back(), nullptr);
    }
    for (std::uint32_t n = 512; n < 1024; ++n) {
        insert(table, key_of(n)); // moves entries between buckets
    }
    for (std::uint32_t n = 0; n < 512; ++n) {
        EXPECT_EQ(find(table, key_of(n)), places[n]);
        EXPECT_EQ(places[n]->key(), key_of(n));
    }
}

TEST(FlowTableTest, AFullBucketMovesAnEntryAside) {
    // Keys that share their first bucket: hashes are the caller's, so the test can choose them.
    FlowTable table(1024, 1);
    std::map<std::uint64_t, std::vector<FlowKey>> by_bucket;
    const std::uint64_t mask = table.capacity() / 4 - 1;
    for (std::uint32_t n = 0; n < 40'000; ++n) {
        by_bucket[table.hash(key_of(n)) & mask].push_back(key_of(n));
    }
    const auto& crowd = by_bucket.begin()->second;
    ASSERT_GT(crowd.size(), 60U);
    std::uint32_t held = 0;
    for (const FlowKey& key : crowd) {
        held += insert(table, key) != nullptr ? 1U : 0U;
    }
    EXPECT_GT(held, 40U) << "eight ways, and the others' second buckets";
    std::uint32_t found = 0;
    for (const FlowKey& key : crowd) {
        found += find(table, key) != nullptr ? 1U : 0U;
    }
    EXPECT_EQ(found, held);
}

TEST(FlowTableTest, SweepVisitsEveryFlowOnceARoundAndMayErase) {
    FlowTable table(256, 9);
    for (std::uint32_t n = 0; n < 100; ++n) {
        insert(table, key_of(n));
    }
    std::multiset<const Flow*> seen;
    for (int part = 0; part < 4; ++part) {
        table.sweep(25, [&seen](Flow& flow) noexcept { seen.insert(&flow); });
    }
    EXPECT_EQ(seen.size(), 100U);
    EXPECT_EQ(std::set<const Flow*>(seen.begin(), seen.end()).size(), 100U);
    table.sweep(256, [&table](Flow& flow) noexcept {
        if (flow.low_port % 2 == 0) {
            table.erase(flow);
        }
    });
    EXPECT_EQ(table.size(), 50U);
    for (std::uint32_t n = 0; n < 100; ++n) {
        EXPECT_EQ(find(table, key_of(n)) != nullptr, key_of(n).low_port % 2 != 0);
    }
}

TEST(FlowTableTest, ViewIsByPlaceAndMovesNothing) {
    FlowTable table(64, 9);
    for (std::uint32_t n = 0; n < 10; ++n) {
        insert(table, key_of(n));
    }
    unsigned seen = 0;
    const auto count = [&seen](const Flow&) noexcept { ++seen; };
    table.view(0, 4, count);
    table.view(4, 100, count);
    EXPECT_EQ(seen, 10U);
}

TEST(FlowTableTest, TheFamiliesKeepApartAndIpv6KeepsItsAddresses) {
    FlowTable table(64, 5);
    FlowKey wide = key_of(1);
    wide.low = *IpAddress::parse("2001:db8::1");
    wide.high = *IpAddress::parse("2001:db8::2");
    Flow* four = insert(table, key_of(1));
    Flow* six = insert(table, wide);
    ASSERT_NE(four, nullptr);
    ASSERT_NE(six, nullptr);
    EXPECT_FALSE(four->ipv6);
    EXPECT_TRUE(six->ipv6);
    EXPECT_EQ(six->key(), wide);
    EXPECT_EQ(find(table, wide), six);
    FlowKey near = wide;
    near.high = *IpAddress::parse("2001:db8::3");
    EXPECT_EQ(find(table, near), nullptr);
    table.cold(*four).usage_class = 4;
    table.cold(*six).usage_class = 6;
    EXPECT_EQ(table.cold(*four).usage_class, 4);
    EXPECT_EQ(table.cold(*six).usage_class, 6);
    unsigned seen = 0;
    table.view(0, table.places(), [&seen](const Flow&) noexcept { ++seen; });
    EXPECT_EQ(seen, 2U);
    table.erase(*six);
    EXPECT_EQ(table.size(), 1U);
    EXPECT_EQ(find(table, key_of(1)), four);
}

TEST(FlowTableTest, TheColdPartOfAReusedPlaceIsFresh) {
    FlowTable table(64, 1);
    Flow* flow = insert(table, key_of(1));
    table.cold(*flow).blocked_for = DropReason::deviation;
    table.cold(*flow).application = 9;
    table.erase(*flow);
    Flow* next = insert(table, key_of(2));
    ASSERT_EQ(next, flow);
    EXPECT_EQ(table.cold(*next).application, 0);
    EXPECT_EQ(table.cold(*next).blocked_for, DropReason::blocked_flow);
}

TEST(FlowTableTest, ThePrefetchedCandidateIsTheFlowItself) {
    FlowTable table(64, 1);
    insert(table, key_of(1));
    Flow* two = insert(table, key_of(2));
    EXPECT_EQ(table.prefetch_flow(false, table.hash(key_of(2))), two);
    const FlowKey key = key_of(2);
    EXPECT_EQ(table.hash(key), table.hash_v4(key.low.v4(), key.high.v4(), key.low_port, key.high_port, 6));
}

TEST(FlowTableTest, AgreesWithAMapInAnyOrderOfWork) {
    std::mt19937 random(20260101);
    FlowTable table(512, 77);
    std::map<std::uint32_t, Flow*> model;
    for (int step = 0; step < 100'000; ++step) {
        const auto n = static_cast<std::uint32_t>(random() % 600);
        const auto known = model.find(n);
        Flow* found = find(table, key_of(n));
        ASSERT_EQ(found, known == model.end() ? nullptr : known->second) << step;
        if (found != nullptr && random() % 2 == 0) {
            table.erase(*found);
            model.erase(known);
        } else if (found == nullptr && model.size() < 400) {
            Flow* made = insert(table, key_of(n));
            ASSERT_NE(made, nullptr) << step;
            for (const auto& [other, place] : model) {
                ASSERT_NE(place, made) << "one place for two flows: " << other;
            }
            model[n] = made;
        }
        ASSERT_EQ(table.size(), model.size());
    }
}

} // namespace
} // namespace foregate::dataplane
