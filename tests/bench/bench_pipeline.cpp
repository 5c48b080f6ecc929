// SPDX-License-Identifier: BSD-3-Clause
#include "bench/bench_pipeline.h"

#include "bench/apart.h"
#include "bench/machine.h"
#include "bench/pipeline_parts.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <iostream>

namespace foregate::bench {

namespace {

/// Measured again and again in turn with the others, each time in a process of its own.
struct Part {
    std::string name;
    std::function<std::vector<BenchResult>()> run;
    std::uint64_t memory_mb = 0;
};

std::vector<BenchResult> in_rounds(int rounds, const std::vector<Part>& parts) {
    std::vector<BenchResult> all;
    for (int round = 0; round < rounds; ++round) {
        for (const Part& part : parts) {
            if (available_memory_mb() < part.memory_mb) {
                std::cerr << part.name << ": left out, " << part.memory_mb << " MB of memory are not free\n";
                continue;
            }
            std::cerr << part.name << " (" << round + 1 << " of " << rounds << ")\n";
            const auto results = run_apart(part.run);
            all.insert(all.end(), results.begin(), results.end());
        }
    }
    return joined(all);
}

constexpr FlowCount kSizes[]{{1'000, "1k"}, {100'000, "100k"}, {1'000'000, "1M"}, {4'000'000, "4M"}};

/// Where developers keep captures beside the source tree.
std::string captures_folder() { return FOREGATE_SHARED "/data/pcap"; }

void add_workers(std::vector<Part>& parts, const Effort& effort) {
    for (unsigned workers = 1; workers <= std::min(cpu_count(), 4U); ++workers) {
        parts.push_back({"workers " + std::to_string(workers), [=] { return workers_at_once(workers, effort); }, 1024});
    }
    if (cpu_count() < 4) {
        std::cerr << "workers: this machine has " << cpu_count() << " cores, so no more workers are measured at once\n";
    }
}

/// More cycles than of one worker alone would mean that workers wait for each other.
void compare_workers(std::vector<BenchResult>& results) {
    const auto one = std::find_if(results.begin(), results.end(), [](const auto& r) { return r.name == "workers_1_cycles"; });
    if (one == results.end()) {
        return;
    }
    const Yardstick alone{"one worker alone", one->median};
    for (BenchResult& result : results) {
        if (result.name.rfind("workers_", 0) == 0 && result.name != "workers_1_cycles") {
            result.yardstick = alone;
        }
    }
}

} // namespace

std::vector<BenchResult> bench_pipeline(const std::string& only, int rounds) {
    constexpr Effort kEffort{.runs = 3, .batches = 256};
    std::vector<Part> parts;
    for (const FlowCount& size : kSizes) {
        const std::uint64_t memory_mb = 1024 + size.flows / 2'000;
        parts.push_back({"decided 64B " + std::string(size.name),
                         [=] { return decided_flows(size, size.flows == 100'000, kEffort); }, memory_mb});
        parts.push_back({"line " + std::string(size.name), [=] { return random_lines(size, kEffort.runs); }, 512});
        parts.push_back({"decided imix " + std::string(size.name), [=] { return decided_imix(size, kEffort); }, memory_mb});
    }
    parts.push_back({"stages", [=] { return stages_on_and_off(kEffort); }, 1024});
    parts.push_back({"new flows", [] { return new_flows(kEffort.runs); }, 1024});
    parts.push_back({"latency", [] { return single_packet_latency(kEffort.runs); }, 1024});
    parts.push_back({"made mix", [=] { return made_mix(kEffort); }, 1024});
    if (std::filesystem::is_directory(captures_folder())) {
        parts.push_back({"captured mix", [=] { return captured_mix(captures_folder(), kEffort); }, 1024});
    } else {
        std::cerr << "captured mix: LEFT OUT, there are no captures in " << captures_folder() << '\n';
    }
    add_workers(parts, kEffort);
    parts.push_back({"redirected", [=] { return redirected_packets(kEffort); }, 1024});
    parts.push_back({"flow memory", &flow_memory, 1024});
    std::erase_if(parts, [&](const Part& part) { return part.name.find(only) == std::string::npos; });
    auto results = in_rounds(rounds, parts);
    compare_workers(results);
    return results;
}

std::vector<BenchResult> bench_pipeline_quick() {
    constexpr Effort kLittle{.runs = 5, .batches = 128};
    return in_rounds(2, {{"1k", [=] { return decided_flows(kSizes[0], true, kLittle); }},
                         {"1M", [=] { return decided_flows(kSizes[2], false, kLittle); }}});
}

} // namespace foregate::bench
