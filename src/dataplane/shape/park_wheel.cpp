// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/shape/park_wheel.h"

#include <algorithm>
#include <bit>

namespace foregate::dataplane {

ParkWheel::ParkWheel(uint32_t ids) : links_(ids) {
    heads_.fill(kAbsent);
}

void ParkWheel::park(uint32_t id, Ticks due) noexcept {
    const Ticks last_of_slot = (Ticks{1} << kSlotShift) - 1;
    insert(id, (due + last_of_slot) >> kSlotShift);
}

void ParkWheel::insert(uint32_t id, uint64_t due_slot) noexcept {
    const uint64_t visit = std::clamp(due_slot, current_ + 1, current_ + kSlots - 1);
    const uint32_t slot = static_cast<uint32_t>(visit % kSlots);
    Link& link = links_[id];
    link.due_slot = due_slot;
    link.slot = slot;
    link.previous = kAbsent;
    link.next = heads_[slot];
    if (link.next != kAbsent) {
        links_[link.next].previous = id;
    }
    heads_[slot] = id;
    used_[slot / 64] |= uint64_t{1} << (slot % 64);
    ++parked_;
}

void ParkWheel::remove(uint32_t id) noexcept {
    Link& link = links_[id];
    if (link.previous != kAbsent) {
        links_[link.previous].next = link.next;
    } else {
        heads_[link.slot] = link.next;
        if (link.next == kAbsent) {
            used_[link.slot / 64] &= ~(uint64_t{1} << (link.slot % 64));
        }
    }
    if (link.next != kAbsent) {
        links_[link.next].previous = link.previous;
    }
    link.slot = kAbsent;
    --parked_;
}

uint32_t ParkWheel::distance() const noexcept {
    const uint32_t start = static_cast<uint32_t>((current_ + 1) % kSlots);
    uint32_t word = start / 64;
    uint64_t bits = used_[word] & (~uint64_t{0} << (start % 64));
    while (bits == 0) {
        word = (word + 1) % (kSlots / 64);
        bits = used_[word];
    }
    const uint32_t slot = word * 64 + static_cast<uint32_t>(std::countr_zero(bits));
    return (slot + kSlots - start) % kSlots + 1;
}

Ticks ParkWheel::next_due() const noexcept {
    return parked_ == 0 ? UINT64_MAX : (current_ + distance()) << kSlotShift;
}

} // namespace foregate::dataplane
