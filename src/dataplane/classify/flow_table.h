// SPDX-License-Identifier: BSD-3-Clause
// The flow table of one worker: 8-way buckets of tags and flow numbers, flows in place, ageing by sweep. IPv4 and IPv6
// each have their own table, since an IPv4 flow fits one cache line and an IPv6 flow does not.
// A flow's number (and address) never changes while it lives. Bounded: a full table refuses new flows.
// Layout: "buckets of tags" as in DPDK's rte_hash and Pagh and Rodler, "Cuckoo Hashing" (2004), one displacement deep.
// IPv4: 64 bytes of hot line, 32 of cold part, 16 of bucket (at twice as many places as flows): 112 bytes a flow.
// IPv6: 128 and 16: 144 bytes a flow.
#pragma once

#include "dataplane/flow.h"
#include "dataplane/large_pages.h"
#include "dataplane/prefetch.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace foregate::dataplane {

namespace detail {
/// 64x64->128 multiply and fold, as in wyhash's mixing step (public domain).
[[nodiscard]] inline std::uint64_t multiply_fold(std::uint64_t x, std::uint64_t y) noexcept {
    __extension__ using Wide = unsigned __int128;
    const auto product = static_cast<Wide>(x) * y;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}
} // namespace detail

/// Flows of one address family.
class FamilyFlowTable {
public:
    /// `capacity` flows (rounded up to a power of two, at most 2^24). Reserves everything here.
    FamilyFlowTable(std::uint32_t capacity, bool ipv6);

    /// Fetches the bucket of `hash` into the cache ahead of prefetch_flow().
    void prefetch(std::uint64_t hash) const noexcept { prefetch_line(&buckets_[bucket_of(hash)]); }
    /// Fetches the flow that `hash` probably stands for; its bucket is best in the cache already. Returns it
    /// unread: a candidate to compare, nullptr when the first bucket has none.
    [[nodiscard]] Flow* prefetch_flow(std::uint64_t hash) const noexcept {
        const Bucket& bucket = buckets_[bucket_of(hash)];
        const unsigned ways = ways_with(bucket, tag_of(hash));
        if (ways == 0) {
            return nullptr;
        }
        Flow* flow = at(bucket.numbers[static_cast<unsigned>(__builtin_ctz(ways))]);
        prefetch_line_to_write(flow);
        if (ipv6_) {
            prefetch_line(reinterpret_cast<const char*>(flow) + 64);
        }
        return flow;
    }

    /// Fetches the second bucket of `hash`: what a flow that is not in its first one, or new, is looked for in as well.
    void prefetch_other(std::uint64_t hash) const noexcept {
        prefetch_line(&buckets_[other_bucket(bucket_of(hash), tag_of(hash))]);
    }

    [[nodiscard]] Flow* find(const FlowKey& key, std::uint64_t hash) const noexcept;
    /// A fresh flow for a key that find() did not know; nullptr when its two buckets or the table are full.
    [[nodiscard]] Flow* insert(const FlowKey& key, std::uint64_t hash) noexcept;
    void erase(Flow& flow, std::uint64_t hash) noexcept;

