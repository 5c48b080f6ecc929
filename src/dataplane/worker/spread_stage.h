// SPDX-License-Identifier: BSD-3-Clause
// What belongs to another worker goes there: by the workers' rings, one burst for each of them.
#pragma once

#include "dataplane/device/owner_rule.h"
#include "dataplane/worker/packet_batch.h"
#include "dataplane/worker/worker_state.h"

#include <vector>

namespace foregate::dataplane {

/// How a worker reaches the others. With one worker: no rings, no rule.
struct SpreadLanes {
    std::vector<rte_ring*> rings;    ///< by worker, each taken from by that worker alone
    const OwnerRule* rule = nullptr; ///< outlives the worker
};

/// After ingress. Also where the interfaces choose the queue: what they got wrong is put right here, and counted.
class SpreadStage {
public:
    SpreadStage(WorkerState& state, SpreadLanes lanes);
    void run(PacketBatch& batch) noexcept;
    /// Packets that others have sent here; nullptr with one worker.
    [[nodiscard]] rte_ring* own_ring() const noexcept {
        return targets_.size() < 2 ? nullptr : targets_[state_.index].ring;
    }

private:
    /// Packets on their way to one other worker; empty between bursts.
    struct alignas(64) Target {
        rte_ring* ring = nullptr;
        unsigned count = 0;
        std::array<void*, kBurst> packets{};
        std::array<BatchSlot*, kBurst> slots{};
    };
    [[nodiscard]] unsigned owner(const BatchSlot& slot) const noexcept;
    void hand_over(Target& target) noexcept;

    WorkerState& state_;
    const OwnerRule* rule_;
    std::vector<Target> targets_; ///< by worker
};

} // namespace foregate::dataplane
