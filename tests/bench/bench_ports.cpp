// SPDX-License-Identifier: BSD-3-Clause
#include "bench/bench_ports.h"

#include "bench/apart.h"
#include "bench/machine.h"
#include "bench/openvswitch.h"
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

constexpr unsigned kThreats = 1'000;
constexpr std::chrono::milliseconds kMeasured{2000};

/// One size: files, buffers and the memory for them.
struct Scale {
    std::uint32_t flows;
    const char* name;
    std::vector<std::string> modes; ///< of testpmd
    bool openvswitch;

    // net_pcap with infinite_rx keeps each packet of its file in a buffer of its own; without hugepages a buffer takes a page.
    [[nodiscard]] unsigned buffers() const { return 2 * flows + 16'384; }
    [[nodiscard]] unsigned memory_mb() const { return 320 + buffers() / 1024 * 4150 / 1024; }
};

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

/// Three times through the files: every flow is known in both directions and decided.
void let_flows_be_decided(const Dataplane& dataplane, std::uint32_t flows) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (dataplane.read(Counter::received) < std::uint64_t{6} * flows) {
        if (std::chrono::steady_clock::now() > end) {
            throw std::runtime_error("the gateway does not come through the files three times in a minute");
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
}

double gateway_pps(const std::vector<std::string>& devices, const Scale& scale, bool hugepages, unsigned shaper_cpu) {
    Settings s;
    for (std::size_t i = 0; i < 2; ++i) {
        PortSettings port;
        port.name = i == 0 ? "desktops" : "upstream";
        port.kind = i == 0 ? PortKind::desktop : PortKind::upstream;
        port.device = devices[i];
        s.ports.push_back(port);
    }
    s.worker_cpus = {bench_cpu()};
    s.shaper_cpu = shaper_cpu;
    s.hugepages = hugepages;
    s.memory_mb = scale.memory_mb();
    s.packet_buffers = scale.buffers() - 1;
    s.flows_per_worker = 2 * scale.flows;
    s.payloads_looked_at = 1; // the first payload decides, as in the other parts
    s.seed = 0x0123456789abcdefULL;
    Dataplane dataplane(s);
    dataplane.publish(make_tables(kThreats, 1));
    dataplane.start();
    let_flows_be_decided(dataplane, scale.flows);
    const std::uint64_t before = sent(dataplane);
    const auto start = std::chrono::steady_clock::now();
    std::this_thread::sleep_for(kMeasured);
    const std::uint64_t packets = sent(dataplane) - before;
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    dataplane.stop();
    expect_forwarding(dataplane);
    return static_cast<double>(packets) / seconds.count();
}

/// Ours and the yardsticks in turn.
std::vector<BenchResult> beside(const Scale& scale, int rounds) {
    const PcapFiles files(scale.flows);
    const bool hugepages = hugepages_for(scale.memory_mb() + 64);
    std::vector<double> ours;  // worker and shaper on one core
    std::vector<double> apart; // each on its own
    std::vector<std::vector<double>> theirs(scale.modes.size());
    std::vector<double> switched;
    for (int round = 0; round < rounds; ++round) {
        std::cerr << "ports, " << scale.name << " flows (" << round + 1 << " of " << rounds << ")\n";
        const auto measured = [&](unsigned shaper_cpu) {
            const auto one = run_apart([&] {
                return std::vector<BenchResult>{summarise("", "", {gateway_pps(files.devices(), scale, hugepages, shaper_cpu)})};
            });
            return one.at(0).median / 1e6;
        };
        ours.push_back(measured(bench_cpu()));
        if (cpu_count() > 1) {
            apart.push_back(measured(bench_cpu() - 1));
        }
        for (std::size_t i = 0; i < scale.modes.size(); ++i) {
            TestpmdRun run;
            run.devices = files.devices();
            run.mode = scale.modes[i];
            run.cpu = bench_cpu();
            run.hugepages = hugepages;
            run.memory_mb = scale.memory_mb();
            run.buffers = scale.buffers();
            theirs[i].push_back(testpmd_pps(run) / 1e6);
        }
        if (scale.openvswitch) {
            try {
                switched.push_back(openvswitch_conntrack_pps(files.devices(), bench_cpu()) / 1e6);
            } catch (const std::exception& problem) { // somebody else's program: the rest of the figures stand
                std::cerr << problem.what() << ": left out of this round\n";
            }
        }
    }
    const std::string name = "decided_64B_" + std::string(scale.name) + "_flows_";
    std::vector<BenchResult> out;
    const auto add = [&](const std::string& rest, const std::string& yardstick, const std::vector<double>& figures,
                         const std::vector<double>& of) {
        BenchResult result = summarise(name + rest, "Mpacket/s", of);
        if (!figures.empty()) {
            result.yardstick = Yardstick{yardstick + " on one core, the same ports", median_of(figures)};
        }
        out.push_back(std::move(result));
    };
    const std::vector<double> none;
    add("mpps", "dpdk-testpmd mac", theirs.empty() ? none : theirs[0], ours);
    if (!apart.empty()) {
        add("shaper_on_its_own_core_mpps", "dpdk-testpmd mac", theirs.empty() ? none : theirs[0], apart);
    }
    for (std::size_t i = 1; i < scale.modes.size(); ++i) {
        add("mpps_to_" + scale.modes[i], "dpdk-testpmd " + scale.modes[i], theirs[i], ours);
    }
    if (!switched.empty()) {
        add("mpps_to_openvswitch", "Open vSwitch-DPDK conntrack", switched, ours);
    }
    return out;
}

} // namespace

std::vector<BenchResult> bench_ports(int rounds) {
    const bool testpmd = have_testpmd();
    if (!testpmd) {
        std::cerr << "dpdk-testpmd is not installed: no yardstick\n";
    }
    const std::string no_switch = no_openvswitch();
    if (!no_switch.empty()) {
        std::cerr << no_switch << ": no such yardstick\n";
    }
    const std::vector<std::string> none;
    const std::vector<std::string> all{"mac", "io", "5tswap"}; // the first is the yardstick
    std::vector<BenchResult> results;
    // Open vSwitch takes at most a quarter of a million buffers: it is measured at the smaller size.
    for (const Scale& scale :
         {Scale{65'536, "64k", testpmd ? all : none, no_switch.empty()},
          Scale{1'000'000, "1M", testpmd ? all : none, false}}) {
        if (available_memory_mb() < scale.memory_mb() + 1024U) {
            std::cerr << "ports with " << scale.name << " flows: left out, " << scale.memory_mb() + 1024
                      << " MB of memory are not free\n";
            continue;
        }
        const auto some = beside(scale, rounds);
        results.insert(results.end(), some.begin(), some.end());
    }
    return results;
}

} // namespace foregate::bench
