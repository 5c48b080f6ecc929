// SPDX-License-Identifier: BSD-3-Clause
#include "bench/hardware_counters.h"
#include "bench/pipeline_parts.h"
#include "bench/worker_rig.h"

#include <algorithm>
#include <array>
#include <functional>
#include <random>
#include <rte_cycles.h>

namespace foregate::bench {

using namespace dataplane;

namespace {

constexpr unsigned kBatch = WorkerRig::kBatch;

/// A batch for each port, of random flows.
void random_batch(WorkerRig& rig, std::mt19937& random, std::uint32_t flows) {
    for (unsigned i = 0; i < kBatch; ++i) {
        rig.arrive(static_cast<std::uint32_t>(random()) % flows, true, tcp_ack);
        rig.arrive(static_cast<std::uint32_t>(random()) % flows, false, tcp_ack);
    }
}

/// Of one batch, which is put on the wires first.
double cycles_a_packet(WorkerRig& rig, std::mt19937& random, std::uint32_t flows) {
    random_batch(rig, random, flows);
    const auto cycles = static_cast<double>(rig.work());
    return cycles / rig.take_away();
}

void add_hardware(std::vector<BenchResult>& out, WorkerRig& rig, std::mt19937& random, const FlowCount& size, int runs) {
    HardwareCounters counters;
    for (const HardwareEvent& event : counters.events()) {
        std::vector<double> values;
        for (int run = 0; run < runs; ++run) {
            std::uint64_t packets = 0;
            counters.start(event);
            for (unsigned batch = 0; batch < 64; ++batch) {
                counters.pause();
                random_batch(rig, random, size.flows);
                counters.go_on();
                (void)rig.work();
                counters.pause();
                packets += rig.take_away();
            }
            values.push_back(static_cast<double>(counters.stop()) / static_cast<double>(packets));
        }
        out.push_back(summarise("decided_64B_" + std::string(size.name) + "_flows_" + event.name, "1/packet", values));
    }
}

/// Where the cycles of a packet go, by the worker's own clock (every sixteenth burst).
void add_stages(std::vector<BenchResult>& out, const FlowCount& size, const std::vector<StageSums>& runs) {
    for (std::size_t stage = 0; stage < kStages; ++stage) {
        std::vector<double> values;
        for (const StageSums& sums : runs) {
            values.push_back(static_cast<double>(sums.cycles[stage]) / static_cast<double>(sums.packets));
        }
        out.push_back(summarise("decided_64B_" + std::string(size.name) + "_flows_in_" +
                                    std::string(stage_name(static_cast<Stage>(stage))) + "_cycles",
                                "cycles/packet", values));
    }
}

} // namespace

std::vector<BenchResult> decided_flows(const FlowCount& size, bool with_driver, Effort effort) {
    WorkerRig rig({.flows = size.flows, .threats = kPipelineThreats});
    rig.establish(0, size.flows);
    rig.expect_decided(size.flows);
    std::mt19937 random(1);
    std::vector<double> cycles, quiet, driver;
    std::vector<StageSums> stages;
    for (int run = 0; run <= effort.runs; ++run) {
        std::vector<double> worked, received;
        const StageSums before = rig.worker().stage_sums();
        for (unsigned i = 0; i < effort.batches; ++i) {
            worked.push_back(cycles_a_packet(rig, random, size.flows));
            if (with_driver) {
                random_batch(rig, random, size.flows);
                received.push_back(static_cast<double>(rig.receive_only()) / (2.0 * kBatch));
            }
        }
        if (run == 0) { // the first one warms up
            continue;
        }
        stages.push_back(rig.worker().stage_sums().since(before));
        std::sort(worked.begin(), worked.end());
        cycles.push_back(median_of(worked));
        quiet.push_back(worked[worked.size() / 10]);
        if (with_driver) {
            driver.push_back(median_of(std::move(received)));
        }
    }
    const std::string name = "decided_64B_" + std::string(size.name) + "_flows_cycles";
    std::vector<BenchResult> out{summarise(name, "cycles/packet", cycles),
                                 summarise(name + "_p10", "cycles/packet", quiet)};
    if (with_driver) {
        out.push_back(summarise("receive_64B_cycles", "cycles/packet", driver));
    }
    add_stages(out, size, stages);
    add_hardware(out, rig, random, size, effort.runs);
    rig.expect_no_drops();
    return out;
}

std::vector<BenchResult> decided_imix(const FlowCount& size, Effort effort) {
    // Of each twelve packets seven of 64, four of 594 and one of 1518 bytes on the wire; four of these are the check sequence.
    constexpr std::array<unsigned, 12> kLengths{60, 590, 60, 60, 590, 60, 1514, 60, 590, 60, 590, 60};
    WorkerRig rig({.flows = size.flows, .threats = kPipelineThreats});
    rig.establish(0, size.flows);
    rig.expect_decided(size.flows);
    std::mt19937 random(1);
    std::vector<double> cycles, rate;
    unsigned next = 0;
    for (int run = 0; run <= effort.runs; ++run) {
        std::vector<double> worked;
        std::uint64_t bits = 0;
        std::uint64_t packets = 0;
        for (unsigned i = 0; i < effort.batches; ++i) {
            for (unsigned k = 0; k < 2 * kBatch; ++k) {
                const unsigned length = kLengths[next++ % kLengths.size()];
                bits += std::uint64_t{8} * (length + 4);
                rig.arrive_long(static_cast<std::uint32_t>(random()) % size.flows, k % 2 == 0, length);
            }
            const auto all = static_cast<double>(rig.work());
            const unsigned sent = rig.take_away();
            packets += sent;
            worked.push_back(all / sent);
        }
        if (run != 0) {
            cycles.push_back(median_of(std::move(worked)));
            rate.push_back(static_cast<double>(bits) / static_cast<double>(packets) / cycles.back() *
                           static_cast<double>(rte_get_tsc_hz()) / 1e9);
        }
    }
    rig.expect_no_drops();
    const std::string name = "decided_imix_" + std::string(size.name) + "_flows_";
    return {summarise(name + "cycles", "cycles/packet", cycles), summarise(name + "gbps", "Gbit/s", rate)};
}

namespace {

struct Variant {
    const char* name;
    TableChoice tables;
};

// Nothing can be switched off in the worker; a stage whose table is empty has as little to do as it can.
constexpr unsigned kT = kPipelineThreats;
const std::array<Variant, 5> kVariants{{{"threats", {.threats = 0}},
                                        {"allotments", {.threats = kT, .allotments = false}},
                                        {"pattern", {.threats = kT, .pattern = false}},
                                        {"sessions", {.threats = kT, .sessions = false}},
                                        {"tables", {.threats = 0, .sessions = false, .allotments = false, .pattern = false}}}};

/// Every flow sees the new tables before anything is measured.
void use_tables(WorkerRig& rig, const TableChoice& choice, std::uint32_t flows) {
    rig.publish(make_tables(choice));
    for (std::uint32_t first = 0; first < flows; first += kBatch) {
        for (std::uint32_t number = first; number < std::min(flows, first + kBatch); ++number) {
            rig.arrive(number, true, tcp_ack);
        }
        (void)rig.work();
        (void)rig.take_away();
    }
}

double decided_once(WorkerRig& rig, std::mt19937& random, std::uint32_t flows, unsigned batches) {
    std::vector<double> worked;
    for (unsigned i = 0; i < batches; ++i) {
        worked.push_back(cycles_a_packet(rig, random, flows));
    }
    return median_of(std::move(worked));
}

/// First packets; the flows go by age afterwards.
double begun_once(WorkerRig& rig, std::uint32_t& next, unsigned batches) {
    std::vector<double> worked;
    for (unsigned i = 0; i < batches; ++i) {
        for (unsigned k = 0; k < kBatch; ++k) {
            rig.arrive(next++, true, tcp_syn);
        }
        worked.push_back(static_cast<double>(rig.work()) / kBatch);
        (void)rig.take_away();
    }
    return median_of(std::move(worked));
}

} // namespace

std::vector<BenchResult> stages_on_and_off(Effort effort) {
    constexpr std::uint32_t kFlows = 65'536;
    constexpr unsigned kBeginnings = 16; ///< batches of them, a run
    // Flows begun are never repeated, and there is room for all of them.
    const auto begun = static_cast<std::uint32_t>((effort.runs + 1) * (kVariants.size() + 1)) * kBeginnings * kBatch;
    WorkerRig rig({.flows = 2 * (kFlows + begun), .threats = kPipelineThreats});
    rig.establish(0, kFlows);
    rig.expect_decided(kFlows);
    std::mt19937 random(1);
    std::uint32_t next = kFlows;
    std::array<std::vector<double>, kVariants.size() + 1> decided, first;
    for (int run = 0; run <= effort.runs; ++run) {
        for (std::size_t i = 0; i <= kVariants.size(); ++i) {
            use_tables(rig, i == 0 ? TableChoice{.threats = kT} : kVariants[i - 1].tables, kFlows);
            const double old_flow = decided_once(rig, random, kFlows, effort.batches);
            const double new_flow = begun_once(rig, next, kBeginnings);
            if (run != 0) {
                decided[i].push_back(old_flow);
                first[i].push_back(new_flow);
            }
        }
    }
    rig.expect_no_drops();
    std::vector<BenchResult> out{summarise("stages_all_on_decided_cycles", "cycles/packet", decided[0]),
                                 summarise("stages_all_on_first_packet_cycles", "cycles/packet", first[0])};
    for (std::size_t i = 0; i < kVariants.size(); ++i) {
        const auto less = [](std::vector<double> with, const std::vector<double>& without) {
            std::transform(with.begin(), with.end(), without.begin(), with.begin(), std::minus<>());
            return with;
        };
        const std::string name = "stage_" + std::string(kVariants[i].name);
        out.push_back(summarise(name + "_decided_cycles", "cycles/packet", less(decided[0], decided[i + 1])));
        out.push_back(summarise(name + "_first_packet_cycles", "cycles/packet", less(first[0], first[i + 1])));
    }
    return out;
}

} // namespace foregate::bench
