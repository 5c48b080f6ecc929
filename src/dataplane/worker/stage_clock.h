// SPDX-License-Identifier: BSD-3-Clause
// Reads the time-stamp counter after each stage of a measured burst. Called on the worker's core.
#pragma once

#include "dataplane/stage_cycles.h"

#include <rte_cycles.h>

namespace foregate::dataplane {

/// One measured burst: call done() after each stage.
class StageClock {
public:
    explicit StageClock(StageCycles& into) noexcept : into_(into), last_(rte_rdtsc()) {}
    void done(Stage stage) noexcept {
        const std::uint64_t now = rte_rdtsc();
        into_.cycles[static_cast<std::size_t>(stage)].add(now - last_);
        last_ = now;
    }

private:
    StageCycles& into_;
    std::uint64_t last_;
};

} // namespace foregate::dataplane
