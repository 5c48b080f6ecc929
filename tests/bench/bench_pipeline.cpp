// SPDX-License-Identifier: BSD-3-Clause
#include "bench/bench_pipeline.h"

#include "bench/apart.h"
#include "bench/machine.h"
#include "bench/worker_rig.h"

#include <iostream>
#include <random>
#include <rte_cycles.h>

namespace foregate::bench {

using namespace dataplane;

namespace {

constexpr unsigned kBatch = WorkerRig::kBatch;
constexpr unsigned kThreats = 10'000;

/// A batch for each port, of random flows.
void random_batch(WorkerRig& rig, std::mt19937& random, std::uint32_t flows) {
    for (unsigned i = 0; i < kBatch; ++i) {
        rig.arrive(static_cast<std::uint32_t>(random()) % flows, true, tcp_ack);
        rig.arrive(static_cast<std::uint32_t>(random()) % flows, false, tcp_ack);
    }
}

// A run's figure is the median of its batches: one during which the core was taken away says nothing about the code.
std::vector<BenchResult> decided(std::uint32_t flows, const std::string& size, bool with_driver) {
    WorkerRig rig({.flows = flows, .threats = kThreats});
    rig.establish(0, flows);
    rig.expect_decided(flows);
    std::mt19937 random(1);
    constexpr unsigned kBatches = 256;
    std::vector<BenchResult> out;
    out.push_back(measure("decided_64B_" + size + "_flows_cycles", "cycles/packet", kRuns, [&] {
        std::vector<double> batches;
        for (unsigned i = 0; i < kBatches; ++i) {
            random_batch(rig, random, flows);
            const auto cycles = static_cast<double>(rig.work());
            batches.push_back(cycles / rig.take_away());
        }
        return median_of(std::move(batches));
    }));
    rig.expect_no_drops();
    if (with_driver) {
        out.push_back(measure("receive_64B_cycles", "cycles/packet", kRuns, [&] {
            std::vector<double> batches;
            for (unsigned i = 0; i < kBatches; ++i) {
                random_batch(rig, random, flows);
                batches.push_back(static_cast<double>(rig.receive_only()) / (2.0 * kBatch));
            }
            return median_of(std::move(batches));
        }));
    }
    return out;
}

/// A quarter of the table's places is filled with new flows and, after their idle time, swept empty again.
std::vector<BenchResult> new_flows() {
    constexpr std::uint32_t kFlows = 1U << 18;
    constexpr std::uint32_t kNewFlows = kFlows / 4;
    constexpr std::uint32_t kSweptParts = 64;
    constexpr std::uint64_t kSweepNs = 1'000'000; // a worker looks at 64 places at most this often
    constexpr std::uint64_t kForgetNs = 31'000'000'000; // an unanswered SYN's flow goes after 30 s
    WorkerRig rig({.flows = kFlows, .threats = kThreats});
    std::uint32_t next = 0;
    std::vector<double> begin, expire, rate;
    for (int run = 0; run <= kRuns; ++run) {
        std::vector<double> starts;
        for (std::uint32_t i = 0; i < kNewFlows; i += kBatch) {
            for (unsigned k = 0; k < kBatch; ++k) {
                rig.arrive(next++, true, tcp_syn);
            }
            starts.push_back(static_cast<double>(rig.work()) / kBatch);
            (void)rig.take_away();
        }
        rig.expect_no_drops();
        rig.pass(kForgetNs);
        const std::uint64_t before = rig.worker().counters().read(Counter::flows_expired);
        std::vector<double> ends; // in parts of the table, each with the same share of the flows
        for (std::uint32_t i = 0; i < kSweptParts; ++i) {
            ends.push_back(static_cast<double>(rig.idle(kFlows / 64 / kSweptParts, kSweepNs)) * kSweptParts / kNewFlows);
        }
        if (rig.worker().counters().read(Counter::flows_expired) - before != kNewFlows) {
            throw std::runtime_error("not every new flow was swept away");
        }
        if (run != 0) { // the first one warms up
            begin.push_back(median_of(std::move(starts)));
            expire.push_back(median_of(std::move(ends)));
            rate.push_back(static_cast<double>(rte_get_tsc_hz()) / (begin.back() + expire.back()));
        }
    }
    return {summarise("new_flow_10k_threats_cycles", "cycles/flow", begin),
            summarise("expire_flow_cycles", "cycles/flow", expire),
            summarise("new_flows_10k_threats_per_second", "1/s", rate)};
}

} // namespace

std::vector<BenchResult> bench_pipeline() {
    constexpr std::uint64_t kMemoryForMillionMb = 2048;
    std::vector<BenchResult> results;
    const auto add = [&](const std::vector<BenchResult>& more) { results.insert(results.end(), more.begin(), more.end()); };
    if (available_memory_mb() >= kMemoryForMillionMb) {
        add(run_apart([] { return decided(1'000'000, "1M", false); }));
    } else {
        std::cerr << "too little memory for a million flows: decided_64B_1M_flows_cycles is left out\n";
    }
    add(run_apart([] { return decided(65'536, "64k", true); }));
    add(run_apart([] { return decided(1'024, "1k", false); }));
    add(run_apart(new_flows));
    return results;
}

} // namespace foregate::bench