    [[nodiscard]] FlowCold& cold(const Flow& flow) const noexcept {
        return ipv6_ ? const_cast<Flow6&>(static_cast<const Flow6&>(flow)).cold : cold_[number_of(flow)];
    }
    /// Place `number` below reach(): in use or not.
    [[nodiscard]] Flow* at(std::uint32_t number) const noexcept {
        return reinterpret_cast<Flow*>(flows_.data() + (static_cast<std::size_t>(number) << shift_));
    }
    /// Places that were ever used lie below this.
    [[nodiscard]] std::uint32_t reach() const noexcept { return fresh_; }
    [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
    [[nodiscard]] std::uint32_t capacity() const noexcept { return capacity_; }
    [[nodiscard]] std::uint32_t number_of(const Flow& flow) const noexcept {
        return static_cast<std::uint32_t>(
            static_cast<std::size_t>(reinterpret_cast<const std::uint8_t*>(&flow) - flows_.data()) >> shift_);
    }
    /// Where a sweep goes on.
    std::uint32_t cursor = 0;
    /// The place that a sweep comes to after `number`.
    [[nodiscard]] std::uint32_t after(std::uint32_t number) const noexcept {
        return number + 1 < fresh_ ? number + 1 : 0;
    }

private:
    static constexpr unsigned kWays = 8;
    static constexpr std::uint32_t kNone = 0xffffffff;

    /// A tag of 0 is an empty way.
    struct alignas(64) Bucket {
        alignas(16) std::array<std::uint16_t, kWays> tags;
        std::array<std::uint32_t, kWays> numbers;
    };

    [[nodiscard]] std::uint32_t bucket_of(std::uint64_t hash) const noexcept {
        return static_cast<std::uint32_t>(hash) & bucket_mask_;
    }
    [[nodiscard]] std::uint32_t other_bucket(std::uint32_t bucket, std::uint16_t tag) const noexcept {
        return (bucket ^ (tag * 0x5bd1e995U | 1U)) & bucket_mask_;
    }
    [[nodiscard]] static std::uint16_t tag_of(std::uint64_t hash) noexcept {
        return static_cast<std::uint16_t>(hash >> 48 | 1U << 15);
    }
    /// One bit for each way whose tag is `tag`.
    [[nodiscard]] static unsigned ways_with(const Bucket& bucket, std::uint16_t tag) noexcept {
#ifdef __SSE2__
        const __m128i tags = _mm_load_si128(reinterpret_cast<const __m128i*>(bucket.tags.data()));
        const __m128i same = _mm_cmpeq_epi16(tags, _mm_set1_epi16(static_cast<short>(tag)));
        return static_cast<unsigned>(_mm_movemask_epi8(_mm_packs_epi16(same, _mm_setzero_si128())));
#else
        unsigned ways = 0;
        for (unsigned way = 0; way < kWays; ++way) {
            ways |= bucket.tags[way] == tag ? 1U << way : 0U;
        }
        return ways;
#endif
    }
    void prefetch_place(std::uint32_t number) const noexcept {
        if (number != kNone) {
            prefetch_line_to_write(at(number));
            if (!ipv6_) {
                prefetch_line_to_write(&cold_[number]);
            }
        }
    }
    [[nodiscard]] bool holds(const Flow& flow, const FlowKey& key, std::uint64_t hash) const noexcept;
    /// An empty way of `bucket`, after moving one entry to its other bucket if needed; kWays = full.
    [[nodiscard]] unsigned make_room(std::uint32_t bucket) noexcept;

    bool ipv6_;
    unsigned shift_;             ///< log2 of a flow's bytes
    std::uint32_t capacity_;
    std::uint32_t bucket_mask_;
    std::uint32_t size_ = 0;
    std::uint32_t fresh_ = 0;    ///< the first place that was never used
    std::uint32_t free_ = kNone; ///< the place erased last; the next one is in its `low`
    ZeroedTable<Bucket> buckets_;
    ZeroedTable<std::uint8_t> flows_;
    ZeroedTable<FlowCold> cold_; ///< IPv4 only
};

/// Both families of one worker.
class FlowTable {
public:
    /// `capacity` flows of each family; `seed` is secret.
    FlowTable(std::uint32_t capacity, std::uint64_t seed);

    [[nodiscard]] std::uint64_t hash(const FlowKey& key) const noexcept;
    /// The same for IPv4; addresses in host order.
    [[nodiscard]] std::uint64_t hash_v4(std::uint32_t low, std::uint32_t high, std::uint16_t low_port,
                                        std::uint16_t high_port, std::uint8_t protocol) const noexcept {
        const std::uint64_t ports =
            static_cast<std::uint64_t>(low_port) << 24 | static_cast<std::uint64_t>(high_port) << 8 | protocol;
        const std::uint64_t pair = static_cast<std::uint64_t>(low) << 32 | high;
        return detail::multiply_fold(
            detail::multiply_fold(pair ^ seed_ ^ 0xa0761d6478bd642fULL, ports ^ 0xe7037ed1a0b428dbULL) ^ seed_,
            0x8ebc6af09c88c6e3ULL);
    }

