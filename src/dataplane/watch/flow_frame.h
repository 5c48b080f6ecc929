// SPDX-License-Identifier: BSD-3-Clause
// A made-up frame of a flow, so that a filter for packets can also choose flows. Pure; any thread.
#pragma once

#include "dataplane/packet/ip_address.h"
#include "dataplane/watch/packet_filter.h"

#include <cstdint>
#include <vector>

namespace foregate::dataplane {

/// Ethernet, IP and transport header without payload, in the direction source to destination; both of one family. The
/// transport's checksum is left 0, Ethernet addresses too. Ports are ignored where the protocol has none.
[[nodiscard]] std::vector<std::uint8_t> flow_frame(const IpAddress& source, std::uint16_t source_port,
                                                   const IpAddress& destination, std::uint16_t destination_port,
                                                   std::uint8_t protocol);

/// True when a packet of the flow, in one of its directions, would match as far as its five-tuple tells.
[[nodiscard]] bool matches_flow(const PacketFilter& filter, const IpAddress& source, std::uint16_t source_port,
                                const IpAddress& destination, std::uint16_t destination_port, std::uint8_t protocol);

} // namespace foregate::dataplane
