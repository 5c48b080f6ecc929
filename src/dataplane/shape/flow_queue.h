// SPDX-License-Identifier: BSD-3-Clause
// One queue of the scheduler: the packets of one (pipe, allotment), fair-queued by flow. Flows are
// hashed to eight sub-queues that are served by deficit round robin, those that have just come
// alive first, each under CoDel: FQ-CoDel, RFC 8290, section 4. Packets of one flow leave in the
// order they came. 320 bytes; packets are linked by slot number. One thread.
#pragma once

#include <array>
#include <cstdint>

#include "dataplane/prefetch.h"
#include "dataplane/shape/codel.h"
#include "dataplane/shape/packet_slots.h"

namespace foregate::dataplane {

inline constexpr uint32_t kNoQueue = UINT32_MAX;

class alignas(64) FlowQueue {
public:
    static constexpr uint32_t kFlows = 8;

    // Where the queue belongs: written by the scheduler alone.
    uint32_t pipe = 0;
    uint32_t allotment = 0;
    uint32_t next_of_pipe = kNoQueue;      // the pipe's queues, a short list
    uint32_t next_of_allotment = kNoQueue; // the allotment's round robin
    uint32_t previous_of_allotment = kNoQueue;
    int32_t excess_deficit = 0;    // bytes, round robin among the pipe's queues
    int32_t allotment_deficit = 0; // bytes, round robin among the allotment's queues
    bool in_allotment_ring = false;

    uint32_t packets() const noexcept { return packets_; }
    uint32_t bytes() const noexcept { return bytes_; }

    // Forgets all state; the queue must be empty.
    void reset() noexcept;

    void push(PacketSlots& slots, uint32_t slot, uint32_t flow_hash, int32_t quantum) noexcept;

    // The next packet by the rules above, or kNoPacketSlot if the queue is empty. drop(slot) is
    // called for each packet CoDel gives up (already unlinked and no longer counted here).
    template <class Drop>
    uint32_t pop(PacketSlots& slots, const CodelParams& codel, Ticks now, int32_t quantum,
                 Drop drop) noexcept;

    // Unlinks the oldest packet of the flow with the most bytes; kNoPacketSlot if the queue is
    // empty.
    uint32_t take_from_longest_flow(PacketSlots& slots) noexcept;

    // Load what a push of this flow, or the next pop, will need.
    void prefetch(uint32_t flow_hash) const noexcept {
        prefetch_line_to_write(this);
        prefetch_line_to_write(&flows_[flow_of(flow_hash)]);
    }
    void prefetch_next() const noexcept {
        prefetch_line_to_write(this);
        prefetch_line_to_write(&flows_[0]);
    }

private:
    static constexpr uint8_t kNoFlow = UINT8_MAX;
    struct Flow {
        uint32_t head = kNoPacketSlot;
        uint32_t tail = kNoPacketSlot;
        uint32_t bytes = 0;
        int32_t deficit = 0;
        CodelState codel;
    };
    struct FlowList {
        uint8_t head = kNoFlow;
        uint8_t tail = kNoFlow;
    };

    // Multiplied so that any hash will do, also one with constant low bits.
    static uint8_t flow_of(uint32_t flow_hash) noexcept {
        return static_cast<uint8_t>((flow_hash * 2654435761U) >> 29);
    }
    void append(FlowList& list, uint8_t flow) noexcept;
    void take_first(FlowList& list) noexcept;
    uint32_t unlink_head(PacketSlots& slots, Flow& flow) noexcept;

    uint32_t packets_ = 0;
    uint32_t bytes_ = 0;
    FlowList new_;
    FlowList old_;
    uint8_t listed_ = 0; // a bit per flow that stands in new_ or old_
    std::array<uint8_t, kFlows> next_{};
    alignas(64) std::array<Flow, kFlows> flows_{};
};

template <class Drop>
uint32_t FlowQueue::pop(PacketSlots& slots, const CodelParams& codel, Ticks now, int32_t quantum,
                        Drop drop) noexcept {
    struct Taken {
        uint32_t slot;
        CodelTime delay;
        uint32_t bytes_left;
    };
    if (packets_ == 0) {
        return kNoPacketSlot;
    }
    for (;;) {
        const bool from_new = new_.head != kNoFlow;
        FlowList& list = from_new ? new_ : old_;
        const uint8_t index = list.head;
        Flow& flow = flows_[index];
        if (flow.head == kNoPacketSlot || flow.deficit <= 0) {
            take_first(list);
            if (flow.head != kNoPacketSlot) {
                flow.deficit += quantum;
                append(old_, index);
            } else if (from_new && old_.head != kNoFlow) {
                append(old_, index); // once through the old ones, or it could starve them
            } else {
                listed_ = static_cast<uint8_t>(listed_ & ~(1U << index));
            }
            continue;
        }
        const auto head = [&]() noexcept {
            const uint32_t slot = unlink_head(slots, flow);
            return Taken{slot, codel_time(now - slots[slot].arrived), flow.bytes};
        };
        const Taken taken = codel_take(flow.codel, codel, codel_time(now), head,
                                       [&](const Taken& given_up) { drop(given_up.slot); });
        flow.deficit -= static_cast<int32_t>(slots[taken.slot].length);
        return taken.slot;
    }
}

} // namespace foregate::dataplane
