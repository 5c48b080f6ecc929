// SPDX-License-Identifier: BSD-3-Clause
// A polling core: turns of its worker and of the transmit stages it owns, until it is told to stop.
#pragma once

#include "dataplane/counters.h"
#include "dataplane/device/clock.h"
#include "dataplane/generation.h"
#include "dataplane/worker/transmit_stage.h"
#include "dataplane/worker/worker.h"

#include <atomic>
#include <vector>

namespace foregate::dataplane {

/// Started and destroyed by the control core.
class PollingCore {
public:
    /// `worker` may be null (a shaper's own core), `transmit` may be empty.
    PollingCore(unsigned lcore, const Clock& clock, bool idle_sleep, Worker* worker, GenerationSlot* generations,
                std::vector<TransmitStage*> transmit)
        : lcore_(lcore), clock_(clock), idle_sleep_(idle_sleep), worker_(worker), generations_(generations),
          transmit_(std::move(transmit)) {}
    ~PollingCore();
    PollingCore(const PollingCore&) = delete;
    PollingCore& operator=(const PollingCore&) = delete;

    /// Throws std::runtime_error when the lcore is busy.
    void start();

    /// Read by any thread.
    [[nodiscard]] const CoreTime& time() const noexcept { return time_; }

private:
    static int entry(void* self);
    void run() noexcept;
    void rest(std::uint64_t now_ns, unsigned idle_turns) noexcept;

    unsigned lcore_;
    const Clock& clock_;
    bool idle_sleep_;
    Worker* worker_;
    GenerationSlot* generations_;
    std::vector<TransmitStage*> transmit_;
    CoreTime time_;
    std::atomic<bool> stop_{false};
    bool started_ = false;
};

} // namespace foregate::dataplane
