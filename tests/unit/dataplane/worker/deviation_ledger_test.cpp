// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/worker/deviation_ledger.h"

#include <gtest/gtest.h>

namespace foregate::dataplane {
namespace {

TEST(DeviationLedgerTest, CountsByDesktopAndApplicationType) {
    DeviationLedger ledger(8);
    EXPECT_EQ(ledger.count(1, AppType::web, 5), 1U);
    EXPECT_EQ(ledger.count(1, AppType::web, 5), 2U);
    EXPECT_EQ(ledger.count(1, AppType::mail, 5), 1U);
    EXPECT_EQ(ledger.count(2, AppType::web, 5), 1U);
    EXPECT_EQ(ledger.count(1, AppType::other, 5), 1U);
    EXPECT_EQ(ledger.count(1, AppType::web, 5), 3U);
}

TEST(DeviationLedgerTest, EachBucketBeginsAnewForEachDesktop) {
    DeviationLedger ledger(8);
    EXPECT_EQ(ledger.count(1, AppType::web, 5), 1U);
    EXPECT_EQ(ledger.count(2, AppType::web, 5), 1U);
    EXPECT_EQ(ledger.count(1, AppType::web, 6), 1U);
    EXPECT_EQ(ledger.count(1, AppType::mail, 6), 1U);
    EXPECT_EQ(ledger.count(2, AppType::web, 5), 2U);
    EXPECT_EQ(ledger.count(1, AppType::web, 0), 1U) << "also when numbers begin again";
}

TEST(DeviationLedgerTest, NumbersOutOfRangeShareTheFirstRow) {
    DeviationLedger ledger(8);
    EXPECT_EQ(ledger.count(8, AppType::web, 1), 1U);
    EXPECT_EQ(ledger.count(0xffffffff, AppType::web, 1), 2U);
    EXPECT_EQ(ledger.count(0, AppType::web, 1), 3U);
    EXPECT_EQ(ledger.count(7, AppType::web, 1), 1U);
}

TEST(DeviationLedgerTest, StopsAtItsLargestCount) {
    DeviationLedger ledger(2);
    std::uint32_t last = 0;
    for (int i = 0; i < 70'000; ++i) {
        last = ledger.count(1, AppType::web, 1);
    }
    EXPECT_EQ(last, 0xffffU) << "and does not begin at zero again";
}

} // namespace
} // namespace foregate::dataplane
