// SPDX-License-Identifier: BSD-3-Clause
// What the worker's own stages cost, in TSC cycles a packet, on ports without a wire.
#pragma once

#include "bench/result.h"

namespace foregate::bench {

/// decided_64B_{1k,64k,1M}_flows_cycles (the last where there is memory for it), receive_64B_cycles,
/// new_flow_10k_threats_cycles, expire_flow_cycles and new_flows_10k_threats_per_second. About fifteen seconds.
/// Starts child processes. Throws std::runtime_error when something else than intended would be measured.
[[nodiscard]] std::vector<BenchResult> bench_pipeline();

/// Only decided_64B_{1k,1M}_flows_cycles, their 10th percentiles (what a quiet moment shows) and receive_64B_cycles.
[[nodiscard]] std::vector<BenchResult> bench_pipeline_quick();

} // namespace foregate::bench
