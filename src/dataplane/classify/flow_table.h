// SPDX-License-Identifier: BSD-3-Clause
// The flow table of one worker: 8-way buckets of tags and flow numbers, flows in place, ageing by sweep.
// A flow's number (and address) never changes while it lives. Bounded: a full table refuses new flows.
#pragma once

#include "dataplane/flow.h"

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

namespace foregate::dataplane {

class FlowTable {
public:
    /// `capacity` flows (rounded up to a power of two); `seed` is secret. Allocates everything here.
    FlowTable(std::uint32_t capacity, std::uint64_t seed);

    [[nodiscard]] std::uint64_t hash(const FlowKey& key) const noexcept;
    /// Fetches the bucket of `hash` into the cache ahead of find().
    void prefetch(std::uint64_t hash) const noexcept { __builtin_prefetch(&buckets_[bucket_of(hash)]); }

    /// Fetches the flows that `hash` may stand for; its bucket is best in the cache already.
    void prefetch_flow(std::uint64_t hash) const noexcept {
        const std::uint16_t tag = tag_of(hash);
        const Bucket& bucket = buckets_[bucket_of(hash)];
        for (unsigned way = 0; way < kWays; ++way) {
            if (bucket.tags[way] == tag && bucket.numbers[way] != 0) {
                const auto* flow = reinterpret_cast<const char*>(&flows_[bucket.numbers[way] - 1]);
                for (std::size_t line = 0; line < sizeof(Flow); line += 64) {
                    __builtin_prefetch(flow + line, 1);
                }
            }
        }
    }

    [[nodiscard]] Flow* find(const FlowKey& key, std::uint64_t hash) noexcept;
    /// A fresh flow for a key that find() did not know; nullptr when its two buckets or the table are full.
    [[nodiscard]] Flow* insert(const FlowKey& key, std::uint64_t hash) noexcept;
    void erase(Flow& flow) noexcept;

    /// Visits the next `slots` places of the table, in order and around; calls `visit(Flow&)` for flows in use.
    /// The visitor may erase the flow it is given. This is how flows age without scanning all at once.
    template <typename Visit>
    void sweep(std::uint32_t slots, Visit&& visit) noexcept {
        for (std::uint32_t i = 0; i < slots; ++i) {
            Flow& flow = flows_[cursor_];
            cursor_ = (cursor_ + 1) & (capacity_ - 1);
            if (flow.in_use) {
                visit(flow);
            }
        }
    }

    /// Visits flows in use at places first..first+count-1 without moving the sweep.
    template <typename Visit>
    void view(std::uint32_t first, std::uint32_t count, Visit&& visit) const noexcept {
        for (std::uint32_t i = first; i < first + count && i < capacity_; ++i) {
            if (flows_[i].in_use) {
                visit(flows_[i]);
            }
        }
    }

    [[nodiscard]] std::uint32_t size() const noexcept { return capacity_ - free_count_; }
    [[nodiscard]] std::uint32_t capacity() const noexcept { return capacity_; }

private:
    static constexpr std::uint32_t kNone = 0xffffffff;
    static constexpr unsigned kWays = 8;

    struct alignas(64) Bucket {
        std::array<std::uint16_t, kWays> tags{};
        std::array<std::uint32_t, kWays> numbers{}; ///< flow number + 1; 0 = empty
    };

    [[nodiscard]] std::uint32_t bucket_of(std::uint64_t hash) const noexcept {
        return static_cast<std::uint32_t>(hash) & bucket_mask_;
    }
    [[nodiscard]] std::uint32_t other_bucket(std::uint32_t bucket, std::uint16_t tag) const noexcept {
        return (bucket ^ (tag * 0x5bd1e995U + 1U)) & bucket_mask_;
    }
    [[nodiscard]] static std::uint16_t tag_of(std::uint64_t hash) noexcept {
        return static_cast<std::uint16_t>(hash >> 48);
    }
    /// Way of an empty place in `bucket`, after moving one entry to its other bucket if needed; kWays = full.
    [[nodiscard]] unsigned make_room(std::uint32_t bucket) noexcept;

    std::uint64_t seed_;
    std::uint32_t capacity_;
    std::uint32_t bucket_mask_;
    std::uint32_t free_count_;
    std::uint32_t cursor_ = 0;
    std::vector<Bucket> buckets_;
    std::vector<Flow> flows_;
    std::vector<std::uint32_t> free_;
};

} // namespace foregate::dataplane
