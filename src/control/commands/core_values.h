// SPDX-License-Identifier: BSD-3-Clause
// JSON about the polling cores, made from what was read of them now and at the look before: `show cores`, `show drops`.
// Plain data; any thread.
#pragma once

#include "control/commands/values.h"
#include "dataplane/dataplane.h"

#include <span>
#include <vector>

namespace foregate::control {

/// What somebody saw last; empty before the first look.
struct CoreLook {
    SteadyTime at{};
    std::vector<dataplane::CoreView> cores;
};
struct DropLook {
    SteadyTime at{};
    std::vector<dataplane::DropView> drops;
};

/// {cores, stages, balance}: shares of time, packets and cycles since the look before, or since the start for the first.
[[nodiscard]] Json cores_value(const CoreLook& now, const CoreLook& before);

/// Every reason: count, packets a second since the look before (null for the first), who counted them, help. Those that
/// happened stand first, otherwise in the order of their definition.
[[nodiscard]] Json drop_rows(const DropLook& now, const DropLook& before);

/// Cycles a packet of one worker's stages; null where nothing was measured.
[[nodiscard]] Json cycles_per_packet(const dataplane::StageSums& sums);

} // namespace foregate::control
