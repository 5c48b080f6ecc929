// SPDX-License-Identifier: BSD-3-Clause
// A burst on its way through the stages of one worker.
#pragma once

#include "dataplane/device/port.h"
#include "dataplane/drop_reason.h"
#include "dataplane/flow.h"
#include "dataplane/packet/parse.h"

#include <array>
#include <cstdint>
#include <rte_mbuf.h>

namespace foregate::dataplane {

/// What becomes of a packet; later stages look at `pending` ones only.
enum class Fate : std::uint8_t {
    pending,
    kernel,  ///< to the kernel twin of the port it came in by
    consumed, ///< answered or kept by the splicer: to be freed
    elsewhere, ///< handed over (another worker's ring): no longer ours
    dropped,
};

struct BatchSlot {
    rte_mbuf* packet = nullptr;
    Flow* flow = nullptr;     ///< before the flow stage: a candidate
    std::uint64_t flow_hash = 0;
    Fate fate = Fate::pending;
    DropReason reason = DropReason::truncated;
    bool from_low = false;    ///< sent by the low end of the flow's key
    bool new_flow = false;    ///< this packet created the flow
    bool examined = false;    ///< of a capture: becomes a flow whatever its addresses are; never in a batch of poll()
    ParsedPacket parsed{};

    /// The slot is `fresh`'s now; what parsing fills in is left as it is.
    void begin(rte_mbuf* fresh) noexcept {
        packet = fresh;
        flow = nullptr;
        fate = Fate::pending;
        new_flow = false;
    }

    [[nodiscard]] std::uint8_t* frame() const noexcept { return rte_pktmbuf_mtod(packet, std::uint8_t*); }
    [[nodiscard]] bool from_desktop() const noexcept { return from_low == flow->desktop_is_low; }
    [[nodiscard]] bool is_tcp_syn() const noexcept {
        return parsed.protocol == kProtoTcp && (parsed.tcp_flags & (tcp_syn | tcp_ack)) == tcp_syn;
    }
    void drop(DropReason why) noexcept {
        fate = Fate::dropped;
        reason = why;
    }
};

struct PacketBatch {
    std::array<BatchSlot, kBurst> slots{};
    unsigned count = 0;

    [[nodiscard]] BatchSlot* begin() noexcept { return slots.data(); }
    [[nodiscard]] BatchSlot* end() noexcept { return slots.data() + count; }
};

} // namespace foregate::dataplane
