// SPDX-License-Identifier: BSD-3-Clause
// DPDK starts once in a process, so every part of a benchmark that needs it runs in a child of its own.
#pragma once

#include "bench/result.h"

namespace foregate::bench {

/// Runs `part` in a forked child and returns its results. What the child prints to standard output goes to standard
/// error. Call it before the process has any thread. Throws std::runtime_error when the child fails.
[[nodiscard]] std::vector<BenchResult> run_apart(const std::function<std::vector<BenchResult>()>& part);

} // namespace foregate::bench
