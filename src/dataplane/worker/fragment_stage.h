// SPDX-License-Identifier: BSD-3-Clause
// A part of ingress: fragments get the ports of their packet's first one, so that the flow stage finds their flow.
#pragma once

#include "dataplane/fragment/fragment_table.h"
#include "dataplane/worker/packet_batch.h"
#include "dataplane/worker/worker_state.h"

namespace foregate::dataplane {

/// Owned by one worker; holds packet buffers.
class FragmentStage {
public:
    explicit FragmentStage(WorkerState& state);

    /// Pending fragments: their ports are filled in, or they are held (`elsewhere`), or dropped.
    void run(PacketBatch& batch) noexcept;
    /// Fragments that were held and whose first one has come are waiting.
    [[nodiscard]] bool has_released() const noexcept { return table_.has_released(); }
    /// They become the batch, parsed and pending, as many as fit.
    void take_released(PacketBatch& batch) noexcept;
    /// Between bursts: what was held too long ends here.
    void expire() noexcept { table_.expire(state_.now_ms()); }

private:
    void look_at(BatchSlot& slot) noexcept;
    static void dropped(void* self, void* packet, DropReason reason) noexcept;
    [[nodiscard]] bool sender_may(BatchSlot& slot) const noexcept;

    WorkerState& state_;
    FragmentTable table_;
};

} // namespace foregate::dataplane
