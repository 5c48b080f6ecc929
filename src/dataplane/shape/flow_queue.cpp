// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/shape/flow_queue.h"

namespace foregate::dataplane {

static_assert(sizeof(FlowQueue) == 320, "the budget of 65,536 desktops counts on it");

void FlowQueue::reset() noexcept {
    *this = FlowQueue{};
}

void FlowQueue::append(FlowList& list, uint8_t flow) noexcept {
    next_[flow] = kNoFlow;
    if (list.head == kNoFlow) {
        list.head = flow;
    } else {
        next_[list.tail] = flow;
    }
    list.tail = flow;
}

void FlowQueue::take_first(FlowList& list) noexcept {
    list.head = next_[list.head];
    if (list.head == kNoFlow) {
        list.tail = kNoFlow;
    }
}

uint32_t FlowQueue::unlink_head(PacketSlots& slots, Flow& flow) noexcept {
    const uint32_t index = flow.head;
    const PacketSlot& slot = slots[index];
    flow.head = slot.next;
    if (flow.head == kNoPacketSlot) {
        flow.tail = kNoPacketSlot;
    }
    flow.bytes -= slot.length;
    bytes_ -= slot.length;
    --packets_;
    return index;
}

void FlowQueue::push(PacketSlots& slots, uint32_t slot, uint32_t flow_hash,
                     int32_t quantum) noexcept {
    const uint8_t index = flow_of(flow_hash);
    Flow& flow = flows_[index];
    if (flow.tail == kNoPacketSlot) {
        flow.head = slot;
    } else {
        slots[flow.tail].next = slot;
    }
    flow.tail = slot;
    flow.bytes += slots[slot].length;
    bytes_ += slots[slot].length;
    ++packets_;
    if ((listed_ & (1U << index)) == 0) {
        listed_ = static_cast<uint8_t>(listed_ | (1U << index));
        flow.deficit = quantum;
        append(new_, index);
    }
}

uint32_t FlowQueue::take_from_longest_flow(PacketSlots& slots) noexcept {
    if (packets_ == 0) {
        return kNoPacketSlot;
    }
    uint32_t longest = 0;
    for (uint32_t i = 1; i < kFlows; ++i) {
        longest = flows_[i].bytes > flows_[longest].bytes ? i : longest;
    }
    return unlink_head(slots, flows_[longest]);
}

} // namespace foregate::dataplane
