// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/usage/usage_cells.h"

#include <algorithm>
#include <bit>

namespace foregate::dataplane {

namespace {

/// The last quarter of the places is kept for overflow cells, whose server is all zero: they always find room,
/// since there are at most (classes x application types) of them.
constexpr std::uint32_t limit_of(std::uint32_t capacity) noexcept {
    return capacity / 4 * 3;
}

bool is_overflow(const UsageCellKey& key) noexcept { return key.server == IpAddress{} && key.port == 0; }

} // namespace

UsageTable::UsageTable(std::uint32_t capacity, std::uint64_t seed)
    : seed_(seed), capacity_(std::bit_ceil(std::max(capacity, 1024U))), cells_(capacity_) {}

std::uint32_t UsageTable::find_or_add(const UsageCellKey& key) noexcept {
    const std::uint64_t salt = static_cast<std::uint64_t>(key.port) << 32 |
                               static_cast<std::uint64_t>(key.usage_class) << 16 |
                               static_cast<std::uint64_t>(key.app) << 8 | key.protocol;
    const std::uint32_t mask = capacity_ - 1;
    auto at = static_cast<std::uint32_t>(hash_address(key.server, seed_ ^ salt * 0x9e3779b97f4a7c15ULL)) & mask;
    while (cells_[at].in_use) {
        if (cells_[at].key == key) {
            return at;
        }
        at = (at + 1) & mask;
    }
    if (used_ + 1 >= (is_overflow(key) ? capacity_ : limit_of(capacity_))) {
        return kFull;
    }
    ++used_;
    cells_[at].key = key;
    cells_[at].in_use = true;
    return at;
}

void UsageTable::clear() noexcept {
    std::fill_n(cells_.data(), capacity_, UsageCellData{});
    used_ = 0;
}

} // namespace foregate::dataplane
