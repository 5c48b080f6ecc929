// SPDX-License-Identifier: BSD-3-Clause
// The beginning of one direction of a byte stream, put in order: TCP payload by sequence number,
// QUIC CRYPTO frames by offset. Fixed size, no allocation; one worker thread owns each object and
// takes it from a pool for as long as a flow is being classified.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace foregate::dataplane {

class StreamGather {
public:
    /// A ClientHello with a post-quantum key share has 1.7 to 2 KB; with a resumption ticket and an
    /// encrypted inner hello about 3 KB. 4 KB also holds most request heads with cookies, and the
    /// leaf certificate of most servers. What lies beyond is never kept.
    static constexpr std::size_t kGatherBytes = 4096;
    /// Pieces with holes between them. Chrome cuts its hello into up to eleven shuffled frames; one
    /// packet's frames leave at most six pieces at any moment.
    static constexpr std::size_t kMaxPieces = 16;

    /// Empties it. `first_seq` is the sequence number of the stream's first byte: the SYN's plus
    /// one, or of the first segment seen when there was no SYN.
    void begin(std::uint32_t first_seq) noexcept {
        first_seq_ = first_seq;
        piece_count_ = 0;
    }

    /// Takes a segment. Of a byte that comes twice the first copy stays. Bytes before the
    /// beginning or behind kGatherBytes are ignored, and so is what would make one piece too many.
    /// True when contiguous() grew.
    bool add(std::uint32_t seq, std::span<const std::uint8_t> payload) noexcept;

    /// The same with an offset from the beginning of the stream.
    bool add_at(std::uint64_t offset, std::span<const std::uint8_t> payload) noexcept;

    /// The bytes from the beginning up to the first hole; valid until begin() or add().
    [[nodiscard]] std::span<const std::uint8_t> contiguous() const noexcept {
        const bool some = piece_count_ > 0 && pieces_[0].begin == 0;
        return {bytes_.data(), some ? pieces_[0].end : std::size_t{0}};
    }

    /// contiguous() can grow no more.
    [[nodiscard]] bool full() const noexcept { return contiguous().size() == kGatherBytes; }

    /// Bytes are waiting behind a hole.
    [[nodiscard]] bool has_holes() const noexcept {
        return piece_count_ > 1 || (piece_count_ == 1 && pieces_[0].begin > 0);
    }

private:
    /// [begin, end) is there; pieces are sorted and never touch.
    struct Piece {
        std::uint16_t begin;
        std::uint16_t end;
    };

    std::uint32_t first_seq_ = 0;
    std::uint32_t piece_count_ = 0;
    std::array<Piece, kMaxPieces> pieces_;
    std::array<std::uint8_t, kGatherBytes> bytes_; // only what the pieces say is set
};

} // namespace foregate::dataplane
