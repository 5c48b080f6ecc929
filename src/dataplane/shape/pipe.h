// SPDX-License-Identifier: BSD-3-Clause
// What the scheduler keeps of a desktop (pipe) and of a lease (allotment). The scheduler's core
// alone reads and writes them, but the counters may be read by any thread.
#pragma once

#include <atomic>
#include <cstdint>

#include "dataplane/shape/flow_queue.h"
#include "dataplane/shape/pace.h"
#include "dataplane/shape/shape_stats.h"

namespace foregate::dataplane {

// The times are virtual clocks (Zhang, "Virtual Clock", SIGCOMM 1990): each packet moves a clock on
// by the time it takes at the clock's rate, and the clock says when the next one may go.
struct alignas(64) Pipe {
    // The first line is all that a packet touches that need not wait.
    Ticks ceiling_time = 0; // nothing leaves before; at most the ceiling's burst behind now
    Pace ceiling;
    Ticks floor_time = 0; // in guarantee time; equals the heap's key while it stands there
    Pace floor;
    SentCounters sent;
    uint32_t backlog_packets = 0;
    int32_t deficit = 0;             // bytes, excess round robin
    uint32_t first_queue = kNoQueue; // the unallotted one is first if it exists
    uint16_t weight = 1;
    bool in_ring = false; // in one of the excess rings
    bool parked = false;  // on the wheel: at its ceiling

    HeldCounters held;
    uint32_t cursor = kNoQueue; // the queue whose turn it is in excess
    CodelTime codel_target = 0;
    uint64_t floor_bps = 0;
    uint64_t ceiling_bps = 0;

    bool ready() const noexcept { return backlog_packets != 0 && !parked; }
};
static_assert(sizeof(Pipe) == 128, "two cache lines; the budget of 65,536 desktops counts on it");

struct alignas(64) Allotment {
    Ticks floor_time = 0;
    Pace rate;
    uint32_t ring_head = kNoQueue; // queues that may have packets and a pipe below its ceiling
    uint32_t ring_tail = kNoQueue;
    uint64_t rate_bps = 0;
    SentCounters sent;
    HeldCounters held;
};

} // namespace foregate::dataplane
