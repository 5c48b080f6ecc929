// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/generation.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace foregate::dataplane {
namespace {

std::unique_ptr<Generation> numbered(std::uint32_t number) {
    auto g = std::make_unique<Generation>();
    g->number = number;
    return g;
}

/// Tells when the generation that it is a part of has gone.
std::shared_ptr<const PlanTable> watched(bool& gone) {
    return {new PlanTable, [&gone](const PlanTable* table) {
                gone = true;
                delete table;
            }};
}

TEST(GenerationSlotTest, BeginsWithEmptyTables) {
    const GenerationSlot slot(1);
    EXPECT_EQ(slot.current().number, 0U);
    EXPECT_EQ(slot.current().routes->neighbour_count(), 0U);
    EXPECT_EQ(slot.current().desktops->find(*IpAddress::parse("10.0.0.1")), nullptr);
    EXPECT_EQ(slot.current().threats, nullptr);
}

TEST(GenerationSlotTest, AWorkerKeepsWhatItMayStillHold) {
    GenerationSlot slot(2);
    slot.worker_online(0);
    slot.worker_online(1);
    bool gone = false;
    auto first = numbered(1);
    first->plan = watched(gone);
    slot.publish(std::move(first));
    slot.quiescent(0);
    slot.quiescent(1);
    slot.publish(numbered(2));
    EXPECT_EQ(slot.current().number, 2U);
    EXPECT_EQ(slot.reclaim(), 1U); // the empty one has gone, the first is still held by both
    EXPECT_FALSE(gone);
    slot.quiescent(0);
    EXPECT_EQ(slot.reclaim(), 1U) << "the other worker has not passed";
    EXPECT_FALSE(gone);
    slot.quiescent(1);
    EXPECT_EQ(slot.reclaim(), 0U);
    EXPECT_TRUE(gone);
}

TEST(GenerationSlotTest, AWorkerThatIsNotRunningHoldsNothingUp) {
    GenerationSlot slot(2);
    slot.worker_online(0);
    bool gone = false;
    auto first = numbered(1);
    first->plan = watched(gone);
    slot.publish(std::move(first));
    slot.publish(numbered(2));
    slot.quiescent(0);
    EXPECT_EQ(slot.reclaim(), 0U);
    EXPECT_TRUE(gone);

    gone = false;
    auto third = numbered(3);
    third->plan = watched(gone);
    slot.publish(std::move(third));
    slot.publish(numbered(4));
    EXPECT_NE(slot.reclaim(), 0U);
    slot.worker_offline(0);
    EXPECT_EQ(slot.reclaim(), 0U);
    EXPECT_TRUE(gone);
}

TEST(GenerationSlotTest, DestructionFreesWhatIsInForceAndWhatWaits) {
    bool in_force_gone = false;
    bool waiting_gone = false;
    {
        GenerationSlot slot(1);
        slot.worker_online(0);
        auto waiting = numbered(1);
        waiting->plan = watched(waiting_gone);
        slot.publish(std::move(waiting));
        auto in_force = numbered(2);
        in_force->plan = watched(in_force_gone);
        slot.publish(std::move(in_force));
    }
    EXPECT_TRUE(waiting_gone);
    EXPECT_TRUE(in_force_gone);
}

TEST(GenerationSlotTest, ReadersInThreadsNeverSeeAFreedTable) {
    constexpr unsigned kWorkers = 2;
    constexpr std::uint32_t kGenerations = 300;
    GenerationSlot slot(kWorkers);
    std::atomic<unsigned> faults{0};
    std::atomic<unsigned> freed{0};
    std::vector<std::thread> workers;
    for (unsigned w = 0; w < kWorkers; ++w) {
        workers.emplace_back([&slot, &faults, w] {
            slot.worker_online(w);
            std::uint32_t last = 0;
            while (last < kGenerations) {
                const Generation& g = slot.current();
                if (g.number < last || g.plan == nullptr || g.plan->size() != g.number % 3) {
                    faults.fetch_add(1);
                }
                last = g.number;
                slot.quiescent(w);
            }
            slot.worker_offline(w);
        });
    }
    for (std::uint32_t n = 1; n <= kGenerations; ++n) {
        PlanTable::Map plan;
        for (std::uint32_t i = 0; i < n % 3; ++i) {
            plan[DestinationKey{IpAddress::from_v4(i), 80, 1}] = AllotmentRef{1, 1};
        }
        auto next = numbered(n);
        next->plan = {new PlanTable(std::move(plan)), [&freed](const PlanTable* table) {
                          freed.fetch_add(1);
                          delete table;
                      }};
        slot.publish(std::move(next));
        std::this_thread::yield();
    }
    for (auto& worker : workers) {
        worker.join();
    }
    EXPECT_EQ(faults.load(), 0U);
    EXPECT_EQ(slot.reclaim(), 0U);
    EXPECT_EQ(freed.load(), kGenerations - 1) << "all but the one in force";
}

} // namespace
} // namespace foregate::dataplane
