// SPDX-License-Identifier: BSD-3-Clause
// What a worker tells the shaper about a packet. It lies in the first line of the packet buffer, in the eight bytes of
// the receive hash, which nobody needs any more once a packet is on its way out.
#pragma once

#include "dataplane/shape/shape_settings.h"

#include <cstdint>
#include <rte_mbuf.h>

namespace foregate::dataplane {

struct ShapeTag {
    std::uint32_t pipe : 24 = 0; ///< the desktop's number; 0 = nobody's
    TrafficClass traffic_class : 8 = TrafficClass::regular;
    std::uint16_t allotment = 0; ///< 0 = none
    std::uint16_t flow_hash = 0;
};
static_assert(sizeof(ShapeTag) == sizeof(rte_mbuf::hash));

[[nodiscard]] inline ShapeTag& shape_tag(rte_mbuf* packet) noexcept {
    return reinterpret_cast<ShapeTag&>(packet->hash);
}

} // namespace foregate::dataplane
