// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/worker/spread_stage.h"

#include "dataplane/worker/address_gate.h"

#include <rte_ring.h>

namespace foregate::dataplane {

namespace {

bool is_icmp_error(const ParsedPacket& p) noexcept {
    return (p.protocol == kProtoIcmp && (p.icmp_type == 3 || p.icmp_type == 11 || p.icmp_type == 12)) ||
           (p.protocol == kProtoIcmpv6 && p.icmp_type >= 1 && p.icmp_type <= 4);
}

} // namespace

SpreadStage::SpreadStage(WorkerState& state, SpreadLanes lanes) : state_(state), rule_(lanes.rule) {
    targets_.resize(lanes.rings.size());
    for (std::size_t i = 0; i < targets_.size(); ++i) {
        targets_[i].ring = lanes.rings[i];
    }
}

void SpreadStage::run(PacketBatch& batch) noexcept {
    if (targets_.size() < 2) {
        return;
    }
    bool any = false;
    for (BatchSlot& slot : batch) {
        const unsigned worker = slot.fate == Fate::pending ? owner(slot) : state_.index;
        if (worker == state_.index) {
            continue;
        }
        if (pass_address_gate(slot, *state_.generation->routes)) { // the kernel can have it from here as well
            Target& target = targets_[worker];
            target.slots[target.count] = &slot;
            target.packets[target.count++] = slot.packet;
            any = true;
        }
    }
    if (any) {
        for (Target& target : targets_) {
            hand_over(target);
        }
    }
}

void SpreadStage::hand_over(Target& target) noexcept {
    if (target.count == 0) {
        return;
    }
    const unsigned taken = rte_ring_mp_enqueue_burst(target.ring, target.packets.data(), target.count, nullptr);
    for (unsigned i = 0; i < taken; ++i) {
        target.slots[i]->fate = Fate::elsewhere;
    }
    for (unsigned i = taken; i < target.count; ++i) {
        target.slots[i]->drop(DropReason::redirect_full);
    }
    state_.counters.add(Counter::redirected, target.count);
    target.count = 0;
}

unsigned SpreadStage::owner(const BatchSlot& slot) const noexcept {
    const ParsedPacket& p = slot.parsed;
    // An ICMP error belongs to the flow it speaks of, whoever sent it.
    if (is_icmp_error(p)) {
        const std::uint8_t* inner = slot.frame() + p.payload_offset;
        if (p.ip_version == 4 && p.payload_length >= 20) {
            return rule_->owner(IpAddress::from_v4_wire(inner + 12), IpAddress::from_v4_wire(inner + 16));
        }
        if (p.ip_version == 6 && p.payload_length >= 40) {
            return rule_->owner(IpAddress::from_v6_wire(inner + 8), IpAddress::from_v6_wire(inner + 24));
        }
    }
    return rule_->owner(p.src, p.dst);
}

} // namespace foregate::dataplane
