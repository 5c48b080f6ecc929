// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/classify/flow_table.h"

#include <bit>

namespace foregate::dataplane {

FlowTable::FlowTable(std::uint32_t capacity, std::uint64_t seed)
    : seed_(seed), capacity_(std::bit_ceil(capacity < 64 ? 64U : capacity)),
      bucket_mask_(capacity_ / 4 - 1), // twice as many places as flows: load at most one half
      free_count_(capacity_), buckets_(bucket_mask_ + 1U), flows_(capacity_), free_(capacity_) {
    for (std::uint32_t i = 0; i < capacity_; ++i) {
        free_[i] = capacity_ - 1 - i;
    }
}

std::uint64_t FlowTable::hash(const FlowKey& key) const noexcept {
    const std::uint64_t ports = static_cast<std::uint64_t>(key.low_port) << 24 |
                                static_cast<std::uint64_t>(key.high_port) << 8 | key.protocol;
    const std::uint64_t first = hash_address(key.low, seed_ ^ ports * 0x9e3779b97f4a7c15ULL);
    return hash_address(key.high, first);
}

Flow* FlowTable::find(const FlowKey& key, std::uint64_t hash) noexcept {
    const std::uint16_t tag = tag_of(hash);
    std::uint32_t at = bucket_of(hash);
    for (int choice = 0; choice < 2; ++choice) {
        const Bucket& bucket = buckets_[at];
        for (unsigned way = 0; way < kWays; ++way) {
            if (bucket.tags[way] == tag && bucket.numbers[way] != 0) {
                Flow& flow = flows_[bucket.numbers[way] - 1];
                if (flow.key == key) {
                    return &flow;
                }
            }
        }
        at = other_bucket(at, tag);
    }
    return nullptr;
}

unsigned FlowTable::make_room(std::uint32_t at) noexcept {
    Bucket& bucket = buckets_[at];
    for (unsigned way = 0; way < kWays; ++way) {
        if (bucket.numbers[way] == 0) {
            return way;
        }
    }
    // One level deep: move an entry whose other bucket has an empty place. The flow itself stays where it is.
    for (unsigned way = 0; way < kWays; ++way) {
        Bucket& other = buckets_[other_bucket(at, bucket.tags[way])];
        for (unsigned free_way = 0; free_way < kWays; ++free_way) {
            if (other.numbers[free_way] == 0) {
                other.tags[free_way] = bucket.tags[way];
                other.numbers[free_way] = bucket.numbers[way];
                bucket.numbers[way] = 0;
                return way;
            }
        }
    }
    return kWays;
}

Flow* FlowTable::insert(const FlowKey& key, std::uint64_t hash) noexcept {
    if (free_count_ == 0) {
        return nullptr;
    }
    const std::uint16_t tag = tag_of(hash);
    std::uint32_t at = bucket_of(hash);
    unsigned way = make_room(at);
    if (way == kWays) {
        at = other_bucket(at, tag);
        way = make_room(at);
        if (way == kWays) {
            return nullptr;
        }
    }
    const std::uint32_t number = free_[--free_count_];
    buckets_[at].tags[way] = tag;
    buckets_[at].numbers[way] = number + 1;
    Flow& flow = flows_[number];
    flow = Flow{};
    flow.key = key;
    flow.in_use = true;
    return &flow;
}

void FlowTable::erase(Flow& flow) noexcept {
    const std::uint64_t h = hash(flow.key);
    const std::uint16_t tag = tag_of(h);
    const auto number = static_cast<std::uint32_t>(&flow - flows_.data());
    std::uint32_t at = bucket_of(h);
    for (int choice = 0; choice < 2; ++choice) {
        for (unsigned way = 0; way < kWays; ++way) {
            if (buckets_[at].numbers[way] == number + 1) {
                buckets_[at].numbers[way] = 0;
                flow.in_use = false;
                free_[free_count_++] = number;
                return;
            }
        }
        at = other_bucket(at, tag);
    }
}

} // namespace foregate::dataplane
