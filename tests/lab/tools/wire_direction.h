// SPDX-License-Identifier: BSD-3-Clause
// One direction of the delay line: a drop-tail queue in front of a link of a given rate, then a
// propagation delay, with random loss before and random reordering after. Pure: it holds slot
// numbers and lengths, not frames, and never reads a clock; times are nanoseconds of one clock of
// the caller's. One thread.
//
// The link is computed, not waited for: a frame's departure is max(arrival, previous departure) +
// bits / rate, so a late wake-up of the process shifts nothing but the one hand-over that was late.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <queue>
#include <random>
#include <vector>

namespace foregate::lab {

struct WireParameters {
    std::uint64_t delay_ns = 20'000'000;
    double loss = 0;    ///< probability that a frame is dropped at the entrance
    double reorder = 0; ///< probability that a frame gets the extra delay and may be overtaken
    std::uint64_t reorder_extra_ns = 5'000'000;
    std::uint64_t rate_bps =
        0; ///< Ethernet frame bits (without FCS, preamble, gap); 0: no limit, no queue
    std::uint64_t queue_bytes = 0; ///< drop-tail limit; 0: taken from queue_ns at the present rate
    std::uint64_t queue_ns = 100'000'000;
    bool cut = false; ///< true: every frame is dropped (the cable is out)
};

struct WireStatistics {
    std::uint64_t frames_in = 0, bytes_in = 0, frames_out = 0, bytes_out = 0;
    std::uint64_t lost = 0, cut = 0, queue_full = 0, reordered = 0;
    std::uint64_t too_long = 0, send_failed = 0, socket_dropped = 0;
    std::uint64_t queue_max_bytes = 0;
    std::uint64_t late_max_ns = 0, late_over_1ms = 0; ///< hand-overs later than their due time
};

struct WireFrame {
    std::int64_t due_ns;
    std::uint64_t order;
    std::uint32_t slot;
    std::uint32_t bytes;
};

class WireDirection {
public:
    WireDirection(WireParameters parameters, std::uint64_t seed);

    /// Takes the frame in `slot`; false: it was dropped (and counted), the slot stays the caller's.
    /// `arrival_ns` must not decrease from call to call by more than the kernel's stamps do; it is
    /// clamped.
    bool offer(std::uint32_t slot, std::uint32_t bytes, std::int64_t arrival_ns);
    /// The next frame whose time has come at `now_ns`, in order of due time; the slot goes back to
    /// the caller.
    std::optional<WireFrame> take_due(std::int64_t now_ns);
    /// When take_due() will next have something, if nothing else arrives.
    std::optional<std::int64_t> next_due_ns() const;

    /// From `now_ns` on; what already left the queue keeps its delay.
    void set_parameters(const WireParameters& parameters, std::int64_t now_ns);
    const WireParameters& parameters() const { return parameters_; }
    std::uint64_t queued_bytes() const { return queued_bytes_; }
    WireStatistics statistics;

private:
    struct Waiting {
        std::uint32_t slot;
        std::uint32_t bytes;
        std::int64_t arrival_ns;
    };
    struct Later {
        bool operator()(const WireFrame& a, const WireFrame& b) const {
            return a.due_ns != b.due_ns ? a.due_ns > b.due_ns : a.order > b.order;
        }
    };

    std::int64_t departure_ns(const Waiting& frame) const;
    std::uint64_t queue_limit_bytes() const;
    void advance(std::int64_t now_ns);
    void propagate(std::uint32_t slot, std::uint32_t bytes, std::int64_t departure);
    bool happens(double probability);

    WireParameters parameters_;
    std::mt19937_64 random_;
    std::deque<Waiting> queue_;
    std::uint64_t queued_bytes_ = 0;
    std::int64_t link_free_ns_ = 0;
    std::int64_t last_arrival_ns_ = 0;
    std::int64_t last_in_order_due_ns_ = 0;
    std::uint64_t order_ = 0;
    std::priority_queue<WireFrame, std::vector<WireFrame>, Later> flying_;
};

} // namespace foregate::lab
