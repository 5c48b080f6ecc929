// SPDX-License-Identifier: BSD-3-Clause
// What a packet costs in the scheduler: enqueue and dequeue in bursts of 32, on one core.
#pragma once

#include <string>
#include <vector>

namespace foregate::bench {

struct BenchResult {
    std::string name; // e.g. shaper_16k_desktops_cycles
    std::string unit;
    double median = 0;
    double mad = 0; // median absolute deviation
    int runs = 0;
};

// Takes some seconds. TSC cycles a packet for 1, 1 k and 16 k desktops (random desktop of those,
// floors set, ceilings not reached, queues nearly empty), with every desktop backlogged, and with
// every desktop at its ceiling (dequeue only); and cycles to change a desktop's rates in place.
std::vector<BenchResult> bench_shape(int runs = 9);

} // namespace foregate::bench
