// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/worker/address_gate.h"

namespace foregate::dataplane {

bool pass_address_gate(BatchSlot& slot, const RouteTable& routes) noexcept {
    if (slot.examined) {
        return true;
    }
    const ParsedPacket& p = slot.parsed;
    if (!is_host(p.src, p.ip_version) || !is_host(p.dst, p.ip_version) || p.src == p.dst) {
        switch (judge_addresses(p)) {
        case AddressRule::ordinary:
            break;
        case AddressRule::kernel:
            slot.fate = Fate::kernel;
            break;
        case AddressRule::land:
            slot.drop(DropReason::land);
            return false;
        case AddressRule::martian_source:
            slot.drop(DropReason::martian_source);
            return false;
        case AddressRule::martian_destination:
            slot.drop(DropReason::martian_destination);
            return false;
        }
    }
    if (routes.is_own(p.src)) { // what we sent has come back, or somebody says to be us
        slot.drop(DropReason::martian_source);
    } else if (routes.is_own(p.dst)) {
        slot.fate = Fate::kernel;
    }
    return slot.fate == Fate::pending;
}

} // namespace foregate::dataplane