    void prefetch(bool ipv6, std::uint64_t hash) const noexcept { family(ipv6).prefetch(hash); }
    [[nodiscard]] Flow* prefetch_flow(bool ipv6, std::uint64_t hash) const noexcept {
        return family(ipv6).prefetch_flow(hash);
    }
    void prefetch_other(bool ipv6, std::uint64_t hash) const noexcept { family(ipv6).prefetch_other(hash); }
    /// Fetches what the stages of a flow that is not decided yet read.
    void prefetch_cold(const Flow& flow) const noexcept { prefetch_line_to_write(&cold(flow)); }
    /// Fetches what erase() of the flow reads besides the flow.
    void prefetch_erase(const Flow& flow) const noexcept {
        family(flow.ipv6).prefetch(hash(flow.key()));
        prefetch_cold(flow);
    }
    [[nodiscard]] Flow* find(const FlowKey& key, std::uint64_t hash) const noexcept {
        return family(!key.low.is_v4()).find(key, hash);
    }
    [[nodiscard]] Flow* insert(const FlowKey& key, std::uint64_t hash) noexcept {
        return family(!key.low.is_v4()).insert(key, hash);
    }
    void erase(Flow& flow) noexcept {
        if (flow.in_use) {
            family(flow.ipv6).erase(flow, hash(flow.key()));
        }
    }
    [[nodiscard]] FlowCold& cold(const Flow& flow) const noexcept { return family(flow.ipv6).cold(flow); }

    /// Visits the next `slots` places of each family, in order and around; calls `visit(Flow&)` for flows in use.
    /// The visitor may erase the flow it is given. This is how flows age without scanning all at once. Before that
    /// `look_ahead(const Flow&)` is called for each of them, to fetch what the visit will need.
    template <typename LookAhead, typename Visit>
    void sweep(std::uint32_t slots, LookAhead&& look_ahead, Visit&& visit) noexcept {
        for (FamilyFlowTable* table : {&ipv4_, &ipv6_}) {
            const std::uint32_t count = std::min(slots, table->reach());
            for (std::uint32_t i = 0, at = table->cursor; i < count; ++i) {
                at = table->after(at);
                if (const Flow* flow = table->at(at); flow->in_use) {
                    look_ahead(*flow);
                }
            }
            for (std::uint32_t i = 0; i < count; ++i) {
                table->cursor = table->after(table->cursor);
                if (Flow* flow = table->at(table->cursor); flow->in_use) {
                    visit(*flow);
                }
            }
        }
    }
    template <typename Visit>
    void sweep(std::uint32_t slots, Visit&& visit) noexcept {
        sweep(slots, [](const Flow&) noexcept {}, visit);
    }

    /// Visits flows in use at places first..first+count-1 (of both families, one after the other; below places())
    /// without moving the sweep.
    template <typename Visit>
    void view(std::uint32_t first, std::uint32_t count, Visit&& visit) const noexcept {
        for (std::uint32_t i = first; i < first + count && i < places(); ++i) {
            const bool ipv6 = i >= capacity();
            const FamilyFlowTable& table = family(ipv6);
            const std::uint32_t number = ipv6 ? i - capacity() : i;
            if (number >= table.reach()) {
                continue;
            }
            if (const Flow* flow = table.at(number); flow->in_use) {
                visit(*flow);
            }
        }
    }

    [[nodiscard]] std::uint32_t places() const noexcept { return 2 * capacity(); }
    /// Where a flow lies, as view() counts.
    [[nodiscard]] std::uint32_t place_of(const Flow& flow) const noexcept {
        return family(flow.ipv6).number_of(flow) + (flow.ipv6 ? capacity() : 0);
    }
    /// The flow at `place`, of those that place_of() has ever told; in use or not.
    [[nodiscard]] Flow& flow_at(std::uint32_t place) const noexcept {
        return place < capacity() ? *ipv4_.at(place) : *ipv6_.at(place - capacity());
    }
    [[nodiscard]] std::uint32_t size() const noexcept { return ipv4_.size() + ipv6_.size(); }
    /// Of each family.
    [[nodiscard]] std::uint32_t capacity() const noexcept { return ipv4_.capacity(); }

private:
    [[nodiscard]] FamilyFlowTable& family(bool ipv6) noexcept { return ipv6 ? ipv6_ : ipv4_; }
    [[nodiscard]] const FamilyFlowTable& family(bool ipv6) const noexcept { return ipv6 ? ipv6_ : ipv4_; }

    std::uint64_t seed_;
    FamilyFlowTable ipv4_;
    FamilyFlowTable ipv6_;
};

} // namespace foregate::dataplane
