// SPDX-License-Identifier: BSD-3-Clause
// A bounded single-producer, single-consumer queue of small values between the control core and one polling core.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <type_traits>

namespace foregate::dataplane {

/// post() by one thread, take() by one other; both wait-free. Capacity is a power of two.
template <typename T>
class Mailbox {
    static_assert(std::is_trivially_copyable_v<T>);

public:
    explicit Mailbox(std::size_t capacity) : mask_(round_up(capacity) - 1), slots_(new T[mask_ + 1]) {}

    /// False when full: the caller counts it and, for orders, tries again later.
    bool post(const T& value) noexcept {
        const auto tail = tail_.load(std::memory_order_relaxed);
        if (tail - cached_head_ > mask_) {
            cached_head_ = head_.load(std::memory_order_acquire);
            if (tail - cached_head_ > mask_) {
                return false;
            }
        }
        slots_[tail & mask_] = value;
        tail_.store(tail + 1, std::memory_order_release);
        return true;
    }

    bool take(T& out) noexcept {
        const auto head = head_.load(std::memory_order_relaxed);
        if (head == cached_tail_) {
            cached_tail_ = tail_.load(std::memory_order_acquire);
            if (head == cached_tail_) {
                return false;
            }
        }
        out = slots_[head & mask_];
        head_.store(head + 1, std::memory_order_release);
        return true;
    }

private:
    static std::size_t round_up(std::size_t n) noexcept {
        std::size_t p = 2;
        while (p < n) {
            p *= 2;
        }
        return p;
    }

    const std::size_t mask_;
    std::unique_ptr<T[]> slots_;
    alignas(64) std::atomic<std::size_t> head_{0}; ///< written by the consumer
    std::size_t cached_tail_ = 0;                  ///< the consumer's
    alignas(64) std::atomic<std::size_t> tail_{0}; ///< written by the producer
    std::size_t cached_head_ = 0;                  ///< the producer's
};

} // namespace foregate::dataplane
