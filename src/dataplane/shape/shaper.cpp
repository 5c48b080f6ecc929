// SPDX-License-Identifier: BSD-3-Clause
// The way of a packet: in, chosen, out, or given up.
#include "dataplane/shape/shaper.h"

#include <algorithm>

namespace foregate::dataplane {

bool Shaper::refuse(ShapeDrop reason, TrafficClass traffic_class) noexcept {
    last_refusal_ = reason;
    ClassCounters& counters = classes_[static_cast<std::size_t>(traffic_class)];
    counters.packets_in.add(1);
    counters.dropped[static_cast<std::size_t>(reason)].add(1);
    return false;
}

void Shaper::account_in(uint32_t slot) noexcept {
    ClassCounters& counters = classes_[slots_[slot].traffic_class];
    counters.packets_in.add(1);
    counters.backlog_packets.add(1);
    counters.backlog_bytes.add(slots_[slot].length);
    ++backlog_packets_;
}

bool Shaper::enqueue(void* handle, uint32_t length, uint32_t pipe, uint32_t allotment, uint32_t flow_hash,
                     TrafficClass traffic_class, uint64_t now_ns) noexcept {
    return enqueue_at({handle, length, pipe, allotment, flow_hash, traffic_class}, clock_.at(now_ns));
}

bool Shaper::enqueue_at(const OfferedPacket& packet, Ticks now) noexcept {
    const auto [handle, length, pipe_id, allotment, flow_hash, traffic_class] = packet;
    if (length == 0 || length > most_length()) {
        return refuse(ShapeDrop::bad_request, traffic_class);
    }
    if (traffic_class == TrafficClass::control) {
        return enqueue_control(handle, length, now);
    }
    if (pipe_id >= pipes_.size() || allotment >= allotments_.size()) {
        return refuse(ShapeDrop::bad_request, traffic_class);
    }
    Pipe& pipe = pipes_[pipe_id];
    const uint32_t queue_id = find_queue(pipe_id, allotment);
    if (queue_id == kNoQueue) {
        pipe.held.dropped_packets.add(1);
        return refuse(ShapeDrop::queues_full, traffic_class);
    }
    FlowQueue& queue = queues_[queue_id];
    if (const ShapeDrop full = make_room(pipe, queue, length); full != ShapeDrop::none) {
        pipe.held.dropped_packets.add(1);
        return refuse(full, traffic_class);
    }

    const bool was_empty = queue.packets() == 0;
    const bool pipe_was_empty = pipe.backlog_packets == 0;
    const uint32_t slot = slots_.take(handle, length, traffic_class, now);
    queue.push(slots_, slot, flow_hash, static_cast<int32_t>(settings_.quantum_bytes));
    ++pipe.backlog_packets;
    pipe.held.backlog_bytes.add(length);
    if (allotment != 0) {
        allotments_[allotment].held.backlog_bytes.add(length);
    }
    account_in(slot);
    if (!pipe.parked) {
        if (pipe_was_empty) {
            pipe_ready(pipe_id, new_pipes_, now);
        }
        if (was_empty && !pipe.parked) {
            queue_ready(queue_id, now);
        }
    }
    return true;
}

bool Shaper::enqueue_control(void* handle, uint32_t length, Ticks now) noexcept {
    if (control_.packets >= settings_.control_limit_packets) {
        return refuse(ShapeDrop::control_limit, TrafficClass::control);
    }
    if (slots_.free_count() == 0) {
        return refuse(ShapeDrop::pool_full, TrafficClass::control);
    }
    const uint32_t slot = slots_.take(handle, length, TrafficClass::control, now);
    if (control_.tail == kNoPacketSlot) {
        control_.head = slot;
    } else {
        slots_[control_.tail].next = slot;
    }
    control_.tail = slot;
    ++control_.packets;
    account_in(slot);
    return true;
}

// A desktop gives up its own oldest packets, of its own longest flow, before it may have more than
// its limit or its share: a third of the pool if it is alone, less the fewer slots are free. (A
// threshold in proportion to what is free: Choudhury and Hahne, "Dynamic queue length thresholds
// for shared-memory packet switches", 1998.)
ShapeDrop Shaper::make_room(Pipe& pipe, FlowQueue& queue, uint32_t length) noexcept {
    while (queue.packets() != 0 && (queue.packets() >= settings_.queue_limit_packets ||
                                    queue.bytes() + length > settings_.queue_limit_bytes)) {
        drop(queue, queue.take_from_longest_flow(slots_), ShapeDrop::queue_limit);
    }
    const uint32_t reserved = settings_.control_limit_packets - control_.packets;
    const uint32_t free = slots_.free_count() > reserved ? slots_.free_count() - reserved : 0;
    if (pipe.backlog_packets != 0 && pipe.backlog_packets >= free / 2) {
        drop_from_longest(queue.pipe);
        return ShapeDrop::none;
    }
    return free == 0 ? ShapeDrop::pool_full : ShapeDrop::none;
}

void Shaper::drop_from_longest(uint32_t pipe) noexcept {
    uint32_t longest = pipes_[pipe].first_queue;
    for (uint32_t q = longest; q != kNoQueue; q = queues_[q].next_of_pipe) {
        longest = queues_[q].bytes() > queues_[longest].bytes() ? q : longest;
    }
    drop(queues_[longest], queues_[longest].take_from_longest_flow(slots_), ShapeDrop::pool_share);
}

// A packet is no longer in its queue; it was unlinked there already.
void Shaper::leave_queue(FlowQueue& queue, uint32_t slot) noexcept {
    const uint32_t length = slots_[slot].length;
    Pipe& pipe = pipes_[queue.pipe];
    pipe.held.backlog_bytes.subtract(length);
    if (queue.allotment != 0) {
        allotments_[queue.allotment].held.backlog_bytes.subtract(length);
    }
    if (--pipe.backlog_packets == 0 && !pipe.parked) {
        --ready_pipes_;
    }
}

void Shaper::drop(FlowQueue& queue, uint32_t slot, ShapeDrop reason) noexcept {
    leave_queue(queue, slot);
    const PacketSlot& packet = slots_[slot];
    ClassCounters& counters = classes_[packet.traffic_class];
    counters.dropped[static_cast<std::size_t>(reason)].add(1);
    counters.backlog_packets.subtract(1);
    counters.backlog_bytes.subtract(packet.length);
    pipes_[queue.pipe].held.dropped_packets.add(1);
    if (queue.allotment != 0) {
        allotments_[queue.allotment].held.dropped_packets.add(1);
    }
    --backlog_packets_;
    void* const handle = packet.handle;
    slots_.give_back(slot);
    settings_.drop_sink(settings_.drop_context, handle, reason);
}

void Shaper::begin_turn(Ticks now) noexcept {
    wheel_.advance(now, [&](uint32_t pipe) noexcept { unpark(pipe, now); });
    link_time_ = std::max(link_time_, now - port_burst_);
    if (backlog_packets_ == 0) { // then who stands in the heap is not ready, and comes back when it is
        floors_lag_ = false;
        constexpr int kMostForgotten = 32; // in a turn
        for (int i = 0; i < kMostForgotten && !floors_.empty(); ++i) {
            floors_.forget_one();
        }
    }
}

unsigned Shaper::dequeue(void** out, unsigned max, uint64_t now_ns) noexcept {
    const Ticks now = clock_.at(now_ns);
    begin_turn(now);
    unsigned count = 0;
    while (count < max && link_time_ <= now) {
        const uint32_t slot = next_packet(now);
        if (slot == kNoPacketSlot) {
            break;
        }
        link_time_ += link_.cost(paced_bytes(slots_[slot].length));
        out[count++] = hand_out(slot, now);
    }
    return count;
}

void* Shaper::hand_out(uint32_t slot, Ticks now) noexcept {
    const PacketSlot& packet = slots_[slot];
    ClassCounters& counters = classes_[packet.traffic_class];
    counters.packets_sent.add(1);
    counters.bytes_sent.add(packet.length);
    counters.backlog_packets.subtract(1);
    counters.backlog_bytes.subtract(packet.length);
    const uint64_t delay_us = ((now - packet.arrived) >> kTicksPerNsShift) / 1000;
    counters.delay[delay_bucket(delay_us)].add(1);
    --backlog_packets_;
    slots_.give_back(slot);
    return packet.handle;
}

uint32_t Shaper::next_packet(Ticks now) noexcept {
    if (control_.packets != 0 && control_.time <= now) {
        return take_control(now);
    }
    if (ready_pipes_ != 0) {
        const uint32_t guaranteed = take_guaranteed(now);
        if (guaranteed != kNoPacketSlot) {
            return guaranteed;
        }
        const uint32_t excess = take_excess(now);
        if (excess != kNoPacketSlot) {
            return excess;
        }
    } else {
        floors_lag_ = false;
    }
    return control_.packets != 0 ? take_control(now) : kNoPacketSlot;
}

uint32_t Shaper::take_control(Ticks now) noexcept {
    const uint32_t slot = control_.head;
    control_.head = slots_[slot].next;
    if (control_.head == kNoPacketSlot) {
        control_.tail = kNoPacketSlot;
    }
    --control_.packets;
    // What goes out above the share, on an idle port, is not held against it later.
    if (control_.time <= now) {
        control_.time = std::max(control_.time, now - port_burst_) +
                        control_.pace.cost(paced_bytes(slots_[slot].length));
    }
    return slot;
}

uint32_t Shaper::take_guaranteed(Ticks now) noexcept {
    while (!floors_.empty() && floors_.top_key() <= guarantee_time(now)) {
        const uint32_t group = floors_.top_id();
        const uint32_t queue_id = group < pipes_.size()
                                      ? floor_queue(pipes_[group])
                                      : allotment_queue(allotments_[group - pipes_.size()]);
        if (queue_id == kNoQueue) {
            floors_.pop(); // comes back by queue_ready()
            continue;
        }
        FlowQueue& queue = queues_[queue_id];
        const uint32_t slot = take_from(queue, now, true);
        const uint32_t bytes = paced_bytes(slots_[slot].length);
        if (queue.allotment != 0) {
            queue.allotment_deficit -= static_cast<int32_t>(bytes);
        }
        charge_floor(group, bytes, now);
        return slot;
    }
    floors_lag_ = false;
    return kNoPacketSlot;
}

uint32_t Shaper::take_excess(Ticks now) noexcept {
    while (!new_pipes_.empty() || !old_pipes_.empty()) {
        const bool from_new = !new_pipes_.empty();
        IdRing& ring = from_new ? new_pipes_ : old_pipes_;
        const uint32_t pipe_id = ring.at(0);
        prefetch_excess(ring);
        Pipe& pipe = pipes_[pipe_id];
        if (!pipe.ready()) {
            ring.take_first();
            if (from_new && !pipe.parked) {
                old_pipes_.append(pipe_id); // once through the old ones, as flows do
            } else {
                pipe.in_ring = false;
            }
            continue;
        }
        if (pipe.deficit <= 0) {
            pipe.deficit += static_cast<int32_t>(settings_.quantum_bytes * pipe.weight);
            ring.take_first();
            old_pipes_.append(pipe_id);
            continue;
        }
        FlowQueue& queue = queues_[excess_queue(pipe)];
        const uint32_t slot = take_from(queue, now, false);
        const auto bytes = static_cast<int32_t>(paced_bytes(slots_[slot].length));
        pipe.deficit -= bytes;
        queue.excess_deficit -= bytes;
        return slot;
    }
    return kNoPacketSlot;
}

// The queue has a packet, and its pipe is below its ceiling.
uint32_t Shaper::take_from(FlowQueue& queue, Ticks now, bool guaranteed) noexcept {
    Pipe& pipe = pipes_[queue.pipe];
    CodelParams codel = codel_;
    codel.target = pipe.codel_target;
    const uint32_t slot =
        queue.pop(slots_, codel, now, static_cast<int32_t>(settings_.quantum_bytes),
                  [&](uint32_t given_up) noexcept { drop(queue, given_up, ShapeDrop::codel); });
    leave_queue(queue, slot);
    const uint32_t length = slots_[slot].length;
    const auto add_sent = [&](SentCounters& counters) {
        (guaranteed ? counters.guaranteed_bytes : counters.excess_bytes).add(length);
    };
    add_sent(pipe.sent);
    if (queue.allotment != 0) {
        add_sent(allotments_[queue.allotment].sent);
    }
    if (pipe.ceiling.limited()) {
        pipe.ceiling_time = std::max(pipe.ceiling_time, now - ceiling_burst_) +
                            pipe.ceiling.cost(paced_bytes(length));
        if (pipe.ceiling_time > now && pipe.backlog_packets != 0) {
            pipe.parked = true;
            --ready_pipes_;
            wheel_.park(queue.pipe, pipe.ceiling_time);
        }
    }
    return slot;
}

} // namespace foregate::dataplane
