// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/worker/stages.h"

#include <cstring>
#include <rte_ring.h>

namespace foregate::dataplane {

namespace {

bool is_icmp_error(const ParsedPacket& p) noexcept {
    return (p.protocol == kProtoIcmp && (p.icmp_type == 3 || p.icmp_type == 11 || p.icmp_type == 12)) ||
           (p.protocol == kProtoIcmpv6 && p.icmp_type >= 1 && p.icmp_type <= 4);
}

/// Neighbour discovery and router messages (RFC 4861) are between hosts and kernels, never forwarded.
bool is_neighbour_discovery(const ParsedPacket& p) noexcept {
    return p.protocol == kProtoIcmpv6 && p.icmp_type >= 133 && p.icmp_type <= 137;
}

} // namespace

void IngressStage::run(PacketBatch& batch, bool redirected) noexcept {
    for (BatchSlot& slot : batch) {
        rte_prefetch0(rte_pktmbuf_mtod(slot.packet, const void*));
    }
    for (BatchSlot& slot : batch) {
        parse_one(slot);
        if (slot.fate != Fate::pending || redirected || redirect_.size() < 2) {
            continue;
        }
        const unsigned worker = owner(slot);
        if (worker != state_.index) {
            if (state_.generation->routes->is_local(slot.parsed.dst)) { // the kernel can have it from here as well
                slot.fate = Fate::kernel;
                continue;
            }
            state_.counters.add(Counter::redirected);
            if (rte_ring_mp_enqueue(redirect_[worker], slot.packet) != 0) {
                slot.drop(DropReason::redirect_full);
            } else {
                slot.fate = Fate::elsewhere;
            }
        }
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

unsigned IngressStage::owner(const BatchSlot& slot) const noexcept {
    const ParsedPacket& p = slot.parsed;
    const IpAddress* src = &p.src;
    const IpAddress* dst = &p.dst;
    IpAddress inner_src;
    IpAddress inner_dst;
    // An ICMP error belongs to the flow it speaks of, whoever sent it.
    if (is_icmp_error(p)) {
        const std::uint8_t* inner = slot.frame() + p.payload_offset;
        if (p.ip_version == 4 && p.payload_length >= 20) {
            inner_src = IpAddress::from_v4_wire(inner + 12);
            inner_dst = IpAddress::from_v4_wire(inner + 16);
            src = &inner_src;
            dst = &inner_dst;
        } else if (p.ip_version == 6 && p.payload_length >= 40) {
            inner_src = IpAddress::from_v6_wire(inner + 8);
            inner_dst = IpAddress::from_v6_wire(inner + 24);
            src = &inner_src;
            dst = &inner_dst;
        }
    }
    return static_cast<unsigned>(address_pair_hash(*src, *dst, state_.settings.seed) % redirect_.size());
}

} // namespace foregate::dataplane
