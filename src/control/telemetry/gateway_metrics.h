// SPDX-License-Identifier: BSD-3-Clause
// What Prometheus gets to see of the gateway; docs/metrics.md lists every name. No label names a
// desktop, a flow or a destination.
#pragma once

#include "control/telemetry/metrics.h"
#include "dataplane/shape/shape_stats.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace foregate::control {

class Gateway;

/// The busy share of a polling core between two looks at its counters of time.
class BusyRatio {
public:
    /// All of the time and its idle part, in any unit. nullopt until some passed between two looks.
    std::optional<double> look(std::uint64_t all, std::uint64_t idle) noexcept;

private:
    std::uint64_t all_ = 0, idle_ = 0;
    bool looked_ = false;
};

/// A scheduler's delays as a cumulative histogram in seconds; the sum takes each bucket's middle.
[[nodiscard]] HistogramValue delay_histogram(const dataplane::DelayCounts& counts);

/// Control thread only, about once a second: busy ratios are for the time since the last call.
[[nodiscard]] std::vector<MetricSample> gather_metrics(Gateway& gateway);

} // namespace foregate::control
