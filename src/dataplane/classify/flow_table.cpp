// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/classify/flow_table.h"

#include <algorithm>
#include <bit>

namespace foregate::dataplane {

namespace {

constexpr std::uint32_t kLeast = 64;
constexpr std::uint32_t kMost = 1U << 24;

} // namespace

FamilyFlowTable::FamilyFlowTable(std::uint32_t capacity, bool ipv6)
    : ipv6_(ipv6), shift_(ipv6 ? 7 : 6), capacity_(std::bit_ceil(std::clamp(capacity, kLeast, kMost))),
      bucket_mask_(capacity_ / 4 - 1), // twice as many places as flows: load at most one half
      buckets_(bucket_mask_ + std::size_t{1}), flows_(static_cast<std::size_t>(capacity_) << shift_),
      cold_(ipv6 ? 1 : capacity_) {}

bool FamilyFlowTable::holds(const Flow& flow, const FlowKey& key, std::uint64_t hash) const noexcept {
    if (!flow.in_use || flow.low_port != key.low_port || flow.high_port != key.high_port ||
        flow.protocol != key.protocol) {
        return false;
    }
    if (!ipv6_) {
        return flow.low == key.low.v4() && flow.high == key.high.v4();
    }
    const auto& wide = static_cast<const Flow6&>(flow);
    return flow.low == static_cast<std::uint32_t>(hash) && wide.low_ip == key.low && wide.high_ip == key.high;
}

Flow* FamilyFlowTable::find(const FlowKey& key, std::uint64_t hash) const noexcept {
    const std::uint16_t tag = tag_of(hash);
    std::uint32_t where = bucket_of(hash);
    for (int choice = 0; choice < 2; ++choice) {
        const Bucket& bucket = buckets_[where];
        for (unsigned ways = ways_with(bucket, tag); ways != 0; ways &= ways - 1) {
            Flow* flow = at(bucket.numbers[static_cast<unsigned>(__builtin_ctz(ways))]);
            if (holds(*flow, key, hash)) {
                return flow;
            }
        }
        where = other_bucket(where, tag);
    }
    return nullptr;
}

unsigned FamilyFlowTable::make_room(std::uint32_t where) noexcept {
    Bucket& bucket = buckets_[where];
    if (const unsigned empty = ways_with(bucket, 0); empty != 0) {
        return static_cast<unsigned>(__builtin_ctz(empty));
    }
    // One level deep: move an entry whose other bucket has an empty way. The flow itself stays where it is.
    for (unsigned way = 0; way < kWays; ++way) {
        Bucket& other = buckets_[other_bucket(where, bucket.tags[way])];
        if (const unsigned empty = ways_with(other, 0); empty != 0 && &other != &bucket) {
            const auto to = static_cast<unsigned>(__builtin_ctz(empty));
            other.tags[to] = bucket.tags[way];
            other.numbers[to] = bucket.numbers[way];
            bucket.tags[way] = 0;
            return way;
        }
    }
    return kWays;
}

Flow* FamilyFlowTable::insert(const FlowKey& key, std::uint64_t hash) noexcept {
    if (size_ == capacity_) {
        return nullptr;
    }
    const std::uint16_t tag = tag_of(hash);
    std::uint32_t where = bucket_of(hash);
    unsigned way = make_room(where);
    if (way == kWays) {
        where = other_bucket(where, tag);
        way = make_room(where);
        if (way == kWays) {
            return nullptr;
        }
    }
    const std::uint32_t number = free_ != kNone ? free_ : fresh_++;
    Flow& flow = *at(number);
    if (free_ != kNone) {
        free_ = flow.low;
        prefetch_place(free_); // the next one's
    }
    buckets_[where].tags[way] = tag;
    buckets_[where].numbers[way] = number;
    ++size_;
    if (ipv6_) {
        auto* wide = new (&flow) Flow6{};
        wide->low_ip = key.low;
        wide->high_ip = key.high;
        flow.low = static_cast<std::uint32_t>(hash);
        flow.high = static_cast<std::uint32_t>(hash >> 32);
    } else {
        new (&flow) Flow{};
        cold_[number] = FlowCold{};
        flow.low = key.low.v4();
        flow.high = key.high.v4();
    }
    flow.ipv6 = ipv6_;
    flow.low_port = key.low_port;
    flow.high_port = key.high_port;
    flow.protocol = key.protocol;
    flow.in_use = true;
    return &flow;
}

void FamilyFlowTable::erase(Flow& flow, std::uint64_t hash) noexcept {
    const std::uint16_t tag = tag_of(hash);
    const std::uint32_t number = number_of(flow);
    std::uint32_t where = bucket_of(hash);
    for (int choice = 0; choice < 2; ++choice) {
        Bucket& bucket = buckets_[where];
        for (unsigned ways = ways_with(bucket, tag); ways != 0; ways &= ways - 1) {
            const auto way = static_cast<unsigned>(__builtin_ctz(ways));
            if (bucket.numbers[way] == number) {
                bucket.tags[way] = 0;
                flow.in_use = false;
                flow.low = free_;
                free_ = number;
                --size_;
                return;
            }
        }
        where = other_bucket(where, tag);
    }
}

FlowTable::FlowTable(std::uint32_t capacity, std::uint64_t seed)
    : seed_(seed), ipv4_(capacity, false), ipv6_(capacity, true) {}

std::uint64_t FlowTable::hash(const FlowKey& key) const noexcept {
    if (key.low.is_v4()) {
        return hash_v4(key.low.v4(), key.high.v4(), key.low_port, key.high_port, key.protocol);
    }
    const std::uint64_t ports = static_cast<std::uint64_t>(key.low_port) << 24 |
                                static_cast<std::uint64_t>(key.high_port) << 8 | key.protocol;
    const std::uint64_t first = hash_address(key.low, seed_ ^ ports * 0x9e3779b97f4a7c15ULL);
    return hash_address(key.high, first);
}

} // namespace foregate::dataplane
