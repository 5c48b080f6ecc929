// SPDX-License-Identifier: BSD-3-Clause
// A burst at the port. While nobody waits, a packet that may leave at once leaves at once: it is charged and counted
// as if it had been queued and chosen, and no queue is touched. As soon as one has to wait, the others queue behind it
// and the scheduler chooses.
#include <algorithm>

#include "dataplane/shape/shaper.h"

namespace foregate::dataplane {

ShapeOutcome Shaper::offer(std::span<const OfferedPacket> burst, void** straight, unsigned room, void** refused,
                           uint64_t now_ns) noexcept {
    for (const OfferedPacket& packet : burst) {
        prefetch(packet.pipe);
    }
    const Ticks now = clock_.at(now_ns);
    begin_turn(now);
    if (!nobody_waits()) {
        prefetch_for_queueing(burst);
    }
    ShapeOutcome outcome;
    StraightSums sums;
    for (const OfferedPacket& packet : burst) {
        if (outcome.straight < room && goes_straight(packet, now)) {
            charge_straight(packet, now);
            sums.count(packet);
            straight[outcome.straight++] = packet.handle;
        } else if (!enqueue_at(packet, now)) {
            refused[outcome.refused++] = packet.handle;
        }
    }
    add_straight(sums);
    return outcome;
}

// Parked pipes do not compete with anybody before their time.
bool Shaper::nobody_waits() const noexcept {
    return ready_pipes_ == 0 && control_.packets == 0;
}

// A desktop's packets pass each other in no case: while one of its own waits, so do those behind.
bool Shaper::goes_straight(const OfferedPacket& packet, Ticks now) const noexcept {
    if (!nobody_waits() || link_time_ > now || packet.pipe >= pipes_.size() || packet.allotment >= allotments_.size() ||
        packet.traffic_class == TrafficClass::control || packet.length - 1 >= most_length()) {
        return false;
    }
    const Pipe& pipe = pipes_[packet.pipe];
    return pipe.backlog_packets == 0 && pipe.ceiling_time <= now;
}

void Shaper::charge_straight(const OfferedPacket& packet, Ticks now) noexcept {
    Pipe& pipe = pipes_[packet.pipe];
    const uint32_t bytes = paced_bytes(packet.length);
    link_time_ += link_.cost(bytes);
    if (pipe.ceiling.limited()) {
        pipe.ceiling_time = std::max(pipe.ceiling_time, now - ceiling_burst_) + pipe.ceiling.cost(bytes);
    }
    if (packet.allotment == 0) {
        const bool guaranteed = charge_idle_floor(packet.pipe, pipe.floor_time, pipe.floor, bytes, now);
        (guaranteed ? pipe.sent.guaranteed_bytes : pipe.sent.excess_bytes).add(packet.length);
        return;
    }
    Allotment& allotment = allotments_[packet.allotment];
    const bool guaranteed =
        charge_idle_floor(max_pipes() + packet.allotment, allotment.floor_time, allotment.rate, bytes, now);
    (guaranteed ? pipe.sent.guaranteed_bytes : pipe.sent.excess_bytes).add(packet.length);
    (guaranteed ? allotment.sent.guaranteed_bytes : allotment.sent.excess_bytes).add(packet.length);
}

// join_floor() and charge_floor() of one that has no rival. False: it is above its rate, the packet is excess.
bool Shaper::charge_idle_floor(uint32_t group, Ticks& floor_time, Pace pace, uint32_t bytes, Ticks now) noexcept {
    if (!pace.limited()) {
        return false;
    }
    const Ticks guarantee = guarantee_time(now);
    floors_lag_ = false; // nobody with a guarantee waits
    const Ticks from = std::max(floor_time, guarantee - floor_burst_);
    if (from > guarantee) {
        return false;
    }
    floor_time = from + pace.cost(bytes);
    if (!floors_.empty() && floors_.contains(group)) {
        floors_.remove(group); // left there from a time when it was ready
    }
    return true;
}

void Shaper::add_straight(const StraightSums& sums) noexcept {
    for (std::size_t i = 0; i < kTrafficClasses; ++i) {
        if (sums.packets[i] != 0) {
            classes_[i].packets_in.add(sums.packets[i]);
            classes_[i].packets_sent.add(sums.packets[i]);
            classes_[i].bytes_sent.add(sums.bytes[i]);
            classes_[i].delay[0].add(sums.packets[i]);
        }
    }
}

// Two passes, so that the misses of a burst overlap: what the pipes' second lines say is needed for the queues.
void Shaper::prefetch_for_queueing(std::span<const OfferedPacket> burst) const noexcept {
    for (const OfferedPacket& packet : burst) {
        if (packet.pipe < pipes_.size()) {
            prefetch_line_to_write(reinterpret_cast<const char*>(&pipes_[packet.pipe]) + 64);
        }
    }
    for (const OfferedPacket& packet : burst) {
        if (packet.pipe < pipes_.size() && pipes_[packet.pipe].first_queue != kNoQueue) {
            queues_[pipes_[packet.pipe].first_queue].prefetch(packet.flow_hash);
        }
    }
}

} // namespace foregate::dataplane
