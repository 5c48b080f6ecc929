// SPDX-License-Identifier: BSD-3-Clause
// `flow explain`: made-up packets through the real stages, beside the gateway. A worker of its own that nobody polls has the
// tables in force, and everything it could change is its own: flows, counters, held connections, rings, packet buffers.
#pragma once

#include "dataplane/generation.h"
#include "dataplane/rehearsed.h"
#include "dataplane/settings.h"
#include "dataplane/worker/worker_state.h"

#include <cstdint>
#include <vector>

namespace foregate::dataplane {

/// Control core. The generation in `generations` must not be retired meanwhile (only the control core does that). Throws
/// std::runtime_error when there is no memory for it.
[[nodiscard]] RehearsalResult rehearse(const RehearsalOrder& order, const Settings& settings,
                                       const std::vector<PortLane>& lanes, unsigned workers, GenerationSlot& generations,
                                       std::uint64_t now_ns);

} // namespace foregate::dataplane
