// SPDX-License-Identifier: BSD-3-Clause
// The primaries' transparent pair: every frame that comes in by one port leaves by the other, untouched.
#pragma once

#include "dataplane/counters.h"
#include "dataplane/device/port.h"
#include "dataplane/watch/capture_point.h"

#include <array>

namespace foregate::dataplane {

/// Owns both directions of both ports; called by one worker only.
class PrimaryStage {
public:
    PrimaryStage(Port& desktops, Port& clients, CounterBlock& counters, CapturePoint& capture) noexcept
        : ports_{&desktops, &clients}, counters_(counters), capture_(capture) {}

    /// True when anything moved.
    bool run(std::uint64_t now_ns) noexcept;

private:
    std::array<Port*, 2> ports_;
    CounterBlock& counters_;
    CapturePoint& capture_;
};

} // namespace foregate::dataplane
