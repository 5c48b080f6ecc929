// SPDX-License-Identifier: BSD-3-Clause
// A hash index over slot numbers: chains through two arrays, sized once. It knows hashes only; the
// caller compares keys while it walks. Owned by one worker; no allocation after construction.
#pragma once

#include <bit>
#include <cstdint>
#include <vector>

namespace foregate::dataplane {

inline constexpr std::uint32_t kNoSlot = 0xffffffff;

class SlotIndex {
public:
    explicit SlotIndex(std::uint32_t capacity)
        : mask_(std::bit_ceil(capacity < 2 ? 2U : capacity) - 1), heads_(mask_ + 1, kNoSlot),
          links_(capacity) {}

    /// `slot` must not be in the index.
    void insert(std::uint32_t slot, std::uint64_t hash) noexcept {
        const auto bucket = static_cast<std::uint32_t>(hash) & mask_;
        const std::uint32_t head = heads_[bucket];
        links_[slot] = {head, kNoSlot, bucket};
        if (head != kNoSlot) {
            links_[head].previous = slot;
        }
        heads_[bucket] = slot;
    }
    /// `slot` must be in the index.
    void erase(std::uint32_t slot) noexcept {
        const Link link = links_[slot];
        if (link.previous == kNoSlot) {
            heads_[link.bucket] = link.next;
        } else {
            links_[link.previous].next = link.next;
        }
        if (link.next != kNoSlot) {
            links_[link.next].previous = link.previous;
        }
    }
    /// First slot of the chain for `hash`, kNoSlot when empty; other hashes may share the chain.
    [[nodiscard]] std::uint32_t first(std::uint64_t hash) const noexcept {
        return heads_[static_cast<std::uint32_t>(hash) & mask_];
    }
    [[nodiscard]] std::uint32_t next(std::uint32_t slot) const noexcept {
        return links_[slot].next;
    }

private:
    struct Link {
        std::uint32_t next = kNoSlot;
        std::uint32_t previous = kNoSlot;
        std::uint32_t bucket = 0;
    };

    std::uint32_t mask_;
    std::vector<std::uint32_t> heads_;
    std::vector<Link> links_;
};

} // namespace foregate::dataplane
