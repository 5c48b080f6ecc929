// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/worker/stages.h"

#include "dataplane/packet/parse_plain.h"
#include "dataplane/packet/vlan_tags.h"
#include "dataplane/prefetch.h"
#include "dataplane/worker/address_gate.h"

#include <rte_ether.h>

namespace foregate::dataplane {

namespace {

/// Neighbour discovery and router messages (RFC 4861) are between hosts and kernels, never forwarded.
bool is_neighbour_discovery(const ParsedPacket& p) noexcept {
    return p.protocol == kProtoIcmpv6 && p.icmp_type >= 133 && p.icmp_type <= 137;
}

/// What the port says of a frame that makes it more than bytes to be parsed.
constexpr std::uint64_t kUnusual = RTE_MBUF_F_RX_IP_CKSUM_BAD | RTE_MBUF_F_RX_L4_CKSUM_BAD | RTE_MBUF_F_RX_VLAN_STRIPPED;

bool says_bad_checksum(std::uint64_t flags) noexcept {
    return (flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) == RTE_MBUF_F_RX_IP_CKSUM_BAD ||
           (flags & RTE_MBUF_F_RX_L4_CKSUM_MASK) == RTE_MBUF_F_RX_L4_CKSUM_BAD;
}

DropReason reason_of(ParseResult result) noexcept {
    switch (result) {
    case ParseResult::truncated:
        return DropReason::truncated;
    case ParseResult::bad_length:
        return DropReason::bad_length;
    case ParseResult::bad_checksum:
        return DropReason::bad_checksum;
    case ParseResult::tiny_fragment:
        return DropReason::tiny_fragment;
    case ParseResult::source_route:
        return DropReason::source_route;
    case ParseResult::extension_headers:
        return DropReason::extension_headers;
    case ParseResult::bad_header:
    case ParseResult::ip:
    case ParseResult::not_ip:
        break;
    }
    return DropReason::bad_header;
}

} // namespace

IngressStage::IngressStage(WorkerState& state) : state_(state) {
    for (const PortLane& lane : state.lanes) {
        rules_.emplace_back(*lane.port);
    }
}

void IngressStage::run(PacketBatch& batch, bool redirected) noexcept {
    for (BatchSlot& slot : batch) {
        prefetch_line(rte_pktmbuf_mtod(slot.packet, const void*));
    }
    for (BatchSlot& slot : batch) {
        parse_one(slot, redirected);
    }
}

void IngressStage::parse_one(BatchSlot& slot, bool redirected) noexcept {
    const std::uint64_t flags = slot.packet->ol_flags;
    if ((slot.packet->nb_segs != 1) | ((flags & kUnusual) != 0)) [[unlikely]] {
        if (!make_plain(slot)) {
            return;
        }
    }
    const bool good = (flags & RTE_MBUF_F_RX_IP_CKSUM_MASK) == RTE_MBUF_F_RX_IP_CKSUM_GOOD;
    const ParseResult result = parse_inline(slot.frame(), rte_pktmbuf_data_len(slot.packet), slot.parsed,
                                            good ? HeaderChecksum::known_good : HeaderChecksum::verify);
    const PortRule& rule = rules_[slot.packet->port];
    if ((slot.parsed.vlan_count | rule.vlan_count) != 0 && !redirected) [[unlikely]] {
        if (!take_tags(slot, rule)) {
            return;
        }
    }
    if (result != ParseResult::ip && result != ParseResult::not_ip) [[unlikely]] {
        slot.drop(reason_of(result));
        return;
    }
    if (PortRule::mac_of(slot.frame()) != rule.mac && !for_us_all_the_same(slot, rule, result)) [[unlikely]] {
        return;
    }
    if (result == ParseResult::not_ip || is_neighbour_discovery(slot.parsed)) [[unlikely]] {
        slot.fate = Fate::kernel;
    }
}

/// One buffer with the frame as it was on the wire. False: it ends here.
bool IngressStage::make_plain(BatchSlot& slot) noexcept {
    if (says_bad_checksum(slot.packet->ol_flags)) {
        slot.drop(DropReason::bad_checksum);
        return false;
    }
    if (slot.packet->nb_segs != 1 && rte_pktmbuf_linearize(slot.packet) != 0) {
        slot.drop(DropReason::multi_segment);
        return false;
    }
    if ((slot.packet->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) != 0) {
        slot.packet->ol_flags &= ~(RTE_MBUF_F_RX_VLAN_STRIPPED | RTE_MBUF_F_RX_VLAN);
        if (rte_vlan_insert(&slot.packet) != 0) {
            slot.drop(DropReason::multi_segment);
            return false;
        }
    }
    return true;
}

/// A frame must carry the port's tags and no others; a port without any takes priority tags too. They go.
bool IngressStage::take_tags(BatchSlot& slot, const PortRule& rule) noexcept {
    ParsedPacket& p = slot.parsed;
    bool right = p.vlan_count <= kMostVlanTags && (rule.vlan_count == 0 || p.vlan_count == rule.vlan_count);
    for (unsigned i = 0; i < p.vlan_count && right; ++i) {
        const unsigned wanted = rule.vlan_count == 0 ? 0 : rule.vlan[i];
        right = (p.vlan[i] & kVlanIdMask) == wanted;
    }
    if (!right) {
        slot.drop(DropReason::other_vlan);
        return false;
    }
    const auto bytes = static_cast<std::uint16_t>(p.vlan_count * kVlanTagBytes);
    remove_vlan_tags(slot.frame(), p);
    (void)rte_pktmbuf_adj(slot.packet, bytes);
    return true;
}

/// Not to the port's own address. True: to another one that it takes. Broadcast and multicast are the kernel's (ARP, ND,
/// DHCP, routing protocols); what a switch has flooded is on its way to somebody else.
bool IngressStage::for_us_all_the_same(BatchSlot& slot, const PortRule& rule, ParseResult result) noexcept {
    const std::uint8_t* frame = slot.frame();
    if ((frame[0] & 1) == 0) {
        if (!rule.accepts(PortRule::mac_of(frame))) {
            slot.drop(DropReason::other_host);
        }
        return slot.fate == Fate::pending;
    }
    if (result == ParseResult::not_ip || pass_address_gate(slot, *state_.generation->routes)) {
        // To one host, in a frame to many: the kernel sees it and does not forward it (RFC 1812 5.3.4).
        slot.fate = Fate::kernel;
    }
    return false;
}

} // namespace foregate::dataplane
