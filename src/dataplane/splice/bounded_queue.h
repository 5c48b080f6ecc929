// SPDX-License-Identifier: BSD-3-Clause
// A bounded first-in first-out queue inside one thread: filled by the Splicer, drained by its
// worker after every call. Entries are written in place; a push into a full queue is refused and
// counted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace foregate::dataplane {

template <typename T> class BoundedQueue {
public:
    explicit BoundedQueue(std::size_t capacity) : entries_(capacity == 0 ? 1 : capacity) {}

    /// The entry to be filled (it keeps the bytes of an older one), or nullptr when full.
    [[nodiscard]] T* push() noexcept {
        if (size_ == entries_.size()) {
            ++refused_;
            return nullptr;
        }
        std::size_t at = head_ + size_;
        at = at >= entries_.size() ? at - entries_.size() : at;
        ++size_;
        return &entries_[at];
    }
    /// The oldest entry, valid until pop(); nullptr when empty.
    [[nodiscard]] const T* front() const noexcept {
        return size_ == 0 ? nullptr : &entries_[head_];
    }
    void pop() noexcept {
        head_ = head_ + 1 == entries_.size() ? 0 : head_ + 1;
        --size_;
    }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::size_t room() const noexcept { return entries_.size() - size_; }
    [[nodiscard]] std::uint64_t refused() const noexcept { return refused_; }

private:
    std::vector<T> entries_;
    std::size_t head_ = 0;
    std::size_t size_ = 0;
    std::uint64_t refused_ = 0;
};

} // namespace foregate::dataplane
