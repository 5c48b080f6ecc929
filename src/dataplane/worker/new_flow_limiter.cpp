// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/worker/new_flow_limiter.h"

#include <algorithm>
#include <bit>

namespace foregate::dataplane {

namespace {

constexpr std::uint32_t kLeastEntries = 1024;

} // namespace

NewFlowLimiter::NewFlowLimiter(const NewFlowLimits& limits, unsigned desktops, std::uint32_t flow_places,
                               std::uint64_t seed)
    : limits_(limits), seed_(seed) {
    if (limits_.per_second != 0) {
        ns_per_flow_ = 1'000'000'000ULL / limits_.per_second;
        burst_ns_ = (std::max(limits_.burst, 1U) - 1) * ns_per_flow_;
    }
    // Twice as many places as desktops: each may have an address of both families.
    shared_ = std::bit_ceil(std::max(desktops, kWays) * 2);
    rows_.resize(shared_ + 1U);
    fullest_ = shared_;
    if (limits_.half_open != 0) {
        entries_.resize(std::max(flow_places / 8, kLeastEntries));
        for (std::uint32_t i = 0; i < entries_.size(); ++i) {
            entries_[i].next = i + 1 < entries_.size() ? i + 1 : kNone;
        }
        free_ = 0;
    }
}

std::uint32_t NewFlowLimiter::home_of(const IpAddress& desktop) const noexcept {
    return static_cast<std::uint32_t>(hash_address(desktop, seed_)) & (shared_ - 1);
}

NewFlowLimiter::Row* NewFlowLimiter::find(const IpAddress& desktop) noexcept {
    if (Row& last = rows_[last_]; last.used && last.desktop == desktop) {
        return &last;
    }
    const std::uint32_t home = home_of(desktop);
    for (unsigned step = 0; step < kWays; ++step) {
        Row& row = rows_[way_of(home, step)];
        if (row.used && row.desktop == desktop) {
            last_ = way_of(home, step);
            return &row;
        }
    }
    return nullptr;
}

NewFlowLimiter::Row& NewFlowLimiter::row_for(const IpAddress& desktop, std::uint64_t now_ns) noexcept {
    if (Row* row = find(desktop)) {
        return *row;
    }
    const std::uint32_t home = home_of(desktop);
    for (unsigned step = 0; step < kWays; ++step) {
        Row& row = rows_[way_of(home, step)];
        if (!row.used || (row.flows == 0 && row.used_until_ns <= now_ns)) {
            forget_half_open(row);
            row = Row{};
            row.desktop = desktop;
            row.used = true;
            return row;
        }
    }
    return rows_[shared_];
}

NewFlowLimiter::Answer NewFlowLimiter::admit(const IpAddress& desktop, std::uint64_t now_ns) noexcept {
    if (limits_.per_second == 0 && limits_.flows == 0) {
        return Answer::admit;
    }
    Row& row = row_for(desktop, now_ns);
    if (limits_.flows != 0 && row.flows >= limits_.flows) {
        return Answer::too_many;
    }
    if (limits_.per_second != 0) {
        row.used_until_ns = std::max(row.used_until_ns, now_ns);
        if (row.used_until_ns - now_ns > burst_ns_) {
            return Answer::too_fast;
        }
        row.used_until_ns += ns_per_flow_;
    }
    return Answer::admit;
}

void NewFlowLimiter::begun(const IpAddress& desktop, std::uint64_t now_ns) noexcept {
    if (limits_.flows == 0 && limits_.half_open == 0) {
        return;
    }
    Row& row = row_for(desktop, now_ns);
    if (&row != &rows_[shared_]) {
        ++row.flows;
    }
}

void NewFlowLimiter::ended(const IpAddress& desktop) noexcept {
    Row* row = find(desktop);
    if (row != nullptr && row->flows != 0) {
        --row->flows;
    }
}

void NewFlowLimiter::half_open(const IpAddress& desktop, std::uint32_t flow, std::uint32_t born_ms) noexcept {
    Row* row = find(desktop);
    if (limits_.half_open == 0 || row == nullptr || free_ == kNone) {
        return;
    }
    const std::uint32_t at = free_;
    free_ = entries_[at].next;
    entries_[at] = Entry{flow, born_ms, kNone};
    (row->tail == kNone ? row->head : entries_[row->tail].next) = at;
    row->tail = at;
    ++row->waiting;
    if (row->waiting > rows_[fullest_].waiting) {
        fullest_ = static_cast<std::uint32_t>(row - rows_.data());
    }
}

void NewFlowLimiter::take_oldest(Row& row) noexcept {
    const std::uint32_t at = row.head;
    row.head = entries_[at].next;
    if (row.head == kNone) {
        row.tail = kNone;
    }
    --row.waiting;
    entries_[at].next = free_;
    free_ = at;
}

/// All at once, whatever their number.
void NewFlowLimiter::forget_half_open(Row& row) noexcept {
    if (row.waiting != 0) {
        entries_[row.tail].next = free_;
        free_ = row.head;
    }
}

std::uint32_t NewFlowLimiter::flows_of(const IpAddress& desktop) const noexcept {
    const std::uint32_t home = home_of(desktop);
    for (unsigned step = 0; step < kWays; ++step) {
        const Row& row = rows_[way_of(home, step)];
        if (row.used && row.desktop == desktop) {
            return row.flows;
        }
    }
    return 0;
}

} // namespace foregate::dataplane
