// SPDX-License-Identifier: BSD-3-Clause
// One timer per slot on a hashed wheel (Varghese and Lauck, "Hashed and hierarchical timing
// wheels", 1987). Ticks of 4.2 ms, 34 s around; a deadline further away fires early, and the owner,
// who looks at its own deadlines, arms it again. Owned by one worker; no allocation after
// construction.
#pragma once

#include "dataplane/splice/slot_index.h"

#include <cstdint>
#include <vector>

namespace foregate::dataplane {

class SlotTimers {
public:
    explicit SlotTimers(std::uint32_t capacity) : heads_(kBuckets, kNoSlot), links_(capacity) {}

    /// Arms or moves the timer of `slot`. It fires in the first advance() after `deadline_ns`, at
    /// most one tick late.
    void arm(std::uint32_t slot, std::uint64_t deadline_ns, std::uint64_t now_ns) noexcept {
        disarm(slot);
        if (armed_ == 0 && !advancing_) {
            cursor_ = now_ns >> kTickShift;
        }
        std::uint64_t tick = (deadline_ns >> kTickShift) + 1;
        tick = tick <= cursor_ ? cursor_ + 1 : tick;
        tick = tick >= cursor_ + kBuckets ? cursor_ + kBuckets - 1 : tick;
        const auto bucket = static_cast<std::uint32_t>(tick % kBuckets);
        const std::uint32_t head = heads_[bucket];
        links_[slot] = {head, kNoSlot, bucket};
        if (head != kNoSlot) {
            links_[head].previous = slot;
        }
        heads_[bucket] = slot;
        ++armed_;
    }
    void disarm(std::uint32_t slot) noexcept {
        Link& link = links_[slot];
        if (link.bucket == kUnarmed) {
            return;
        }
        if (link.previous == kNoSlot) {
            heads_[link.bucket] = link.next;
        } else {
            links_[link.previous].next = link.next;
        }
        if (link.next != kNoSlot) {
            links_[link.next].previous = link.previous;
        }
        link.bucket = kUnarmed;
        --armed_;
    }
    /// Fires `fire(slot)` for at most `budget` due timers, each disarmed before the call; the rest
    /// waits for the next call. Looks at no more than `budget` + kBuckets buckets.
    template <typename Fire>
    void advance(std::uint64_t now_ns, std::uint32_t budget, Fire&& fire) noexcept {
        const std::uint64_t target = now_ns >> kTickShift;
        if (armed_ == 0) {
            return;
        }
        if (target > cursor_ + kBuckets) {
            cursor_ = target - kBuckets; // every armed bucket is still ahead, once
        }
        advancing_ = true;
        run(target, budget, fire);
        advancing_ = false;
    }
    [[nodiscard]] std::uint32_t armed() const noexcept { return armed_; }

private:
    static constexpr unsigned kTickShift = 22;
    static constexpr std::uint32_t kBuckets = 8192;
    static constexpr std::uint32_t kUnarmed = 0xffffffff;

    struct Link {
        std::uint32_t next = kNoSlot;
        std::uint32_t previous = kNoSlot;
        std::uint32_t bucket = kUnarmed;
    };

    template <typename Fire>
    void run(std::uint64_t target, std::uint32_t budget, Fire& fire) noexcept {
        while (cursor_ <= target) {
            std::uint32_t& head = heads_[static_cast<std::uint32_t>(cursor_ % kBuckets)];
            while (head != kNoSlot) {
                if (budget-- == 0) {
                    return;
                }
                const std::uint32_t slot = head;
                disarm(slot);
                fire(slot);
                if (armed_ == 0) {
                    return;
                }
            }
            ++cursor_;
        }
    }

    std::uint64_t cursor_ = 0; ///< next tick to look at
    std::uint32_t armed_ = 0;
    bool advancing_ = false;
    std::vector<std::uint32_t> heads_;
    std::vector<Link> links_;
};

} // namespace foregate::dataplane
