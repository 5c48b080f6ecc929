// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/shape/shape_stats.h"

#include <algorithm>
#include <cmath>

namespace foregate::dataplane {

double delay_quantile_us(const DelayCounts& counts, double quantile) {
    uint64_t total = 0;
    for (const uint64_t count : counts) {
        total += count;
    }
    if (total == 0) {
        return 0.0;
    }
    const double wanted = std::clamp(quantile, 0.0, 1.0) * static_cast<double>(total);
    double below = 0.0;
    for (std::size_t b = 0; b < kDelayBuckets; ++b) {
        const double here = static_cast<double>(counts[b]);
        if (here > 0.0 && below + here >= wanted) {
            const double from = b == 0 ? 0.0 : std::ldexp(1.0, static_cast<int>(b) - 1);
            const double to = std::ldexp(1.0, static_cast<int>(b));
            return from + (to - from) * (wanted - below) / here;
        }
        below += here;
    }
    return std::ldexp(1.0, static_cast<int>(kDelayBuckets));
}

ClassSnapshot snapshot_of(const ClassCounters& counters) {
    ClassSnapshot copy;
    copy.packets_in = counters.packets_in.get();
    copy.packets_sent = counters.packets_sent.get();
    copy.bytes_sent = counters.bytes_sent.get();
    copy.backlog_packets = counters.backlog_packets.get();
    copy.backlog_bytes = counters.backlog_bytes.get();
    for (std::size_t i = 0; i < kShapeDrops; ++i) {
        copy.dropped[i] = counters.dropped[i].get();
    }
    for (std::size_t i = 0; i < kDelayBuckets; ++i) {
        copy.delay[i] = counters.delay[i].get();
    }
    return copy;
}

ShareSnapshot snapshot_of(const SentCounters& sent, const HeldCounters& held) {
    return {sent.guaranteed_bytes.get(), sent.excess_bytes.get(), held.dropped_packets.get(), held.backlog_bytes.get()};
}

} // namespace foregate::dataplane
