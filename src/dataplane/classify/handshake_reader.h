// SPDX-License-Identifier: BSD-3-Clause
// Reads the bytes of TLS handshake messages one after the other, across record boundaries, without
// copying the stream. Inside classify/ only; pure, any thread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

namespace foregate::dataplane {

enum class HandshakeFraming : std::uint8_t {
    records, ///< a TLS stream: handshake bytes in records of content type 22
    bare,    ///< the handshake bytes themselves, as QUIC and DTLS carry them
};

/// The first shortage or contradiction sticks: after it every read gives zeros.
class HandshakeReader {
public:
    HandshakeReader(std::span<const std::uint8_t> stream, HandshakeFraming framing) noexcept
        : stream_(stream),
          left_in_record_(
              framing == HandshakeFraming::bare ? std::numeric_limits<std::size_t>::max() : 0) {}

    [[nodiscard]] bool ok() const noexcept { return state_ == State::reading; }
    [[nodiscard]] bool short_of_bytes() const noexcept { return state_ == State::short_of_bytes; }

    std::uint8_t u8() noexcept {
        if (const std::uint8_t* there = lying_whole(1)) {
            return *there;
        }
        std::uint8_t value = 0;
        take(1, &value);
        return value;
    }
    std::uint16_t u16() noexcept {
        if (const std::uint8_t* there = lying_whole(2)) {
            return static_cast<std::uint16_t>(there[0] << 8 | there[1]);
        }
        std::uint8_t value[2] = {};
        take(2, value);
        return static_cast<std::uint16_t>(value[0] << 8 | value[1]);
    }
    std::uint32_t u24() noexcept {
        const std::uint32_t high = u8();
        return high << 16 | u16();
    }
    void skip(std::size_t count) noexcept { take(count, nullptr); }

    /// Copies or skips `count` bytes; returns how many were there.
    std::size_t take(std::size_t count, std::uint8_t* to) noexcept {
        if (const std::uint8_t* there = lying_whole(count)) {
            if (to != nullptr) {
                std::copy_n(there, count, to);
            }
            return count;
        }
        std::size_t taken = 0;
        while (taken < count && ok()) {
            if (left_in_record_ == 0 && !open_record()) {
                break;
            }
            const std::size_t step =
                std::min({count - taken, left_in_record_, stream_.size() - at_});
            if (step == 0) {
                state_ = State::short_of_bytes;
                break;
            }
            if (to != nullptr) {
                std::copy_n(stream_.data() + at_, step, to + taken);
            }
            at_ += step;
            left_in_record_ -= step;
            taken += step;
        }
        return taken;
    }

private:
    enum class State : std::uint8_t { reading, short_of_bytes, wrong };

    static constexpr std::uint8_t kContentHandshake = 22;
    static constexpr std::size_t kRecordHeaderBytes = 5;
    static constexpr std::size_t kMaxRecordBytes = 16384;

    /// The next `count` bytes, taken, if one record has them all: nearly always. Else nullptr, with nothing taken.
    const std::uint8_t* lying_whole(std::size_t count) noexcept {
        if (!ok() || left_in_record_ < count || stream_.size() - at_ < count) {
            return nullptr;
        }
        const std::uint8_t* there = stream_.data() + at_;
        at_ += count;
        left_in_record_ -= count;
        return there;
    }

    bool open_record() noexcept {
        const std::size_t there = std::min(stream_.size() - at_, kRecordHeaderBytes);
        const std::uint8_t* header = stream_.data() + at_;
        // Judge what is there, so that other protocols are recognised by their first bytes.
        if ((there > 0 && header[0] != kContentHandshake) || (there > 1 && header[1] != 3)) {
            state_ = State::wrong;
            return false;
        }
        if (there < kRecordHeaderBytes) {
            state_ = State::short_of_bytes;
            return false;
        }
        left_in_record_ = static_cast<std::size_t>(header[3] << 8 | header[4]);
        if (left_in_record_ == 0 || left_in_record_ > kMaxRecordBytes) {
            state_ = State::wrong;
            return false;
        }
        at_ += kRecordHeaderBytes;
        return true;
    }

    std::span<const std::uint8_t> stream_;
    std::size_t at_ = 0;
    std::size_t left_in_record_;
    State state_ = State::reading;
};

} // namespace foregate::dataplane
