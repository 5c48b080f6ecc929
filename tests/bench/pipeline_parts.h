// SPDX-License-Identifier: BSD-3-Clause
// The parts of the pipeline benchmark that measure the worker from outside, on ports without a wire. Each starts DPDK, so
// each runs in a process of its own (run_apart), and throws std::runtime_error when something else than intended would be
// measured. A run's figure is the median of its batches: one during which the core was taken away says nothing of the code.
#pragma once

#include "bench/result.h"

#include <cstdint>
#include <string>

namespace foregate::bench {

/// Entries of the threat list in every part.
inline constexpr unsigned kPipelineThreats = 10'000;

struct Effort {
    int runs = kRuns;
    unsigned batches = 256; ///< a run
};

/// A number of flows and how names call it.
struct FlowCount {
    std::uint32_t flows;
    const char* name;
};

/// decided_64B_<size>_flows_cycles, its 10th percentile, and where asked the driver's part and the hardware's counters.
[[nodiscard]] std::vector<BenchResult> decided_flows(const FlowCount& size, bool with_driver, Effort effort);
/// random_line_of_<size>_cycles: what one line of that many costs this machine's memory when nothing else is done: written
/// in random order, a burst fetched ahead, on the pages that the flow table uses. A packet of a decided flow needs two such
/// lines, a bucket and a flow. Starts no DPDK.
[[nodiscard]] std::vector<BenchResult> random_lines(const FlowCount& size, int runs);
/// decided_imix_<size>_flows_cycles and the bits a second that are this.
[[nodiscard]] std::vector<BenchResult> decided_imix(const FlowCount& size, Effort effort);
/// What each table costs a packet of a decided flow and the first packet of a flow: with all less without it, in turn.
[[nodiscard]] std::vector<BenchResult> stages_on_and_off(Effort effort);
/// New flows: of the SYN alone, and with a name to match (SYN, SYN-ACK and ClientHello; DNS question); their end by age.
[[nodiscard]] std::vector<BenchResult> new_flows(int runs);
/// latency_<load>_load_p{50,90,99,999}_ns.
[[nodiscard]] std::vector<BenchResult> single_packet_latency(int runs);
/// The packets of real captures, and a made mix.
[[nodiscard]] std::vector<BenchResult> captured_mix(const std::string& folder, Effort effort);
[[nodiscard]] std::vector<BenchResult> made_mix(Effort effort);
/// flow_table_{ipv4,ipv6}_bytes: memory that a full table of a million flows takes, by flow. Starts no DPDK.
[[nodiscard]] std::vector<BenchResult> flow_memory();
/// workers_<n>_cycles: `workers` polled at once by threads of their own, each with its own flows.
[[nodiscard]] std::vector<BenchResult> workers_at_once(unsigned workers, Effort effort);
/// What a packet costs more when it arrives at another worker than its flow's.
[[nodiscard]] std::vector<BenchResult> redirected_packets(Effort effort);

} // namespace foregate::bench
