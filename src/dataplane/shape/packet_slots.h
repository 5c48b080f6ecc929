// SPDX-License-Identifier: BSD-3-Clause
// The scheduler's packets: a fixed pool of slots, linked by number. A slot holds the caller's
// handle (an mbuf; never looked into) with its length and the time it came. One thread.
#pragma once

#include "dataplane/large_pages.h"
#include <cstdint>

#include "dataplane/shape/pace.h"
#include "dataplane/shape/shape_settings.h"

namespace foregate::dataplane {

inline constexpr uint32_t kNoPacketSlot = UINT32_MAX;

struct PacketSlot {
    void* handle = nullptr;
    Ticks arrived = 0;
    uint32_t length : 24 = 0;
    uint32_t traffic_class : 8 = 0;
    uint32_t next = kNoPacketSlot;
};

class PacketSlots {
public:
    explicit PacketSlots(uint32_t capacity) : slots_(capacity), free_(capacity) {
        for (uint32_t i = 0; i + 1 < capacity; ++i) {
            slots_[i].next = i + 1;
        }
        first_free_ = capacity == 0 ? kNoPacketSlot : 0;
    }

    uint32_t free_count() const noexcept { return free_; }
    PacketSlot& operator[](uint32_t slot) noexcept { return slots_[slot]; }

    // Needs free_count() > 0. The slot's `next` is kNoPacketSlot.
    uint32_t take(void* handle, uint32_t length, TrafficClass traffic_class, Ticks now) noexcept {
        const uint32_t index = first_free_;
        PacketSlot& slot = slots_[index];
        first_free_ = slot.next;
        --free_;
        slot.handle = handle;
        slot.arrived = now;
        slot.length = length & 0xffffff;
        slot.traffic_class = static_cast<uint8_t>(traffic_class);
        slot.next = kNoPacketSlot;
        return index;
    }
    void give_back(uint32_t index) noexcept {
        slots_[index].next = first_free_;
        first_free_ = index;
        ++free_;
    }

private:
    LargeTable<PacketSlot> slots_;
    uint32_t first_free_ = kNoPacketSlot;
    uint32_t free_ = 0;
};

} // namespace foregate::dataplane
