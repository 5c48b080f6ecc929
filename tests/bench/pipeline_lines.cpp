// SPDX-License-Identifier: BSD-3-Clause
#include "bench/pipeline_parts.h"
#include "dataplane/large_pages.h"
#include "dataplane/prefetch.h"

#include <algorithm>
#include <array>
#include <random>
#include <x86intrin.h>

namespace foregate::bench {

using namespace dataplane;

namespace {

constexpr unsigned kBurst = 32; ///< as a worker takes packets
constexpr unsigned kBursts = 64;
constexpr unsigned kBatches = 512; ///< a run

struct alignas(64) Line {
    std::uint64_t count;
};

/// TSC cycles a line: a burst is fetched ahead, then written.
double one_batch(ZeroedTable<Line>& table, std::uint32_t lines, std::mt19937& random) {
    std::array<std::array<std::uint32_t, kBurst>, kBursts> places;
    std::uniform_int_distribution<std::uint32_t> any(0, lines - 1);
    for (auto& burst : places) {
        std::generate(burst.begin(), burst.end(), [&] { return any(random); });
    }
    const std::uint64_t begin = __rdtsc();
    for (const auto& burst : places) {
        for (const std::uint32_t at : burst) {
            prefetch_line_to_write(&table[at]);
        }
        for (const std::uint32_t at : burst) {
            ++table[at].count;
        }
    }
    return static_cast<double>(__rdtsc() - begin) / (kBurst * kBursts);
}

} // namespace

std::vector<BenchResult> random_lines(const FlowCount& size, int runs) {
    ZeroedTable<Line> table(size.flows);
    for (std::uint32_t at = 0; at < size.flows; ++at) {
        ++table[at].count;
    }
    std::mt19937 random(1);
    std::vector<double> medians;
    for (int run = 0; run < runs; ++run) {
        std::vector<double> batches;
        for (unsigned i = 0; i < kBatches; ++i) {
            batches.push_back(one_batch(table, size.flows, random));
        }
        medians.push_back(median_of(std::move(batches)));
    }
    return {summarise(std::string("random_line_of_") + size.name + "_cycles", "cycles/line", medians)};
}

} // namespace foregate::bench
