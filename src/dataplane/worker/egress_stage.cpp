// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/worker/stages.h"

#include "dataplane/packet/checksum.h"
#include "dataplane/packet/mss_clamp.h"

#include <algorithm>

namespace foregate::dataplane {

namespace {

/// The caller has seen that TTL or hop limit is above one.
void decrement_ttl(std::uint8_t* frame, const ParsedPacket& p) noexcept {
    std::uint8_t* ip = frame + p.l3_offset;
    if (p.ip_version == 6) {
        --ip[7];
        return;
    }
    const std::uint16_t before = load_be16(ip + 8);
    --ip[8];
    store_be16(ip + 10, checksum_update16(load_be16(ip + 10), before, load_be16(ip + 8)));
}

} // namespace

void EgressStage::run(PacketBatch& batch) noexcept {
    for (BatchSlot& slot : batch) {
        switch (slot.fate) {
        case Fate::pending:
            forward_one(slot);
            break;
        case Fate::kernel:
            outlet_.to_kernel(slot.packet);
            break;
        case Fate::dropped:
            outlet_.drop(slot.packet, slot.reason);
            break;
        case Fate::consumed:
            state_.counters.add(Counter::answered_here);
            rte_pktmbuf_free(slot.packet);
            break;
        case Fate::elsewhere:
            break;
        }
    }
}

/// No segment may be offered that does not fit through both ports.
void EgressStage::clamp_syn(BatchSlot& slot, std::uint16_t out) noexcept {
    const ParsedPacket& p = slot.parsed;
    const PortSettings& in = state_.lanes[slot.packet->port].port->settings();
    const std::uint16_t most = std::min(in.most_mss(p.ip_version), state_.lanes[out].port->settings().most_mss(p.ip_version));
    (void)clamp_mss(slot.frame() + p.l4_offset, static_cast<unsigned>(p.payload_offset - p.l4_offset), most);
}

void EgressStage::forward_one(BatchSlot& slot) noexcept {
    const Flow& flow = *slot.flow;
    const Hop& hop = state_.generation->routes->hop(flow.hops[slot.from_low ? 0 : 1]);
    // No route yet, a neighbour to be found, TTL at its end or a frame too long: the kernel knows what to do, and
    // answers with the right ICMP error.
    if (hop.kind != Hop::Kind::forward || slot.parsed.ttl <= 1 ||
        slot.parsed.ip_length > state_.lanes[hop.port].mtu) {
        outlet_.to_kernel(slot.packet);
        return;
    }
    decrement_ttl(slot.frame(), slot.parsed);
    if ((slot.parsed.tcp_flags & tcp_syn) != 0) [[unlikely]] {
        clamp_syn(slot, hop.port);
    }
    ShapeTag tag;
    if (flow.has_desktop) {
        tag.pipe = (flow.desktop < state_.settings.max_desktops ? flow.desktop : 0) & 0xffffffU;
        tag.allotment = slot.from_desktop() ? flow.allotment.up : flow.allotment.down;
    }
    tag.flow_hash = static_cast<std::uint16_t>(slot.flow_hash >> 16);
    tag.traffic_class = tag.allotment != 0 ? TrafficClass::allotted : TrafficClass::regular;
    outlet_.forward(slot.packet, hop, tag);
}

} // namespace foregate::dataplane
