// SPDX-License-Identifier: BSD-3-Clause
// Closes a bucket of usage: turns the workers to fresh tables, names destinations, folds small groups, commits.
#pragma once

#include "control/config/config.h"
#include "control/usage/analytics_clock.h"
#include "control/usage/usage_fold.h"
#include "control/usage/usage_store.h"
#include "dataplane/dataplane.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace foregate::control {

/// What a server's address and port are called in records.
using NameOf = std::function<std::string(const IpAddress& server, std::uint16_t port)>;

struct CollectedBucket {
    std::int64_t start = 0;
    std::int64_t observed_s = 0;
    FoldResult fold;
};

/// Told of the connections a class made to an address, before it is named: for choosing the address family.
using NoteUse = std::function<void(std::uint16_t usage_class, const IpAddress& server, std::uint16_t port,
                                   std::uint64_t connections)>;

/// Control thread only. A bucket takes two steps, since each worker answers when it has turned over.
class UsageCollector {
public:
    UsageCollector(dataplane::Dataplane& dataplane, UsageStore& store, const Config& config, NameOf name_of,
                   NoteUse note_use);

    /// `epoch_s`: analytics clock. Orders a rotation when the bucket has ended (or `finish`: now, whatever the clock).
    void tick(std::int64_t epoch_s, bool finish = false);
    /// A worker has turned over; true when it was the last one and the bucket has been committed.
    bool ready(unsigned worker, const dataplane::UsageReady& report);
    [[nodiscard]] bool waiting() const noexcept { return waiting_ != 0; }
    [[nodiscard]] const CollectedBucket& last() const noexcept { return last_; }
    [[nodiscard]] std::uint64_t folded_rows() const noexcept { return folded_rows_; }
    [[nodiscard]] std::uint64_t dropped_rows() const noexcept { return dropped_rows_; }

private:
    void add_cells(const dataplane::UsageTable& table);

    dataplane::Dataplane& dataplane_;
    UsageStore& store_;
    const std::chrono::seconds bucket_;
    const unsigned min_group_;
    std::vector<std::string> class_names_;
    NameOf name_of_;
    NoteUse note_use_;
    std::int64_t open_ = -1;       ///< start of the bucket being counted
    std::int64_t counting_from_ = 0;
    std::uint32_t epoch_ = 1;
    unsigned waiting_ = 0;         ///< workers that have yet to turn over
    std::int64_t closing_ = 0, closing_observed_ = 0;
    std::vector<UsageCell> cells_;
    CollectedBucket last_;
    std::uint64_t folded_rows_ = 0, dropped_rows_ = 0;
};

} // namespace foregate::control
