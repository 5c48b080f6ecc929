// SPDX-License-Identifier: BSD-3-Clause
#include "bench/pipeline_parts.h"
#include "dataplane/classify/flow_table.h"

#include <fstream>
#include <stdexcept>

namespace foregate::bench {

using namespace dataplane;

namespace {

/// Of this process: what stands in memory, huge pages included.
double resident_bytes() {
    std::ifstream status("/proc/self/status");
    double kib = 0;
    for (std::string line; std::getline(status, line);) {
        for (const std::string key : {"VmRSS:", "HugetlbPages:"}) {
            if (line.rfind(key, 0) == 0) {
                kib += std::stod(line.substr(key.size()));
            }
        }
    }
    return kib * 1024;
}

BenchResult filled(bool ipv6) {
    constexpr std::uint32_t kFlows = 1U << 20;
    const double before = resident_bytes();
    FlowTable table(kFlows, 1);
    for (std::uint32_t number = 0; number < kFlows; ++number) {
        FlowKey key;
        key.low = IpAddress::from_v4(0x0a000000 + number / 64);
        key.high = IpAddress::from_v4(0xc6130001);
        if (ipv6) {
            key.low.bytes[0] = key.high.bytes[0] = 0x20;
        }
        key.low_port = static_cast<std::uint16_t>(1024 + number % 64);
        key.high_port = 443;
        key.protocol = kProtoTcp;
        if (table.insert(key, table.hash(key)) == nullptr) {
            throw std::runtime_error("the flow table took only " + std::to_string(number) + " flows");
        }
    }
    return summarise(std::string("flow_table_") + (ipv6 ? "ipv6" : "ipv4") + "_bytes", "bytes/flow",
                     {(resident_bytes() - before) / kFlows});
}

} // namespace

std::vector<BenchResult> flow_memory() { return {filled(false), filled(true)}; }

} // namespace foregate::bench
