// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/worker/fragment_stage.h"

#include "dataplane/packet/fragment_info.h"
#include "dataplane/worker/address_gate.h"

namespace foregate::dataplane {

FragmentStage::FragmentStage(WorkerState& state)
    : state_(state), table_(FragmentLimits{}, state.settings.seed ^ 0x8f1bbcdc5be0cd19ULL, &FragmentStage::dropped, this) {}

void FragmentStage::dropped(void* self, void* packet, DropReason reason) noexcept {
    static_cast<FragmentStage*>(self)->state_.counters.drop(reason);
    rte_pktmbuf_free(static_cast<rte_mbuf*>(packet));
}

/// The flow stage asks the same of a new flow; here it keeps forged sources out of a table that everybody shares.
bool FragmentStage::sender_may(BatchSlot& slot) const noexcept {
    const DesktopTable& table = *state_.generation->desktops;
    const bool known = table.find(slot.parsed.src) != nullptr;
    const bool from_desktop = state_.lanes[slot.packet->port].kind == PortKind::desktop;
    if (from_desktop && !known && !table.allow_unknown()) {
        slot.drop(DropReason::unknown_desktop);
    } else if (!from_desktop && known) {
        slot.drop(DropReason::spoofed_source);
    }
    return slot.fate == Fate::pending;
}

void FragmentStage::run(PacketBatch& batch) noexcept {
    for (BatchSlot& slot : batch) {
        if (slot.fate == Fate::pending && slot.parsed.fragment) [[unlikely]] {
            if (pass_address_gate(slot, *state_.generation->routes)) {
                look_at(slot);
            }
        }
    }
}

void FragmentStage::look_at(BatchSlot& slot) noexcept {
    if (!sender_may(slot)) {
        return;
    }
    ParsedPacket& p = slot.parsed;
    const FragmentInfo info = fragment_info(slot.frame(), p);
    const FragmentPiece piece{info.offset, info.length, info.last};
    FragmentKey key{p.src, p.dst, info.id, 0};
    if (p.ip_version == 4) {
        key.protocol = p.protocol;
    }
    FragmentPorts ports{p.src_port, p.dst_port, p.protocol};
    const FragmentFate fate = p.later_fragment ? table_.later(key, piece, slot.packet, ports, state_.now_ms())
                                               : table_.first(key, piece, ports, state_.now_ms());
    p.src_port = ports.src_port;
    p.dst_port = ports.dst_port;
    p.protocol = ports.protocol;
    switch (fate) {
    case FragmentFate::pass:
        break;
    case FragmentFate::held:
        slot.fate = Fate::elsewhere;
        break;
    case FragmentFate::overlap:
        slot.drop(DropReason::overlapping_fragment);
        break;
    case FragmentFate::full:
        slot.drop(DropReason::fragment_table_full);
        break;
    }
}

void FragmentStage::take_released(PacketBatch& batch) noexcept {
    batch.count = 0;
    FragmentPorts ports;
    while (batch.count < batch.slots.size()) {
        auto* packet = static_cast<rte_mbuf*>(table_.take_released(ports));
        if (packet == nullptr) {
            return;
        }
        BatchSlot& slot = batch.slots[batch.count++];
        slot.begin(packet);
        if (parse(slot.frame(), rte_pktmbuf_data_len(packet), slot.parsed, HeaderChecksum::known_good) !=
            ParseResult::ip) {
            slot.drop(DropReason::bad_header); // cannot be: it was parsed when it was held
            continue;
        }
        slot.parsed.src_port = ports.src_port;
        slot.parsed.dst_port = ports.dst_port;
        slot.parsed.protocol = ports.protocol;
    }
}

} // namespace foregate::dataplane
