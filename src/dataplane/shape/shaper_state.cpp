// SPDX-License-Identifier: BSD-3-Clause
// Who is ready, and for what. Membership is lazy: whoever stops being ready is left where it stands
// and taken out when its turn comes; whoever becomes ready is put in if it is not there.
#include "dataplane/shape/shaper.h"

#include <algorithm>

namespace foregate::dataplane {

uint32_t Shaper::find_queue(uint32_t pipe, uint32_t allotment) noexcept {
    uint32_t q = pipes_[pipe].first_queue;
    while (q != kNoQueue && queues_[q].allotment != allotment) {
        q = queues_[q].next_of_pipe;
    }
    return q != kNoQueue ? q : new_queue(pipe, allotment);
}

uint32_t Shaper::new_queue(uint32_t pipe_id, uint32_t allotment) noexcept {
    const uint32_t id = unused_queues_ != 0 ? --unused_queues_ : idle_queue();
    if (id == kNoQueue) {
        return kNoQueue;
    }
    FlowQueue& queue = queues_[id];
    queue.reset();
    queue.pipe = pipe_id;
    queue.allotment = allotment;
    Pipe& pipe = pipes_[pipe_id];
    const bool goes_first = allotment == 0 || pipe.first_queue == kNoQueue;
    uint32_t& link = goes_first ? pipe.first_queue : queues_[pipe.first_queue].next_of_pipe;
    queue.next_of_pipe = link;
    link = id;
    if (pipe.cursor == kNoQueue) {
        pipe.cursor = id;
    }
    return id;
}

// A queue that nobody needs at the moment; looks at a few only, so that a full house costs little.
uint32_t Shaper::idle_queue() noexcept {
    constexpr unsigned kLooks = 64;
    const auto count = static_cast<uint32_t>(queues_.size());
    for (unsigned look = 0; look < kLooks; ++look) {
        const uint32_t id = reclaim_at_;
        reclaim_at_ = id + 1 == count ? 0 : id + 1;
        if (queues_[id].packets() == 0) {
            if (queues_[id].in_allotment_ring) {
                allotment_remove(allotments_[queues_[id].allotment], id);
            }
            unlink_from_pipe(id);
            return id;
        }
    }
    return kNoQueue;
}

void Shaper::unlink_from_pipe(uint32_t id) noexcept {
    Pipe& pipe = pipes_[queues_[id].pipe];
    uint32_t* link = &pipe.first_queue;
    while (*link != id) {
        link = &queues_[*link].next_of_pipe;
    }
    *link = queues_[id].next_of_pipe;
    if (pipe.cursor == id) {
        pipe.cursor = pipe.first_queue;
    }
}

// The queue has packets and its pipe is below its ceiling: let its floor or allotment know.
void Shaper::queue_ready(uint32_t id, Ticks now) noexcept {
    FlowQueue& queue = queues_[id];
    if (queue.allotment == 0) {
        Pipe& pipe = pipes_[queue.pipe];
        if (pipe.floor.limited()) {
            join_floor(queue.pipe, pipe.floor_time, now);
        }
        return;
    }
    Allotment& allotment = allotments_[queue.allotment];
    if (!queue.in_allotment_ring) {
        queue.allotment_deficit = static_cast<int32_t>(settings_.quantum_bytes);
        allotment_append(allotment, id);
    }
    if (allotment.rate.limited()) {
        join_floor(max_pipes() + queue.allotment, allotment.floor_time, now);
    }
}

// The pipe has packets and is not parked: count it, or park it if it has just used up its ceiling.
void Shaper::pipe_ready(uint32_t id, IdRing& ring, Ticks now) noexcept {
    Pipe& pipe = pipes_[id];
    if (pipe.ceiling.limited() && pipe.ceiling_time > now) {
        pipe.parked = true;
        wheel_.park(id, pipe.ceiling_time);
        return;
    }
    ++ready_pipes_;
    if (!pipe.in_ring) {
        pipe.in_ring = true;
        pipe.deficit = static_cast<int32_t>(settings_.quantum_bytes * pipe.weight);
        ring.append(id);
    }
}

// Off the wheel already. It goes behind the old ones: waiting at a ceiling earns no precedence.
void Shaper::unpark(uint32_t id, Ticks now) noexcept {
    Pipe& pipe = pipes_[id];
    pipe.parked = false;
    if (pipe.backlog_packets == 0) {
        return;
    }
    const int32_t deficit = pipe.deficit;
    pipe_ready(id, old_pipes_, now);
    pipe.deficit = deficit;
    if (pipe.parked) {
        return;
    }
    for (uint32_t q = pipe.first_queue; q != kNoQueue; q = queues_[q].next_of_pipe) {
        if (queues_[q].packets() != 0) {
            queue_ready(q, now);
        }
    }
}

// A floor that was idle may have saved up its burst, no more; while guarantees lag behind, it joins
// where the others are, so that it neither overtakes them nor waits until they have caught up.
void Shaper::join_floor(uint32_t group, Ticks& floor_time, Ticks now) noexcept {
    const Ticks guarantee = guarantee_time(now);
    Ticks earliest = guarantee - floor_burst_;
    if (floors_lag_) {
        earliest = std::clamp(last_floor_time_, guarantee - 2 * floor_burst_, earliest);
    }
    if (floors_.contains(group)) {
        if (floor_time < earliest) {
            floor_time = earliest;
            floors_.change(group, floor_time);
        }
        return;
    }
    floor_time = std::max(floor_time, earliest);
    floors_.push(group, floor_time);
}

uint32_t Shaper::floor_queue(const Pipe& pipe) const noexcept {
    if (!pipe.ready()) {
        return kNoQueue;
    }
    const FlowQueue& first = queues_[pipe.first_queue];
    return first.allotment == 0 && first.packets() != 0 ? pipe.first_queue : kNoQueue;
}

uint32_t Shaper::allotment_queue(Allotment& allotment) noexcept {
    while (allotment.ring_head != kNoQueue) {
        const uint32_t id = allotment.ring_head;
        FlowQueue& queue = queues_[id];
        if (queue.packets() == 0 || pipes_[queue.pipe].parked) {
            allotment_remove(allotment, id);
        } else if (queue.allotment_deficit <= 0) {
            queue.allotment_deficit += static_cast<int32_t>(settings_.quantum_bytes);
            allotment_remove(allotment, id);
            allotment_append(allotment, id);
        } else {
            return id;
        }
    }
    return kNoQueue;
}

// The group stands at the top of the heap.
void Shaper::charge_floor(uint32_t group, uint32_t bytes, Ticks now) noexcept {
    const bool is_pipe = group < pipes_.size();
    Ticks& floor_time =
        is_pipe ? pipes_[group].floor_time : allotments_[group - max_pipes()].floor_time;
    const Pace& pace = is_pipe ? pipes_[group].floor : allotments_[group - max_pipes()].rate;
    const Ticks guarantee = guarantee_time(now);
    const Ticks most_behind = guarantee - 2 * floor_burst_;
    if (floor_time < most_behind) {
        slip_ += most_behind - floor_time; // more is promised than the port can give
    }
    last_floor_time_ = floor_time;
    floors_lag_ = floor_time < guarantee_time(now) - floor_burst_;
    floor_time += pace.cost(bytes);
    floors_.change(group, floor_time);
}

// The pipe has a packet in one of its queues.
uint32_t Shaper::excess_queue(Pipe& pipe) noexcept {
    for (;;) {
        FlowQueue& queue = queues_[pipe.cursor];
        if (queue.packets() != 0) {
            if (queue.excess_deficit > 0) {
                return pipe.cursor;
            }
            queue.excess_deficit += static_cast<int32_t>(settings_.quantum_bytes);
        } else {
            queue.excess_deficit = 0;
        }
        pipe.cursor = queue.next_of_pipe != kNoQueue ? queue.next_of_pipe : pipe.first_queue;
    }
}

// Whoever comes next in excess is likely to be cold: its pipe is loaded some places ahead, its
// queue when the pipe has arrived.
void Shaper::prefetch_excess(const IdRing& ring) const noexcept {
    constexpr uint32_t kPipesAhead = 6;
    constexpr uint32_t kQueuesAhead = 3;
    if (ring.size() > kPipesAhead) {
        prefetch(ring.at(kPipesAhead));
        const uint32_t queue = pipes_[ring.at(kQueuesAhead)].cursor;
        if (queue != kNoQueue) {
            queues_[queue].prefetch_next();
        }
    }
}

void Shaper::allotment_append(Allotment& allotment, uint32_t id) noexcept {
    FlowQueue& queue = queues_[id];
    queue.in_allotment_ring = true;
    queue.next_of_allotment = kNoQueue;
    queue.previous_of_allotment = allotment.ring_tail;
    uint32_t& link = allotment.ring_tail == kNoQueue
                         ? allotment.ring_head
                         : queues_[allotment.ring_tail].next_of_allotment;
    link = id;
    allotment.ring_tail = id;
}

void Shaper::allotment_remove(Allotment& allotment, uint32_t id) noexcept {
    FlowQueue& queue = queues_[id];
    queue.in_allotment_ring = false;
    const uint32_t next = queue.next_of_allotment;
    const uint32_t previous = queue.previous_of_allotment;
    (previous == kNoQueue ? allotment.ring_head : queues_[previous].next_of_allotment) = next;
    (next == kNoQueue ? allotment.ring_tail : queues_[next].previous_of_allotment) = previous;
}

} // namespace foregate::dataplane
