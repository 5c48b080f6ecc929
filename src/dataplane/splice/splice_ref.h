// SPDX-License-Identifier: BSD-3-Clause
// Names one connection of one Splicer; a reference outlives its connection harmlessly (the epoch).
// Plain data.
#pragma once

#include "dataplane/splice/slot_index.h"

#include <cstdint>

namespace foregate::dataplane {

struct SpliceRef {
    std::uint32_t index = kNoSlot;
    std::uint32_t epoch = 0;

    friend bool operator==(const SpliceRef&, const SpliceRef&) = default;
};

} // namespace foregate::dataplane
