// SPDX-License-Identifier: BSD-3-Clause
// foregate's packet scheduler: one for each port, run by exactly one core. It paces the port to
// its rate, so that the queue of the path stands here, and decides who goes next.
//
// A *pipe* is a desktop: a floor (guaranteed), a ceiling (never exceeded) and a weight. An
// *allotment* is a lease for a destination: a guaranteed rate that all queues assigned to it share.
// A *queue* is the traffic of one pipe under one allotment, or under none; inside it flows are
// fair-queued under CoDel. The order of service:
//   1. the control lane (the gateway's own packets), within its share of the port;
//   2. what is guaranteed: floors (for a pipe's unallotted queue) and allotments, by virtual clock,
//      earliest first; a packet above its floor or allotment is not dropped, it goes on as
//   3. excess: deficit round robin over pipes by weight, and over the queues of a pipe;
//   4. control packets above their share, when nobody else wants the port.
// A pipe's ceiling bounds 2 and 3; a pipe that has reached it stands on a timing wheel.
// A packet that finds nobody waiting and may leave at once does so: it is charged and counted by the
// same rules, without a queue (offer()).
// If the guarantees add up to more than the port, their common clock runs slower than time, so that
// each gets the same part of what it was promised.
//
// Threads: everything is called on the owning core, except the functions under "any thread".
// Ownership: a packet belongs to the scheduler from enqueue() == true until it comes out of
// dequeue() or goes to the drop sink. All memory is taken at construction. Time is an argument, in
// nanoseconds of any steady clock. Errors: the constructor throws std::invalid_argument.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "dataplane/prefetch.h"
#include "dataplane/shape/flow_queue.h"
#include "dataplane/shape/id_ring.h"
#include "dataplane/shape/keyed_heap.h"
#include "dataplane/shape/pace.h"
#include "dataplane/shape/packet_slots.h"
#include "dataplane/shape/park_wheel.h"
#include "dataplane/shape/pipe.h"
#include "dataplane/shape/shape_settings.h"
#include "dataplane/shape/shape_stats.h"

namespace foregate::dataplane {

// A packet as it comes to the port; what is said of enqueue()'s arguments holds here.
struct OfferedPacket {
    void* handle = nullptr;
    uint32_t length = 0;
    uint32_t pipe = 0;
    uint32_t allotment = 0;
    uint32_t flow_hash = 0;
    TrafficClass traffic_class = TrafficClass::regular;
};

// How many of a burst leave at once, and how many stay the caller's.
struct ShapeOutcome {
    unsigned straight = 0;
    unsigned refused = 0;
};

class Shaper {
public:
    explicit Shaper(const ShaperSettings& settings);
    Shaper(const Shaper&) = delete;
    Shaper& operator=(const Shaper&) = delete;
    // Packets still queued go to the drop sink, uncounted.
    ~Shaper();

    // False: the packet stays the caller's, last_refusal() says why, and it is counted. `control`
    // packets go to the control lane; pipe, allotment and flow_hash are not looked at then. The two
    // other classes are told apart for counting only. A flow must keep to one allotment, or its
    // packets may pass each other.
    bool enqueue(void* handle, uint32_t length, uint32_t pipe, uint32_t allotment,
                 uint32_t flow_hash, TrafficClass traffic_class, uint64_t now_ns) noexcept;
    ShapeDrop last_refusal() const noexcept { return last_refusal_; }

    // A burst, in order. What may leave at once goes to `straight`, `room` packets at most, and is the
    // caller's to send, before what the next dequeue() returns; what is refused goes to `refused`, which
    // has room for the whole burst; the rest is queued.
    ShapeOutcome offer(std::span<const OfferedPacket> burst, void** straight, unsigned room, void** refused,
                       uint64_t now_ns) noexcept;

    // At most `max` packets that may leave now, in order; returns how many.
    unsigned dequeue(void** out, unsigned max, uint64_t now_ns) noexcept;

    // When dequeue() can next return something, if nothing is enqueued before: now_ns if at once,
    // UINT64_MAX if nothing is queued.
    uint64_t next_event_ns(uint64_t now_ns) noexcept;

    // Changes in place: nothing is rebuilt or dropped, what was borrowed or saved up stays as many
    // bytes as it was. Setting what is in force costs a comparison. False: no such id.
    bool set_pipe(uint32_t pipe, const PipeRates& rates, uint64_t now_ns) noexcept;
    bool set_allotment(uint32_t allotment, uint64_t rate_bps, uint64_t now_ns) noexcept;
    // What is queued under it is still sent, as excess.
    bool remove_allotment(uint32_t allotment, uint64_t now_ns) noexcept;
    void set_link_rate(uint64_t bps, uint64_t now_ns) noexcept;

    uint64_t backlog_packets() const noexcept { return backlog_packets_; }

    // Any thread.
    ClassSnapshot class_stats(TrafficClass traffic_class) const;
    ShareSnapshot pipe_stats(uint32_t pipe) const;           // zeros if there is no such id
    ShareSnapshot allotment_stats(uint32_t allotment) const; // likewise
    uint32_t max_pipes() const noexcept { return static_cast<uint32_t>(pipes_.size()); }
    uint32_t max_allotments() const noexcept { return static_cast<uint32_t>(allotments_.size()); }

private:
    struct ControlLane {
        uint32_t head = kNoPacketSlot;
        uint32_t tail = kNoPacketSlot;
        uint32_t packets = 0;
        Pace pace;
        Ticks time = 0;
    };

