// SPDX-License-Identifier: BSD-3-Clause
// A first-in first-out ring of ids, each in it at most once. An array and not a list, so that the
// ids some places ahead are known without touching what they stand for. One thread.
#pragma once

#include <bit>
#include <cstdint>

#include "dataplane/large_pages.h"

namespace foregate::dataplane {

class IdRing {
public:
    explicit IdRing(uint32_t ids) : ids_(std::bit_ceil(ids)), mask_(std::bit_ceil(ids) - 1) {}

    bool empty() const noexcept { return size_ == 0; }
    uint32_t size() const noexcept { return size_; }
    // The id so many places behind the first; needs ahead < size().
    uint32_t at(uint32_t ahead) const noexcept { return ids_[(head_ + ahead) & mask_]; }
    void append(uint32_t id) noexcept { ids_[(head_ + size_++) & mask_] = id; }
    void take_first() noexcept {
        ++head_;
        --size_;
    }

private:
    LargeTable<uint32_t> ids_;
    uint32_t mask_;
    uint32_t head_ = 0;
    uint32_t size_ = 0;
};

} // namespace foregate::dataplane
