// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/device/hugepage_mounts.h"

#include <gtest/gtest.h>

#include <limits>

namespace foregate::dataplane {
namespace {

TEST(HugepageMounts, AreFoundAmongOthers) {
    const auto found = hugepage_mounts("proc /proc proc rw 0 0\n"
                                       "hugetlbfs /dev/hugepages hugetlbfs rw,relatime,pagesize=2M 0 0\n"
                                       "none /mnt/huge\\0401G hugetlbfs rw,pagesize=1024M 0 0\n"
                                       "hugetlbfs /not/one tmpfs rw 0 0\n"
                                       "cut short\n");
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0], "/dev/hugepages");
    EXPECT_EQ(found[1], "/mnt/huge 1G");
    EXPECT_TRUE(hugepage_mounts("").empty());
    EXPECT_EQ(hugepage_mounts("x /odd\\04 hugetlbfs rw 0 0\n").at(0), "/odd\\04");
}

TEST(HugepageMounts, NobodyHasRoomForEverything) {
    EXPECT_FALSE(can_share_hugepages(std::numeric_limits<std::uint64_t>::max()));
    EXPECT_EQ(release_stale_hugepages("no-such-prefix-of-a-test-"), 0U);
}

} // namespace
} // namespace foregate::dataplane