    // What went straight through in a burst; counted once, at its end.
    struct StraightSums {
        std::array<uint64_t, kTrafficClasses> packets{};
        std::array<uint64_t, kTrafficClasses> bytes{};
        void count(const OfferedPacket& packet) noexcept {
            const auto traffic_class = static_cast<std::size_t>(packet.traffic_class);
            ++packets[traffic_class];
            bytes[traffic_class] += packet.length;
        }
    };

    // shaper_burst.cpp: straight through, or into a queue
    bool nobody_waits() const noexcept;
    bool goes_straight(const OfferedPacket& packet, Ticks now) const noexcept;
    void charge_straight(const OfferedPacket& packet, Ticks now) noexcept;
    bool charge_idle_floor(uint32_t group, Ticks& floor_time, Pace pace, uint32_t bytes, Ticks now) noexcept;
    void add_straight(const StraightSums& sums) noexcept;
    void prefetch(uint32_t pipe) const noexcept {
        if (pipe < pipes_.size()) {
            prefetch_line_to_write(&pipes_[pipe]);
        }
    }
    void prefetch_for_queueing(std::span<const OfferedPacket> burst) const noexcept;

    // shaper.cpp: the way in and out
    void begin_turn(Ticks now) noexcept;
    bool enqueue_at(const OfferedPacket& packet, Ticks now) noexcept;
    bool refuse(ShapeDrop reason, TrafficClass traffic_class) noexcept;
    bool enqueue_control(void* handle, uint32_t length, Ticks now) noexcept;
    ShapeDrop make_room(Pipe& pipe, FlowQueue& queue, uint32_t length) noexcept;
    void drop_from_longest(uint32_t pipe) noexcept;
    void account_in(uint32_t slot) noexcept;
    void drop(FlowQueue& queue, uint32_t slot, ShapeDrop reason) noexcept;
    void leave_queue(FlowQueue& queue, uint32_t slot) noexcept;
    uint32_t next_packet(Ticks now) noexcept;
    uint32_t take_control(Ticks now) noexcept;
    uint32_t take_guaranteed(Ticks now) noexcept;
    uint32_t take_excess(Ticks now) noexcept;
    uint32_t take_from(FlowQueue& queue, Ticks now, bool guaranteed) noexcept;
    void* hand_out(uint32_t slot, Ticks now) noexcept;

    // shaper_state.cpp: who is ready, and for what
    uint32_t find_queue(uint32_t pipe, uint32_t allotment) noexcept;
    uint32_t new_queue(uint32_t pipe, uint32_t allotment) noexcept;
    uint32_t idle_queue() noexcept;
    void unlink_from_pipe(uint32_t queue) noexcept;
    void queue_ready(uint32_t queue, Ticks now) noexcept;
    void pipe_ready(uint32_t pipe, IdRing& ring, Ticks now) noexcept;
    void unpark(uint32_t pipe, Ticks now) noexcept;
    void join_floor(uint32_t group, Ticks& floor_time, Ticks now) noexcept;
    uint32_t floor_queue(const Pipe& pipe) const noexcept;
    uint32_t allotment_queue(Allotment& allotment) noexcept;
    void charge_floor(uint32_t group, uint32_t bytes, Ticks now) noexcept;
    uint32_t excess_queue(Pipe& pipe) noexcept;
    void prefetch_excess(const IdRing& ring) const noexcept;
    void allotment_append(Allotment& allotment, uint32_t queue) noexcept;
    void allotment_remove(Allotment& allotment, uint32_t queue) noexcept;
    Ticks guarantee_time(Ticks now) const noexcept { return now - slip_; }

    // shaper_rates.cpp: changes in place
    void change_floor(uint32_t group, Ticks& floor_time, Pace& pace, uint64_t bps,
                      Ticks now) noexcept;
    void change_ceiling(uint32_t pipe, uint64_t bps, Ticks now) noexcept;
    CodelTime codel_target(uint64_t ceiling_bps) const noexcept;

    uint32_t most_length() const noexcept {
        return kMaxPacketBytes - settings_.frame_overhead_bytes;
    }
    uint32_t paced_bytes(uint32_t length) const noexcept {
        return length + settings_.frame_overhead_bytes;
    }

    const ShaperSettings settings_;
    InnerClock clock_;
    Pace link_;
    uint64_t link_rate_bps_ = 0;
    Ticks link_time_ = 0; // the port is free from then on
    const Ticks port_burst_;
    const Ticks ceiling_burst_;
    const Ticks floor_burst_;
    CodelParams codel_;

    PacketSlots slots_;
    LargeTable<FlowQueue> queues_;
    LargeTable<Pipe> pipes_;
    LargeTable<Allotment> allotments_;
    KeyedHeap floors_; // groups: pipes by id, then allotments at max_pipes + id
    ParkWheel wheel_;
    IdRing new_pipes_; // excess: those that have just come alive, served first
    IdRing old_pipes_;
    ControlLane control_;

    Ticks slip_ = 0;            // how far guarantee time is behind time
    Ticks last_floor_time_ = 0; // of the last one served, while guarantees lag
    bool floors_lag_ = false;
    uint64_t backlog_packets_ = 0;
    uint32_t ready_pipes_ = 0;
    uint32_t unused_queues_ = 0; // queues_[0..unused) have never been used
    uint32_t reclaim_at_ = 0;
    ShapeDrop last_refusal_ = ShapeDrop::none;
    std::array<ClassCounters, kTrafficClasses> classes_;
};

} // namespace foregate::dataplane
