// SPDX-License-Identifier: BSD-3-Clause
#include "bench/bench_ports.h"

#include "bench/apart.h"
#include "bench/machine.h"
#include "bench/pcap_files.h"
#include "bench/testpmd.h"
#include "bench/traffic.h"
#include "dataplane/dataplane.h"

#include <chrono>
#include <iostream>
#include <stdexcept>
#include <thread>

namespace foregate::bench {

using namespace dataplane;

namespace {

constexpr std::uint32_t kFlows = 65'536;
constexpr unsigned kThreats = 1'000;
constexpr unsigned kPairs = 3;
constexpr std::chrono::milliseconds kWarmUp{1000};
constexpr std::chrono::milliseconds kMeasured{2000};
// net_pcap with infinite_rx keeps each packet of its file in a buffer of its own.
constexpr unsigned kBuffers = 2 * kFlows + 16'384;
constexpr unsigned kMemoryMb = 1024;

std::uint64_t sent(const Dataplane& dataplane) {
    std::uint64_t packets = 0;
    for (const PortView& port : dataplane.ports()) {
        packets += port.tx_packets;
    }
    return packets;
}

void expect_forwarding(const Dataplane& dataplane) {
    const std::uint64_t received = dataplane.read(Counter::received);
    std::string why;
    std::uint64_t dropped = dataplane.read(Counter::to_kernel);
    for (std::size_t i = 0; i < kDropReasons; ++i) {
        const std::uint64_t count = dataplane.read(static_cast<DropReason>(i));
        dropped += count;
        why += count != 0 ? "; " + std::to_string(count) + ": " + std::string(kDropReasonNames[i].help) : "";
    }
    if (received == 0 || dropped > received / 20) {
        throw std::runtime_error("the gateway does not forward what it is given: " + std::to_string(received) +
                                 " packets received, " + std::to_string(dropped) + " not forwarded" + why);
    }
}

double gateway_pps(const std::vector<std::string>& devices, bool hugepages) {
    Settings s;
    for (std::size_t i = 0; i < 2; ++i) {
        PortSettings port;
        port.name = i == 0 ? "desktops" : "upstream";
        port.kind = i == 0 ? PortKind::desktop : PortKind::upstream;
        port.device = devices[i];
        s.ports.push_back(port);
    }
    s.worker_cpus = {bench_cpu()};
    s.shaper_cpu = bench_cpu();
    s.hugepages = hugepages;
    s.memory_mb = kMemoryMb;
    s.packet_buffers = kBuffers - 1;
    s.flows_per_worker = 2 * kFlows;
    s.seed = 0x0123456789abcdefULL;
    Dataplane dataplane(s);
    dataplane.publish(make_tables(kThreats, 1));
    dataplane.start();
    std::this_thread::sleep_for(kWarmUp);
    const std::uint64_t before = sent(dataplane);
    const auto start = std::chrono::steady_clock::now();
    std::this_thread::sleep_for(kMeasured);
    const std::uint64_t packets = sent(dataplane) - before;
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    dataplane.stop();
    expect_forwarding(dataplane);
    return static_cast<double>(packets) / seconds.count();
}

} // namespace

std::vector<BenchResult> bench_ports() {
    const PcapFiles files(kFlows);
    std::vector<double> ours, theirs;
    const bool beside = have_testpmd();
    if (!beside) {
        std::cerr << "dpdk-testpmd is not installed: no yardstick\n";
    }
    const bool hugepages = hugepages_for(kMemoryMb + 64);
    for (unsigned pair = 0; pair < kPairs; ++pair) {
        const auto one = run_apart([&] {
            return std::vector<BenchResult>{summarise("", "", {gateway_pps(files.devices(), hugepages)})};
        });
        ours.push_back(one.at(0).median / 1e6);
        if (beside) {
            TestpmdRun run;
            run.devices = files.devices();
            run.cpu = bench_cpu();
            run.hugepages = hugepages;
            run.memory_mb = kMemoryMb;
            run.buffers = kBuffers;
            theirs.push_back(testpmd_mac_pps(run) / 1e6);
        }
    }
    BenchResult result = summarise("decided_64B_64k_flows_mpps", "Mpacket/s", ours);
    if (beside) {
        result.yardstick = Yardstick{"dpdk-testpmd mac, the same ports and core", median_of(theirs)};
    }
    return {result};
}

} // namespace foregate::bench
