// SPDX-License-Identifier: BSD-3-Clause
// What is expected of a class in this bucket, as far as a worker needs it for the first packet of a connection.
#pragma once

#include "dataplane/app_type.h"
#include "dataplane/packet/frozen_map.h"
#include "dataplane/tables/plan_table.h"

#include <array>
#include <cstdint>
#include <unordered_set>
#include <utility>
#include <vector>

namespace foregate::dataplane {

enum class DeviationPolicy : std::uint8_t { off, note, block };

struct ClassPattern {
    DeviationPolicy policy = DeviationPolicy::off;
    bool known = false; ///< false: too little history, so nothing deviates
    /// Connections of one desktop in this bucket to destinations that are not expected by name, by application type.
    std::array<float, kAppTypeCount> budget{};
};

class PatternTable {
public:
    using Destinations = std::unordered_set<DestinationKey, DestinationKeyHash>;
    PatternTable() = default;
    /// `bucket` numbers the interval that the budgets are for: a worker's own counts begin anew with it.
    PatternTable(std::uint32_t bucket, std::vector<ClassPattern> classes, const Destinations& expected)
        : bucket_(bucket), classes_(std::move(classes)) {
        std::vector<std::pair<DestinationKey, bool>> entries;
        for (const DestinationKey& key : expected) {
            entries.emplace_back(key, true);
        }
        expected_ = FrozenMap<DestinationKey, bool, DestinationKeyHash>(entries);
    }

    [[nodiscard]] std::uint32_t bucket() const noexcept { return bucket_; }
    [[nodiscard]] const ClassPattern* of_class(std::uint16_t usage_class) const noexcept {
        return usage_class < classes_.size() ? &classes_[usage_class] : nullptr;
    }
    [[nodiscard]] bool expected(const DestinationKey& key) const noexcept { return expected_.find(key) != nullptr; }

private:
    std::uint32_t bucket_ = 0;
    std::vector<ClassPattern> classes_;
    FrozenMap<DestinationKey, bool, DestinationKeyHash> expected_;
};

} // namespace foregate::dataplane
