// SPDX-License-Identifier: BSD-3-Clause
#include "control/usage/usage_fold.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>

namespace foregate::control {

namespace {

constexpr double kSketchBits = 1024.0;

// A row on its way up. std::map below keeps rows sorted by key, so the result has one order.
struct Row {
    UsageCell sum; // volumes, sketch and desktops_at_least; the names stand in the key

    void join(const UsageCell& cell) {
        sum.bytes_up += cell.bytes_up;
        sum.bytes_down += cell.bytes_down;
        sum.packets_up += cell.packets_up;
        sum.packets_down += cell.packets_down;
        sum.new_connections += cell.new_connections;
        sum.failed_connections += cell.failed_connections;
        for (std::size_t i = 0; i < sum.sketch.size(); ++i) {
            sum.sketch[i] |= cell.sketch[i];
        }
        sum.desktops_at_least = std::max(sum.desktops_at_least, cell.desktops_at_least);
    }
    [[nodiscard]] unsigned at_least() const {
        return std::max(sketch_at_least(sum.sketch), sum.desktops_at_least);
    }
    [[nodiscard]] UsageRecord record(const SeriesKey& key, std::int64_t bucket) const {
        return {bucket,
                key.usage_class,
                key.app,
                key.destination,
                sum.bytes_up,
                sum.bytes_down,
                sum.packets_up,
                sum.packets_down,
                sum.new_connections,
                sum.failed_connections,
                std::max(sketch_estimate(sum.sketch), sum.desktops_at_least)};
    }
};

using Rows = std::map<SeriesKey, Row>;

// The steps upward, finest first.
enum class Level { destination, type, usage_class, all };

Level level_of(const SeriesKey& key) {
    if (key.destination != kOtherDestination) {
        return Level::destination;
    }
    if (key.app != AppType::other) {
        return Level::type;
    }
    return key.usage_class != kAllClasses ? Level::usage_class : Level::all;
}

SeriesKey parent_of(const SeriesKey& key) {
    switch (level_of(key)) {
    case Level::destination:
        return {key.usage_class, key.app, kOtherDestination};
    case Level::type:
        return {key.usage_class, AppType::other, kOtherDestination};
    default:
        return {kAllClasses, AppType::other, kOtherDestination};
    }
}

Rows join_equal(std::span<const UsageCell> cells, std::span<const std::string> class_names) {
    Rows rows;
    for (const UsageCell& cell : cells) {
        const bool known = cell.usage_class < class_names.size();
        SeriesKey key{known ? class_names[cell.usage_class] : std::string(kAllClasses), cell.app,
                      cell.destination.empty() ? std::string(kOtherDestination) : cell.destination};
        rows[std::move(key)].join(cell);
    }
    return rows;
}

// Moves the rows of one level that are too small into their parents.
void raise_small(Rows& rows, Level level, unsigned min_group, FoldResult& result) {
    std::vector<SeriesKey> small;
    for (const auto& [key, row] : rows) {
        if (level_of(key) == level && row.at_least() < min_group) {
            small.push_back(key);
        }
    }
    for (const SeriesKey& key : small) {
        const auto node = rows.extract(key);
        if (level == Level::all) {
            ++result.dropped_rows;
            result.dropped = node.mapped().record(key, 0);
        } else {
            result.folded_rows += level == Level::destination ? 1 : 0;
            rows[parent_of(key)].join(node.mapped().sum);
        }
    }
}

} // namespace

unsigned sketch_at_least(const DesktopSketch& sketch) noexcept {
    int bits = 0;
    for (const std::uint64_t word : sketch) {
        bits += std::popcount(word);
    }
    return static_cast<unsigned>(bits);
}

unsigned sketch_estimate(const DesktopSketch& sketch) noexcept {
    const unsigned set = sketch_at_least(sketch);
    // One free bit is the last from which linear counting can tell anything.
    const double free = std::max(kSketchBits - set, 1.0);
    const double estimate = -kSketchBits * std::log(free / kSketchBits);
    return std::max(set, static_cast<unsigned>(std::lround(estimate)));
}

FoldResult fold_usage(std::span<const UsageCell> cells, std::int64_t bucket,
                      std::span<const std::string> class_names, unsigned min_group) {
    FoldResult result;
    Rows rows = join_equal(cells, class_names);
    for (const Level level : {Level::destination, Level::type, Level::usage_class, Level::all}) {
        raise_small(rows, level, std::max(min_group, 1U), result);
    }
    result.dropped.bucket = bucket;
    result.records.reserve(rows.size());
    for (const auto& [key, row] : rows) {
        result.records.push_back(row.record(key, bucket));
    }
    return result;
}

} // namespace foregate::control
