// SPDX-License-Identifier: BSD-3-Clause
// A hash map that is filled once and only read after that: what the first packet of a flow is looked up in. Keys and values
// lie side by side in one array, at most half full, so a lookup is one cache line for nearly all keys.
#pragma once

#include "dataplane/large_pages.h"
#include "dataplane/prefetch.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <utility>

namespace foregate::dataplane {

/// `Hash` must spread over the low bits. Lookups never allocate and take no lock; any number of threads may read.
template <typename Key, typename Value, typename Hash>
class FrozenMap {
public:
    FrozenMap() = default;
    /// From any range of pairs; of equal keys the first one given wins.
    template <typename Range>
    explicit FrozenMap(const Range& entries) {
        std::size_t places = 2;
        while (places < entries.size() * 2) {
            places *= 2;
        }
        slots_.resize(places);
        for (const auto& [key, value] : entries) {
            Slot& slot = slots_[place_of(key)];
            if (!slot.used) {
                slot = Slot{{key, value, true}};
                ++size_;
            }
        }
    }

    [[nodiscard]] const Value* find(const Key& key) const noexcept {
        if (size_ == 0) {
            return nullptr;
        }
        const Slot& slot = slots_[place_of(key)];
        return slot.used ? &slot.value : nullptr;
    }
    /// Fetches where find(key) begins to look.
    void prefetch(const Key& key) const noexcept {
        if (size_ != 0) {
            prefetch_line(&slots_[home(key)]);
        }
    }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

private:
    struct Content {
        Key key{};
        Value value{};
        bool used = false;
    };
    /// No slot lies across two lines.
    struct alignas(std::min<std::size_t>(std::bit_ceil(sizeof(Content)), 64)) Slot : Content {};

    [[nodiscard]] std::size_t home(const Key& key) const noexcept { return Hash()(key) & (slots_.size() - 1); }
    /// Where `key` is, or would be: there is always a free place to end at.
    [[nodiscard]] std::size_t place_of(const Key& key) const noexcept {
        std::size_t at = home(key);
        while (slots_[at].used && !(slots_[at].key == key)) {
            at = (at + 1) & (slots_.size() - 1);
        }
        return at;
    }

    LargeTable<Slot> slots_;
    std::size_t size_ = 0;
};

} // namespace foregate::dataplane
