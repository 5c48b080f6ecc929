// SPDX-License-Identifier: BSD-3-Clause
// How many connections each desktop has begun in this bucket to destinations nobody expected, by application type.
#pragma once

#include "dataplane/app_type.h"

#include <array>
#include <cstdint>
#include <vector>

namespace foregate::dataplane {

/// Of one worker; with several workers each counts the connections that it owns.
class DeviationLedger {
public:
    explicit DeviationLedger(unsigned max_desktops) : rows_(max_desktops) {}

    /// Counts one more and returns how many it makes in `bucket`. An unknown number counts as 0.
    std::uint32_t count(std::uint32_t desktop, AppType app, std::uint32_t bucket) noexcept {
        Row& row = rows_[desktop < rows_.size() ? desktop : 0];
        if (row.bucket != bucket) {
            row = Row{};
            row.bucket = bucket;
        }
        auto& seen = row.connections[static_cast<std::size_t>(app)];
        if (seen != 0xffff) {
            ++seen;
        }
        return seen;
    }

    using Counts = std::array<std::uint16_t, kAppTypeCount>;
    /// What count() has come to in `bucket`.
    [[nodiscard]] Counts seen(std::uint32_t desktop, std::uint32_t bucket) const noexcept {
        const Row& row = rows_[desktop < rows_.size() ? desktop : 0];
        return row.bucket == bucket ? row.connections : Counts{};
    }
    /// Goes on from another ledger's figures.
    void set(std::uint32_t desktop, std::uint32_t bucket, const Counts& counts) noexcept {
        rows_[desktop < rows_.size() ? desktop : 0] = {bucket, counts};
    }

private:
    struct Row {
        std::uint32_t bucket = 0;
        std::array<std::uint16_t, kAppTypeCount> connections{};
    };
    std::vector<Row> rows_;
};

} // namespace foregate::dataplane
