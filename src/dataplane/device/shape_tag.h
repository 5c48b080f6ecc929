// SPDX-License-Identifier: BSD-3-Clause
// What a worker tells the shaper about a packet; it lies in the packet buffer's private area.
#pragma once

#include "dataplane/shape/shape_settings.h"

#include <cstdint>
#include <rte_mbuf.h>

namespace foregate::dataplane {

struct ShapeTag {
    std::uint32_t pipe = 0;      ///< the desktop's number; 0 = nobody's
    std::uint32_t flow_hash = 0;
    std::uint16_t allotment = 0; ///< 0 = none
    TrafficClass traffic_class = TrafficClass::regular;
};

/// Private bytes of every packet buffer.
inline constexpr unsigned kShapeTagBytes = 16;
static_assert(sizeof(ShapeTag) <= kShapeTagBytes && kShapeTagBytes % RTE_MBUF_PRIV_ALIGN == 0);

/// Any packet of our own pools has one.
[[nodiscard]] inline ShapeTag& shape_tag(rte_mbuf* packet) noexcept {
    return *static_cast<ShapeTag*>(rte_mbuf_to_priv(packet));
}

} // namespace foregate::dataplane
