// SPDX-License-Identifier: BSD-3-Clause
// Minimum group size: the cells of one bucket become records, and a row that fewer than min_group
// desktops contributed to is folded into its parent. Pure; any thread.
//
// A row goes up one step at a time until enough desktops stand behind it:
//   (class, type, destination) -> (class, type, "other") -> (class, other, "other")
//   -> ("all", other, "other") -> dropped, and counted.
// Desktops of rows that are joined overlap, so they are never added up: each cell carries a small
// bitmap of desktops (one bit each, by a hash that the data plane salts anew every bucket, so that
// bitmaps of two buckets cannot be joined), and joining is OR. The number of bits set never counts
// a desktop twice and decides about folding; the record's `desktops` corrects it for collisions.
#pragma once

#include "control/usage/usage_record.h"

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace foregate::control {

/// 1024 bits; bit i set: a desktop whose salted hash is i modulo 1024 contributed.
using DesktopSketch = std::array<std::uint64_t, 16>;

/// The number of bits set: at most the number of desktops, never more.
[[nodiscard]] unsigned sketch_at_least(const DesktopSketch& sketch) noexcept;
/// Linear counting: the likely number of desktops, never below sketch_at_least(). Within 10 % up to
/// some 2000 desktops; a full sketch gives 7098.
[[nodiscard]] unsigned sketch_estimate(const DesktopSketch& sketch) noexcept;

struct UsageCell {
    std::uint16_t usage_class = 0; ///< index into the class names
    AppType app = AppType::other;
    std::string destination; ///< already named; "" counts as "other"
    std::uint64_t bytes_up = 0;
    std::uint64_t bytes_down = 0;
    std::uint64_t packets_up = 0;
    std::uint64_t packets_down = 0;
    std::uint64_t new_connections = 0;
    std::uint64_t failed_connections = 0;
    DesktopSketch sketch{};
    /// For rows that come without a sketch (an import): so many desktops at least. When rows are
    /// joined the largest counts, which is the least their union can be.
    std::uint32_t desktops_at_least = 0;
};

struct FoldResult {
    std::vector<UsageRecord> records; ///< sorted by class, application type, destination
    std::uint64_t folded_rows = 0;    ///< named rows (equal cells joined) that lost their name
    std::uint64_t dropped_rows = 0;   ///< too few desktops even for class "all": 0 or 1
    UsageRecord dropped;              ///< their sum, for the totals only
};

/// Cells of the same (class, type, destination), as from several workers, are joined first. A cell
/// whose class index is out of range goes to class "all". min_group 0 counts as 1.
[[nodiscard]] FoldResult fold_usage(std::span<const UsageCell> cells, std::int64_t bucket,
                                    std::span<const std::string> class_names, unsigned min_group);

} // namespace foregate::control
