// SPDX-License-Identifier: BSD-3-Clause
// Copies of frames on their way from one polling core to the thread that writes them: a ring of bytes.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace foregate::dataplane {

/// Seen from the gateway's port.
enum class CaptureDirection : std::uint8_t { in, out };

/// What stands before the bytes of a frame in the ring.
struct CapturedFrame {
    std::uint64_t time_ns = 0;  ///< of the polling cores' clock
    std::uint32_t length = 0;   ///< of the frame
    std::uint32_t kept = 0;     ///< bytes that follow
    std::uint16_t port = 0;
    CaptureDirection direction = CaptureDirection::in;

    [[nodiscard]] const std::uint8_t* bytes() const noexcept {
        return reinterpret_cast<const std::uint8_t*>(this + 1);
    }
};

/// One producer (reserve, commit), one consumer (front, pop); both wait-free, nothing allocated after construction.
class CaptureRing {
public:
    /// `bytes` is rounded up to a power of two of at least 64 KiB.
    explicit CaptureRing(std::size_t bytes);

    /// Room for the header's `kept` bytes, header written; nullptr when there is none. Visible to the consumer after commit().
    [[nodiscard]] std::uint8_t* reserve(const CapturedFrame& header) noexcept;
    void commit() noexcept { tail_.store(reserved_, std::memory_order_release); }

    /// The oldest frame, nullptr when there is none. Valid until pop().
    [[nodiscard]] const CapturedFrame* front() noexcept;
    void pop() noexcept;

    [[nodiscard]] std::size_t capacity() const noexcept { return mask_ + 1; }

private:
    /// A record's length stands in its first eight bytes; a record never wraps, what is left over at the end is skipped.
    struct Record {
        std::uint64_t size = 0; ///< of the whole record; with kSkip: nothing but room to pass over
        CapturedFrame frame{};
    };
    static constexpr std::uint64_t kSkip = 1ULL << 63;
    [[nodiscard]] std::uint64_t& word_at(std::uint64_t position) noexcept { return words_[(position & mask_) / 8]; }

    std::size_t mask_;
    std::unique_ptr<std::uint64_t[]> words_;
    alignas(64) std::atomic<std::uint64_t> head_{0}; ///< written by the consumer
    std::uint64_t cached_tail_ = 0;
    alignas(64) std::atomic<std::uint64_t> tail_{0}; ///< written by the producer
    std::uint64_t cached_head_ = 0;
    std::uint64_t reserved_ = 0; ///< tail after commit()
};

} // namespace foregate::dataplane
