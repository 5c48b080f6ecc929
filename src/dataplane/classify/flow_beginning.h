// SPDX-License-Identifier: BSD-3-Clause
// Who asks and who answers in a flow, by the first packet of it that was seen. Pure.
#pragma once

#include "dataplane/classify/catalogue.h"
#include "dataplane/packet/parse.h"

namespace foregate::dataplane {

struct FlowBeginning {
    bool from_client = true; ///< the packet's sender began the flow
    bool seen = false;       ///< and this is its first packet, so that is certain
};

/// TCP says it by SYN. Of what else there is the end whose port alone a protocol is known by is the server: a gateway
/// that has just started, or a capture, may come in the middle.
[[nodiscard]] inline FlowBeginning flow_beginning(const ParsedPacket& packet, const Catalogue& catalogue) noexcept {
    const bool tcp = packet.protocol == kProtoTcp;
    if (tcp && (packet.tcp_flags & tcp_syn) != 0) {
        return {(packet.tcp_flags & tcp_ack) == 0, true};
    }
    if (!tcp && packet.protocol != kProtoUdp) {
        return {true, true};
    }
    const PortSpace space = tcp ? PortSpace::tcp : PortSpace::udp;
    const bool from_server = catalogue.port_protocol(space, packet.src_port) != Catalogue::kUnknown &&
                             catalogue.port_protocol(space, packet.dst_port) == Catalogue::kUnknown;
    return {!from_server, !tcp && !from_server};
}

} // namespace foregate::dataplane
