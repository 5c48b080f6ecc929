// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/worker/stages.h"

#include <cstring>

namespace foregate::dataplane {

namespace {

/// Neighbour discovery and router messages (RFC 4861) are between hosts and kernels, never forwarded.
bool is_neighbour_discovery(const ParsedPacket& p) noexcept {
    return p.protocol == kProtoIcmpv6 && p.icmp_type >= 133 && p.icmp_type <= 137;
}

} // namespace

void IngressStage::run(PacketBatch& batch) noexcept {
    for (BatchSlot& slot : batch) {
        rte_prefetch0(rte_pktmbuf_mtod(slot.packet, const void*));
    }
    for (BatchSlot& slot : batch) {
        parse_one(slot);
    }
}

void IngressStage::parse_one(BatchSlot& slot) noexcept {
    if (slot.packet->nb_segs != 1 && rte_pktmbuf_linearize(slot.packet) != 0) {
        slot.drop(DropReason::multi_segment);
        return;
    }
    const MacAddress& own = state_.lanes[slot.packet->port].mac;
    if (std::memcmp(slot.frame(), own.data(), own.size()) != 0) {
        // Flooded by a switch, and on its way to somebody else; broadcast and multicast are the kernel's (ARP, ND, DHCP).
        if ((slot.frame()[0] & 1) == 0) {
            slot.drop(DropReason::other_host);
        } else {
            slot.fate = Fate::kernel;
        }
        return;
    }
    switch (parse(slot.frame(), rte_pktmbuf_data_len(slot.packet), slot.parsed)) {
    case ParseResult::truncated:
        slot.drop(DropReason::truncated);
        return;
    case ParseResult::bad_header:
        slot.drop(DropReason::bad_header);
        return;
    case ParseResult::not_ip:
        slot.fate = Fate::kernel;
        return;
    case ParseResult::ip:
        break;
    }
    if (is_neighbour_discovery(slot.parsed)) {
        slot.fate = Fate::kernel;
    }
}

} // namespace foregate::dataplane
