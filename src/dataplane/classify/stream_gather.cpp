// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/classify/stream_gather.h"

#include <algorithm>

namespace foregate::dataplane {

bool StreamGather::add(std::uint32_t seq, std::span<const std::uint8_t> payload) noexcept {
    const auto distance = static_cast<std::int32_t>(seq - first_seq_);
    if (distance >= 0) {
        return add_at(static_cast<std::uint32_t>(distance), payload);
    }
    const std::size_t before = 0U - static_cast<std::uint32_t>(distance);
    return before < payload.size() && add_at(0, payload.subspan(before));
}

bool StreamGather::add_at(std::uint64_t offset, std::span<const std::uint8_t> payload) noexcept {
    if (offset >= kGatherBytes || payload.empty()) {
        return false;
    }
    const auto from = static_cast<std::size_t>(offset);
    payload = payload.first(std::min(payload.size(), kGatherBytes - from));
    const std::size_t to = from + payload.size();

    // Pieces [first, last) overlap or touch the new bytes and become one with them.
    std::size_t first = 0;
    while (first < piece_count_ && pieces_[first].end < from) {
        ++first;
    }
    std::size_t last = first;
    while (last < piece_count_ && pieces_[last].begin <= to) {
        ++last;
    }
    if (first == last && piece_count_ == kMaxPieces) {
        return false;
    }
    const std::size_t grown_from = contiguous().size();

    std::size_t at = from; // copy into the holes only: what was there first stays
    for (std::size_t i = first; i < last; ++i) {
        if (pieces_[i].begin > at) {
            std::copy_n(payload.data() + (at - from), pieces_[i].begin - at, bytes_.data() + at);
        }
        at = std::max<std::size_t>(at, pieces_[i].end);
    }
    if (to > at) {
        std::copy_n(payload.data() + (at - from), to - at, bytes_.data() + at);
    }

    Piece joined{static_cast<std::uint16_t>(from), static_cast<std::uint16_t>(to)};
    const auto place = pieces_.begin() + static_cast<std::ptrdiff_t>(first);
    const auto end = pieces_.begin() + static_cast<std::ptrdiff_t>(piece_count_);
    if (first == last) {
        std::copy_backward(place, end, end + 1);
        ++piece_count_;
    } else {
        joined.begin = std::min(joined.begin, pieces_[first].begin);
        joined.end = std::max(joined.end, pieces_[last - 1].end);
        std::copy(pieces_.begin() + static_cast<std::ptrdiff_t>(last), end, place + 1);
        piece_count_ -= static_cast<std::uint32_t>(last - first - 1);
    }
    pieces_[first] = joined;
    return contiguous().size() > grown_from;
}

} // namespace foregate::dataplane
