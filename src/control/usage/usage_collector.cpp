// SPDX-License-Identifier: BSD-3-Clause
#include "control/usage/usage_collector.h"

#include <bit>
#include <random>

namespace foregate::control {

UsageCollector::UsageCollector(dataplane::Dataplane& dataplane, UsageStore& store, const Config& config,
                               NameOf name_of, NoteUse note_use)
    : dataplane_(dataplane), store_(store), bucket_(config.analytics.bucket), min_group_(config.analytics.min_group),
      name_of_(std::move(name_of)), note_use_(std::move(note_use)) {
    for (const ClassConfig& usage_class : config.classes) {
        class_names_.push_back(usage_class.name);
    }
}

void UsageCollector::tick(std::int64_t epoch_s, bool finish) {
    const std::int64_t bucket = AnalyticsClock::bucket_start(epoch_s, bucket_);
    if (open_ < 0) {
        open_ = bucket;
        counting_from_ = epoch_s;
        return;
    }
    if (waiting_ != 0 || (bucket == open_ && !finish)) {
        return;
    }
    closing_ = open_;
    closing_observed_ = std::min(epoch_s, open_ + bucket_.count()) - counting_from_;
    open_ = bucket;
    counting_from_ = epoch_s;
    ++epoch_;
    cells_.clear();
    std::random_device random; // the old salt is forgotten here: two buckets' sketches cannot be joined
    const std::uint64_t salt = (static_cast<std::uint64_t>(random()) << 32) | random();
    for (unsigned worker = 0; worker < dataplane_.worker_count(); ++worker) {
        if (dataplane_.post(worker, dataplane::RotateUsage{epoch_, salt})) {
            ++waiting_;
        }
    }
}

bool UsageCollector::ready(unsigned worker, const dataplane::UsageReady& report) {
    if (waiting_ == 0 || report.epoch != epoch_) {
        return false;
    }
    dataplane::UsageTable& table = dataplane_.usage_table(worker, report.table);
    add_cells(table);
    table.clear();
    if (--waiting_ != 0) {
        return false;
    }
    last_.start = closing_;
    last_.observed_s = std::max<std::int64_t>(closing_observed_, 0);
    last_.fold = fold_usage(cells_, closing_, class_names_, min_group_);
    folded_rows_ += last_.fold.folded_rows;
    dropped_rows_ += last_.fold.dropped_rows;
    store_.commit(closing_, std::chrono::seconds(last_.observed_s), last_.fold.records);
    cells_.clear();
    return true;
}

void UsageCollector::add_cells(const dataplane::UsageTable& table) {
    for (const dataplane::UsageCellData& from : table.cells()) {
        if (!from.in_use) {
            continue;
        }
        UsageCell cell;
        cell.usage_class = from.key.usage_class;
        cell.app = from.key.app;
        const bool overflow = from.key.server == IpAddress{};
        cell.destination = overflow ? kOtherDestination : name_of_(from.key.server, from.key.port);
        if (!overflow && from.connections != 0) {
            note_use_(from.key.usage_class, from.key.server, from.key.port, from.connections);
        }
        cell.bytes_up = from.bytes_up;
        cell.bytes_down = from.bytes_down;
        cell.packets_up = from.packets_up;
        cell.packets_down = from.packets_down;
        cell.new_connections = from.connections;
        cell.failed_connections = from.failed;
        cell.sketch = from.desktops.bits;
        cells_.push_back(std::move(cell));
    }
}

} // namespace foregate::control
