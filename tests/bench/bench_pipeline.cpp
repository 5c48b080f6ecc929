// SPDX-License-Identifier: BSD-3-Clause
#include "bench/bench_pipeline.h"

#include "bench/apart.h"
#include "bench/machine.h"
#include "bench/worker_rig.h"

#include <algorithm>
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

struct Effort {
    int runs = kRuns;
    unsigned batches = 256; ///< a run
};

// A run's figure is the median of its batches: one during which the core was taken away says nothing about the code.
std::vector<BenchResult> decided(std::uint32_t flows, const std::string& size, bool with_driver, Effort effort = {}) {
    WorkerRig rig({.flows = flows, .threats = kThreats});
    rig.establish(0, flows);
    rig.expect_decided(flows);
    std::mt19937 random(1);
    std::vector<double> cycles, quiet, driver;
    for (int run = 0; run <= effort.runs; ++run) {
        std::vector<double> worked, received;
        for (unsigned i = 0; i < effort.batches; ++i) {
            random_batch(rig, random, flows);
            const auto all = static_cast<double>(rig.work());
            worked.push_back(all / rig.take_away());
            if (with_driver) {
                random_batch(rig, random, flows);
                received.push_back(static_cast<double>(rig.receive_only()) / (2.0 * kBatch));
            }
        }
        if (run == 0) { // the first one warms up
            continue;
        }
        std::sort(worked.begin(), worked.end());
        cycles.push_back(median_of(worked));
        quiet.push_back(worked[worked.size() / 10]);
        if (with_driver) {
            driver.push_back(median_of(std::move(received)));
        }
    }
    rig.expect_no_drops();
    const std::string name = "decided_64B_" + size + "_flows_cycles";
    std::vector<BenchResult> out{summarise(name, "cycles/packet", cycles),
                                 summarise(name + "_p10", "cycles/packet", quiet)};
    if (with_driver) {
        out.push_back(summarise("receive_64B_cycles", "cycles/packet", driver));
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

std::vector<BenchResult> bench_pipeline_quick() {
    constexpr int kRounds = 2;
    constexpr Effort kLittle{.runs = 5, .batches = 128};
    std::vector<BenchResult> all;
    for (int round = 0; round < kRounds; ++round) {
        for (const auto& part : {run_apart([&] { return decided(1'000, "1k", true, kLittle); }),
                                 run_apart([&] { return decided(1'000'000, "1M", false, kLittle); })}) {
            all.insert(all.end(), part.begin(), part.end());
        }
    }
    return joined(all);
}

} // namespace foregate::bench
