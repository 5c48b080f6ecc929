// SPDX-License-Identifier: BSD-3-Clause
// What a port's scheduler counts. One writer (the scheduler's core), any number of readers, who
// stop nobody: each counter is exact by itself, two counters need not be of the same moment.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "dataplane/shape/shape_settings.h"

namespace foregate::dataplane {

class OneWriterCounter {
public:
    void add(uint64_t n) noexcept { value_.store(get() + n, std::memory_order_relaxed); }
    void subtract(uint64_t n) noexcept { value_.store(get() - n, std::memory_order_relaxed); }
    uint64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<uint64_t> value_{0};
};

// Time spent here, in powers of two of a microsecond: bucket 0 is below 1 us, bucket b is from
// 2^(b-1) up to 2^b us, the last bucket has no end.
inline constexpr std::size_t kDelayBuckets = 28;
using DelayCounts = std::array<uint64_t, kDelayBuckets>;

constexpr std::size_t delay_bucket(uint64_t delay_us) {
    const auto width = static_cast<std::size_t>(std::bit_width(delay_us));
    return width < kDelayBuckets ? width : kDelayBuckets - 1;
}

// The delay that a share `quantile` (0..1) of the packets stayed within, in us, interpolated inside
// its bucket; 0 if nothing was counted.
double delay_quantile_us(const DelayCounts& counts, double quantile);

struct ClassCounters {
    OneWriterCounter packets_in;
    OneWriterCounter packets_sent;
    OneWriterCounter bytes_sent;
    OneWriterCounter backlog_packets;
    OneWriterCounter backlog_bytes;
    std::array<OneWriterCounter, kShapeDrops> dropped;
    std::array<OneWriterCounter, kDelayBuckets> delay;
};

// Of a pipe, or of an allotment: what has left, and what waits or was given up. Apart, since a packet
// that need not wait touches the first alone.
struct SentCounters {
    OneWriterCounter guaranteed_bytes; // sent under a floor or an allotment
    OneWriterCounter excess_bytes;     // sent with what was left
};
struct HeldCounters {
    OneWriterCounter dropped_packets;
    OneWriterCounter backlog_bytes;
};

// Plain copies for whoever shows or exports them.
struct ClassSnapshot {
    uint64_t packets_in = 0;
    uint64_t packets_sent = 0;
    uint64_t bytes_sent = 0;
    uint64_t backlog_packets = 0;
    uint64_t backlog_bytes = 0;
    std::array<uint64_t, kShapeDrops> dropped{}; // by ShapeDrop; refused ones count too
    DelayCounts delay{};
};

struct ShareSnapshot {
    uint64_t guaranteed_bytes = 0;
    uint64_t excess_bytes = 0;
    uint64_t dropped_packets = 0;
    uint64_t backlog_bytes = 0;
};

ClassSnapshot snapshot_of(const ClassCounters& counters);
ShareSnapshot snapshot_of(const SentCounters& sent, const HeldCounters& held);

} // namespace foregate::dataplane
