// SPDX-License-Identifier: BSD-3-Clause
// What addresses decide before there is a flow: asked once for each new flow, and of what never becomes one.
#pragma once

#include "dataplane/packet/address_rules.h"
#include "dataplane/tables/route_table.h"
#include "dataplane/worker/packet_batch.h"

namespace foregate::dataplane {

/// True when the packet is between two hosts and may be forwarded; otherwise its fate is set: to the kernel, or dropped
/// under its name.
[[nodiscard]] bool pass_address_gate(BatchSlot& slot, const RouteTable& routes) noexcept;

} // namespace foregate::dataplane
