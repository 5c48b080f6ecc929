// SPDX-License-Identifier: BSD-3-Clause
// What is fixed when a port's scheduler is built, what may change while it runs, and the names of
// what can happen to a packet. Plain values only; no thread owns them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace foregate::dataplane {

// How a packet is counted, and for `control` also how it is served.
enum class TrafficClass : uint8_t { control, allotted, regular };
inline constexpr std::size_t kTrafficClasses = 3;
inline constexpr std::array<std::string_view, kTrafficClasses> kTrafficClassNames{
    "control", "allotted", "regular"};

// Why the scheduler gave a packet up. `codel`, `queue_limit` and `pool_share` are packets that were
// queued and go to the drop sink; the others are refused by enqueue() and stay the caller's.
enum class ShapeDrop : uint8_t {
    none,
    codel,         // the queue's delay stood above the target (RFC 8289)
    queue_limit,   // the queue was at its own limit; the head of its longest flow went
    pool_share,    // the desktop was at its share of the free slots; likewise
    pool_full,     // no slot, and nothing of this desktop's own to give up
    queues_full,   // no queue left for a new (desktop, allotment)
    control_limit, // the control lane was full
    bad_request    // an id out of range, or a length that is 0 or too large
};
inline constexpr std::size_t kShapeDrops = 8;
inline constexpr std::array<std::string_view, kShapeDrops> kShapeDropNames{
    "none",      "codel",       "queue_limit",   "pool_share",
    "pool_full", "queues_full", "control_limit", "bad_request"};

// Called on the scheduler's own core, inside enqueue() or dequeue(), for each packet that was
// queued and is given up. The packet is the callee's from then on. Must not call the scheduler.
using DropSink = void (*)(void* context, void* handle, ShapeDrop reason) noexcept;

// A desktop's rates. floor 0: nothing guaranteed. ceiling 0: only the port bounds it. A floor above
// the ceiling counts as the ceiling. Rates below 1 kbit/s count as 1 kbit/s. The weight (1..256,
// clamped) divides what is left after the guarantees.
struct PipeRates {
    uint64_t floor_bps = 0;
    uint64_t ceiling_bps = 0;
    uint32_t weight = 1;

    bool operator==(const PipeRates&) const = default;
};

struct ShaperSettings {
    uint64_t link_rate_bps = 0;    // 0: no pacing
    uint32_t max_pipes = 1024;     // ids 0..max_pipes-1; pipe 0 is the traffic of nobody
    uint32_t max_allotments = 256; // ids 1..max_allotments-1; 0 is "none"
    uint32_t max_queues = 0;       // 0: max_pipes + max(256, max_pipes / 16)
    uint32_t slots = 65536;        // packets that can stand here in all
    uint32_t queue_limit_packets = 1000;
    uint32_t queue_limit_bytes = 2'000'000;
    uint32_t control_limit_packets = 256; // slots kept for the control lane
    uint32_t control_share_percent = 10;  // of the port's rate, 1..100
    uint32_t frame_overhead_bytes = 0;    // added to each length for pacing (24 on real Ethernet)
    uint32_t quantum_bytes = 1514;        // of all round robins; a pipe's is times its weight
    uint64_t codel_target_ns = 5'000'000;
    uint64_t codel_interval_ns = 100'000'000;
    uint64_t port_burst_ns = 200'000;      // what a late poll of the port may catch up
    uint64_t ceiling_burst_ns = 1'000'000; // what a late poll of a ceiling may catch up
    uint64_t floor_burst_ns = 20'000'000;  // guaranteed rate an idle floor or allotment may save up
    DropSink drop_sink = nullptr;          // required
    void* drop_context = nullptr;
};

} // namespace foregate::dataplane
