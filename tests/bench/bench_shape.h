// SPDX-License-Identifier: BSD-3-Clause
// What a packet costs in the scheduler: enqueue and dequeue in bursts of 32, on one core.
#pragma once

#include "bench/result.h"

namespace foregate::bench {

/// Takes some seconds. TSC cycles a packet for 1, 1 k and 16 k desktops (random desktop of those,
/// floors set, ceilings not reached, queues nearly empty), with every desktop backlogged, and with
/// every desktop at its ceiling (dequeue only); and cycles to change a desktop's rates in place.
[[nodiscard]] std::vector<BenchResult> bench_shape(int runs = kRuns);

} // namespace foregate::bench
