// SPDX-License-Identifier: BSD-3-Clause
// A timing wheel for pipes that stand at their ceiling: nobody looks at them before their time.
// 4096 slots of 16.4 us; what is due later than the horizon (67 ms) is looked at once a turn.
// Wakes at most one slot late, never early. All memory at construction. One thread.
// Varghese and Lauck, "Hashed and hierarchical timing wheels", SOSP 1987.
#pragma once

#include "dataplane/large_pages.h"
#include <array>
#include <cstdint>

#include "dataplane/shape/pace.h"

namespace foregate::dataplane {

class ParkWheel {
public:
    explicit ParkWheel(uint32_t ids);

    // The id must not be parked.
    void park(uint32_t id, Ticks due) noexcept;
    // The id must be parked.
    void remove(uint32_t id) noexcept;
    bool contains(uint32_t id) const noexcept { return links_[id].slot != kAbsent; }

    // Takes out all that are due and calls wake(id) for each; wake may park ids again.
    template <class Wake> void advance(Ticks now, Wake wake) noexcept;

    // When the earliest slot in use is due (or its next look, beyond the horizon); UINT64_MAX if
    // nothing is parked.
    Ticks next_due() const noexcept;

private:
    static constexpr uint32_t kAbsent = UINT32_MAX;
    static constexpr uint32_t kSlots = 4096;
    static constexpr unsigned kSlotShift = 22; // 2^22 ticks = 16,384 ns
    struct Link {
        uint64_t due_slot = 0;
        uint32_t next = kAbsent;
        uint32_t previous = kAbsent;
        uint32_t slot = kAbsent;
    };

    void insert(uint32_t id, uint64_t due_slot) noexcept;
    // Slots from the one after current_ to the first in use; needs parked_ != 0.
    uint32_t distance() const noexcept;

    LargeTable<Link> links_;
    std::array<uint32_t, kSlots> heads_{};
    std::array<uint64_t, kSlots / 64> used_{};
    uint64_t current_ = 0; // the last slot that was emptied
    uint32_t parked_ = 0;
};

template <class Wake> void ParkWheel::advance(Ticks now, Wake wake) noexcept {
    const uint64_t now_slot = now >> kSlotShift;
    while (parked_ != 0) {
        const uint64_t next_slot = current_ + distance();
        if (next_slot > now_slot) {
            break;
        }
        current_ = next_slot;
        const uint32_t slot = static_cast<uint32_t>(next_slot % kSlots);
        uint32_t id = heads_[slot];
        heads_[slot] = kAbsent;
        used_[slot / 64] &= ~(uint64_t{1} << (slot % 64));
        while (id != kAbsent) {
            Link& link = links_[id];
            const uint32_t next = link.next;
            link.slot = kAbsent;
            --parked_;
            if (link.due_slot > now_slot) {
                insert(id, link.due_slot);
            } else {
                wake(id);
            }
            id = next;
        }
    }
    current_ = now_slot > current_ ? now_slot : current_;
}

} // namespace foregate::dataplane
