// SPDX-License-Identifier: BSD-3-Clause
// Where hugepages can be shared with other DPDK processes (dpdk-dumpcap): mounts of hugetlbfs. Control core only.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace foregate::dataplane {

/// The hugetlbfs mount points in a text of the form of /proc/self/mounts.
[[nodiscard]] std::vector<std::filesystem::path> hugepage_mounts(std::string_view mounts);

/// True when a mount here has room for `bytes` in free pages of one size, and may be written to.
[[nodiscard]] bool can_share_hugepages(std::uint64_t bytes);

/// Removes what a killed process has left of hugepages under this DPDK file prefix, so that they count as free again. The
/// caller sees to it that no process of this prefix lives. Returns how many files went.
unsigned release_stale_hugepages(const std::string& file_prefix);

} // namespace foregate::dataplane
