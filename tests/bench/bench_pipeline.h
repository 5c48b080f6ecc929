// SPDX-License-Identifier: BSD-3-Clause
// What the worker's own stages cost, in TSC cycles a packet, on ports without a wire.
#pragma once

#include "bench/result.h"

#include <string>

namespace foregate::bench {

/// The parts of pipeline_parts.h with `only` in their name, in interleaved rounds. What needs more memory than there is, or
/// captures that are not there, is left out and said on standard error. Some minutes. Starts child processes. Throws
/// std::runtime_error when something else than intended would be measured.
[[nodiscard]] std::vector<BenchResult> bench_pipeline(const std::string& only, int rounds);

/// Only decided_64B_{1k,1M}_flows_cycles, their 10th percentiles (what a quiet moment shows) and receive_64B_cycles.
[[nodiscard]] std::vector<BenchResult> bench_pipeline_quick();

} // namespace foregate::bench
