// SPDX-License-Identifier: BSD-3-Clause
// The threat list: names and addresses against lists of every length, building, changing, keeping, and what a polling loop
// feels of a list that is exchanged. docs/benchmarks.md has a row for each figure.
#pragma once

#include "bench/result.h"

namespace foregate::bench {

/// Names against generated lists of 1 k to 1 M; some minutes, since a million names are compiled once.
[[nodiscard]] std::vector<BenchResult> bench_threat();

} // namespace foregate::bench
