// SPDX-License-Identifier: BSD-3-Clause
#include "control/plan/plan.h"

#include <gtest/gtest.h>

namespace foregate::control {
namespace {

Allotment allot(const char* destination, std::uint64_t rate, std::int64_t from = 0) {
    return {"office", AppType::web, destination, Direction::down, rate, from, from + 300};
}

ConnectionTarget target(const char* destination, unsigned count, std::int64_t until) {
    ConnectionTarget t;
    t.usage_class = "office";
    t.destination = destination;
    t.per_desktop = count;
    t.limit = 6 * count;
    t.until = until;
    return t;
}

Plan plan_of(std::vector<Allotment> allotments, std::uint64_t budget = 1000000) {
    Plan plan;
    plan.budget_down_bps = budget;
    plan.allotments = std::move(allotments);
    return plan;
}

TEST(PlanDiffTest, TheSamePlanIsNoChange) {
    Plan plan = plan_of({allot("a:1", 100)});
    plan.targets = {target("a:1", 1, 300)};
    EXPECT_TRUE(diff_plans(plan, plan).empty());
    Plan reworded = plan;
    reworded.targets[0].reason = "other words";
    reworded.targets[0].expected_connections = 7;
    EXPECT_TRUE(diff_plans(plan, reworded).empty());
}

TEST(PlanDiffTest, NamesWhatIsNewChangedAndGone) {
    Plan before = plan_of({allot("a:1", 100), allot("b:1", 100)});
    before.targets = {target("a:1", 1, 300), target("b:1", 1, 300)};
    Plan after = plan_of({allot("b:1", 200), allot("c:1", 5)});
    after.targets = {target("b:1", 1, 600), target("c:1", 1, 300)};
    const PlanDiff diff = diff_plans(before, after);
    EXPECT_EQ(diff.set, after.allotments);
    EXPECT_EQ(diff.remove, std::vector{before.allotments[0]});
    EXPECT_EQ(diff.set_targets, after.targets);
    EXPECT_EQ(diff.remove_targets, std::vector{before.targets[0]});
}

TEST(PlanSteadied, SmallChangesAreNotFollowedLargeOnesAre) {
    const Plan before = plan_of({allot("a:1", 1000), allot("b:1", 1000), allot("c:1", 1000)});
    const Plan next = plan_of({allot("a:1", 1040), allot("b:1", 960), allot("c:1", 1060)});
    const Plan plan = steadied(before, next);
    EXPECT_EQ(plan.allotments[0].rate_bps, 1000U);
    EXPECT_EQ(plan.allotments[1].rate_bps, 1000U);
    EXPECT_EQ(plan.allotments[2].rate_bps, 1060U);
}

TEST(PlanSteadied, TheBudgetIsNeverPassed) {
    const Plan before = plan_of({allot("a:1", 1000), allot("b:1", 1000)});
    const Plan next = plan_of({allot("a:1", 960), allot("b:1", 960)}, 1930);
    const Plan plan = steadied(before, next); // room for neither old rate
    EXPECT_EQ(plan.allotments, next.allotments);
    const Plan one = steadied(before, plan_of({allot("a:1", 960), allot("b:1", 960)}, 1960));
    EXPECT_EQ(one.allotments[0].rate_bps + one.allotments[1].rate_bps, 1960U);
}

TEST(PlanSteadied, AnotherBucketIsAnotherLease) {
    const Plan before = plan_of({allot("a:1", 1000, 0)});
    EXPECT_EQ(steadied(before, plan_of({allot("a:1", 1010, 300)})).allotments[0].rate_bps, 1010U);
}

TEST(PlanLeases, WhatHasEndedIsGone) {
    Plan plan = plan_of({allot("a:1", 1, 0), allot("a:1", 1, 300)});
    plan.targets = {target("a:1", 1, 300), target("b:1", 1, kNoEnd)};
    EXPECT_EQ(without_ended(plan, 299), plan);
    const Plan later = without_ended(plan, 300);
    ASSERT_EQ(later.allotments.size(), 1U);
    EXPECT_EQ(later.allotments[0].from, 300);
    ASSERT_EQ(later.targets.size(), 1U);
    EXPECT_EQ(later.targets[0].destination, "b:1");
}

} // namespace
} // namespace foregate::control
