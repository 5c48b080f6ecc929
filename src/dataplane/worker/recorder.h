// SPDX-License-Identifier: BSD-3-Clause
// Notes what each stage does to one packet that is alone in its batch. On the worker's core, only while a trace is armed.
#pragma once

#include "dataplane/watch/trace.h"
#include "dataplane/worker/packet_batch.h"
#include "dataplane/worker/worker_state.h"

namespace foregate::dataplane {

class Recorder {
public:
    /// `slot` is about to enter the first stage.
    Recorder(const WorkerState& state, const BatchSlot& slot, bool redirected, TracedPacket& into) noexcept;
    /// `slot` has left `stage`. After the last one its packet is somebody else's: only the slot and the flow are read.
    void after(Stage stage, const BatchSlot& slot) noexcept;

private:
    void note_flow(const BatchSlot& slot, StageNote& note) const noexcept;
    void note_changes(StageNote& note) noexcept;

    const WorkerState& state_;
    TracedPacket& into_;
    std::array<std::uint64_t, kCounters> counters_{};
    std::array<std::uint64_t, kDropReasons> drops_{};
};

} // namespace foregate::dataplane
