// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/watch/capture_ring.h"

#include <algorithm>
#include <bit>
#include <new>

namespace foregate::dataplane {

CaptureRing::CaptureRing(std::size_t bytes)
    : mask_(std::bit_ceil(std::max<std::size_t>(bytes, 64 * 1024)) - 1),
      words_(std::make_unique<std::uint64_t[]>((mask_ + 1) / 8)) {}

std::uint8_t* CaptureRing::reserve(const CapturedFrame& header) noexcept {
    const std::uint64_t size = (sizeof(Record) + header.kept + 7) & ~std::uint64_t{7};
    std::uint64_t tail = tail_.load(std::memory_order_relaxed);
    const std::uint64_t to_end = capacity() - (tail & mask_);
    const std::uint64_t skipped = to_end < size ? to_end : 0;
    if (size > capacity() / 2) {
        return nullptr;
    }
    if (tail + skipped + size - cached_head_ > capacity()) {
        cached_head_ = head_.load(std::memory_order_acquire);
        if (tail + skipped + size - cached_head_ > capacity()) {
            return nullptr;
        }
    }
    if (skipped != 0) {
        word_at(tail) = skipped | kSkip;
        tail += skipped;
    }
    auto* record = new (&word_at(tail)) Record{size, header};
    reserved_ = tail + size;
    return reinterpret_cast<std::uint8_t*>(record + 1);
}

const CapturedFrame* CaptureRing::front() noexcept {
    std::uint64_t head = head_.load(std::memory_order_relaxed);
    if (head == cached_tail_) {
        cached_tail_ = tail_.load(std::memory_order_acquire);
        if (head == cached_tail_) {
            return nullptr;
        }
    }
    if ((word_at(head) & kSkip) != 0) { // a record always follows: both are made visible by one commit()
        head += word_at(head) & ~kSkip;
        head_.store(head, std::memory_order_release);
    }
    return &reinterpret_cast<const Record*>(&word_at(head))->frame;
}

void CaptureRing::pop() noexcept {
    const std::uint64_t head = head_.load(std::memory_order_relaxed);
    head_.store(head + word_at(head), std::memory_order_release);
}

} // namespace foregate::dataplane
