// SPDX-License-Identifier: BSD-3-Clause
// From a captured packet to what the gateway's parser takes: an Ethernet frame with an IP packet, whose lengths fit what
// was captured. Link headers, VLAN and MPLS tags go; tunnels are descended, the innermost IP packet counts. Bounded.
#pragma once

#include "control/classify/capture_file.h"

#include <cstdint>
#include <span>
#include <vector>

namespace foregate::control {

enum class UnwrapResult : std::uint8_t {
    ip,      ///< `frame` holds an Ethernet frame with the innermost IP packet
    not_ip,  ///< `ether_type` tells what it is
    unknown, ///< link type or headers that are not understood
};

struct Unwrapped {
    std::uint16_t ether_type = 0;    ///< of not_ip, 0 when there is none (802.3)
    std::vector<std::uint8_t> frame; ///< reused from call to call
    std::span<const std::uint8_t> rest; ///< of not_ip: behind the EtherType, in the capture
};

/// `descend`: also into GRE, VXLAN, Geneve, Teredo, IP in IP (a mobile network's GTP is what it is); without, only link headers and tags go.
[[nodiscard]] UnwrapResult unwrap(const CapturedPacket& packet, bool descend, Unwrapped& out);

} // namespace foregate::control
