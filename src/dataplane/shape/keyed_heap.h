// SPDX-License-Identifier: BSD-3-Clause
// A four-way heap of (key, id) with the place of each id known, so that a key can be changed where
// it stands. Smallest key first. All memory at construction. One thread.
#pragma once

#include "dataplane/large_pages.h"
#include <cstdint>

namespace foregate::dataplane {

class KeyedHeap {
public:
    explicit KeyedHeap(uint32_t ids) : nodes_(ids), place_(ids, kAbsent) {}

    bool empty() const noexcept { return size_ == 0; }
    bool contains(uint32_t id) const noexcept { return place_[id] != kAbsent; }
    uint64_t top_key() const noexcept { return nodes_[0].key; }
    uint32_t top_id() const noexcept { return nodes_[0].id; }

    // The id must not be in the heap.
    void push(uint32_t id, uint64_t key) noexcept { rise(size_++, {key, id}); }

    // The id must be in the heap.
    void change(uint32_t id, uint64_t key) noexcept {
        const uint32_t at = place_[id];
        if (key < nodes_[at].key) {
            rise(at, {key, id});
        } else {
            sink(at, {key, id});
        }
    }

    void remove(uint32_t id) noexcept {
        const uint32_t at = place_[id];
        place_[id] = kAbsent;
        const Node last = nodes_[--size_];
        if (at == size_) {
            return;
        }
        if (last.key < nodes_[at].key) {
            rise(at, last);
        } else {
            sink(at, last);
        }
    }

    void pop() noexcept { remove(nodes_[0].id); }

    // Takes out whichever costs least. The heap must not be empty.
    void forget_one() noexcept { place_[nodes_[--size_].id] = kAbsent; }

private:
    static constexpr uint32_t kAbsent = UINT32_MAX;
    struct Node {
        uint64_t key = 0;
        uint32_t id = 0;
    };

    void put(uint32_t at, Node node) noexcept {
        nodes_[at] = node;
        place_[node.id] = at;
    }
    void rise(uint32_t at, Node node) noexcept {
        while (at != 0) {
            const uint32_t parent = (at - 1) / 4;
            if (nodes_[parent].key <= node.key) {
                break;
            }
            put(at, nodes_[parent]);
            at = parent;
        }
        put(at, node);
    }
    void sink(uint32_t at, Node node) noexcept {
        for (;;) {
            const uint32_t first = at * 4 + 1;
            if (first >= size_) {
                break;
            }
            const uint32_t end = first + 4 < size_ ? first + 4 : size_;
            uint32_t least = first;
            for (uint32_t child = first + 1; child < end; ++child) {
                least = nodes_[child].key < nodes_[least].key ? child : least;
            }
            if (node.key <= nodes_[least].key) {
                break;
            }
            put(at, nodes_[least]);
            at = least;
        }
        put(at, node);
    }

    LargeTable<Node> nodes_;
    LargeTable<uint32_t> place_;
    uint32_t size_ = 0;
};

} // namespace foregate::dataplane
