// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/device/eal.h"

#include "dataplane/device/hugepage_mounts.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_pdump.h>
#include <sched.h>
#include <stdexcept>
#include <string>
#include <unistd.h>
#include <vector>

namespace foregate::dataplane {

namespace {

bool is_pci(const std::string& device) {
    return device.size() >= 7 && device.find(':') != std::string::npos && device.find(',') == std::string::npos &&
           device.rfind("net_", 0) != 0;
}

/// Where DPDK puts its sockets; it would refuse to start if it could not.
bool telemetry_possible(const std::string& file_prefix) {
    const char* given = std::getenv("RUNTIME_DIRECTORY"); // set by systemd, and read by DPDK
    const std::string base = given != nullptr ? given : "/var/run";
    const std::filesystem::path folder = std::filesystem::path(base.substr(0, base.find(':'))) / "dpdk" / file_prefix;
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    constexpr std::size_t kLongestSocket = 80; // of the 107 that an address holds; DPDK appends to it
    return ::access(folder.c_str(), W_OK | X_OK) == 0 && folder.string().size() < kLongestSocket;
}

/// "0@2,1@3,...": logical core numbers in the order of CoreLayout, each bound to its CPU.
std::string lcore_map(const Settings& settings, const CoreLayout& layout) {
    std::string map = "0@" + std::to_string(settings.control_cpu);
    for (unsigned i = 0; i < layout.workers; ++i) {
        map += "," + std::to_string(layout.worker_lcore(i)) + "@" + std::to_string(settings.worker_cpus[i]);
    }
    if (layout.shaper_apart) {
        map += "," + std::to_string(layout.shaper_lcore()) + "@" + std::to_string(settings.shaper_cpu);
    }
    return map;
}

/// The CPUs that this process may run on, "(0,1,5)": DPDK pins its threads, and here it must not.
std::string any_cpu() {
    cpu_set_t allowed;
    CPU_ZERO(&allowed);
    std::string text;
    if (::sched_getaffinity(0, sizeof allowed, &allowed) == 0) {
        for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
            if (CPU_ISSET(cpu, &allowed)) {
                text += (text.empty() ? "(" : ",") + std::to_string(cpu);
            }
        }
    }
    return text.empty() ? "0" : text + ")";
}

std::vector<std::string> offline_arguments(const Settings& settings) {
    return {"foregate", "--lcores", "0@" + any_cpu(), "-m", std::to_string(settings.memory_mb), "--no-huge",
            "--no-shconf", "--no-pci", "--no-telemetry", "--iova-mode", "va", "--log-level", "*:4",
            "--file-prefix", "foregate-offline-" + std::to_string(::getpid())};
}

std::vector<std::string> eal_arguments(const Settings& settings) {
    if (settings.offline) {
        return offline_arguments(settings);
    }
    std::vector<std::string> args{"foregate", "--lcores", lcore_map(settings, core_layout(settings)), "-m",
                                  std::to_string(settings.memory_mb), "--log-level", "lib.eal:4",
                                  "--log-level", "pmd:4", "--log-level", "lib.telemetry:4", "--file-prefix", settings.file_prefix};
    if (settings.hugepages && settings.share_memory) {
        args.emplace_back("--single-file-segments");
    } else if (settings.hugepages) {
        args.insert(args.end(), {"--in-memory", "--single-file-segments"});
    } else {
        args.insert(args.end(), {"--no-huge", "--no-shconf"});
    }
    bool any_pci = false;
    for (const auto& port : settings.ports) {
        if (is_pci(port.device)) {
            any_pci = true;
            args.insert(args.end(), {"-a", port.device});
        }
    }
    if (!any_pci) {
        args.emplace_back("--no-pci");
    }
    if (!telemetry_possible(settings.file_prefix)) {
        args.emplace_back("--no-telemetry");
    }
    return args;
}

} // namespace

CoreLayout core_layout(const Settings& settings) noexcept {
    CoreLayout layout;
    layout.workers = static_cast<unsigned>(settings.worker_cpus.size());
    const auto found = std::find(settings.worker_cpus.begin(), settings.worker_cpus.end(), settings.shaper_cpu);
    layout.shaper_apart = found == settings.worker_cpus.end();
    if (!layout.shaper_apart) {
        layout.shaper_worker = static_cast<unsigned>(found - settings.worker_cpus.begin());
    }
    return layout;
}

Eal::Eal(const Settings& settings) {
    auto args = eal_arguments(settings);
    std::vector<char*> argv;
    argv.reserve(args.size());
    for (auto& a : args) {
        argv.push_back(a.data());
    }
    if (rte_eal_init(static_cast<int>(argv.size()), argv.data()) < 0) {
        throw std::runtime_error(std::string("DPDK did not start: ") + rte_strerror(rte_errno) +
                                 (settings.hugepages ? " (hugepages were asked for: are enough of them free?)" : ""));
    }
    if (settings.offline) { // DPDK makes a folder whatever it is told, and has no use for it
        std::error_code error;
        std::filesystem::remove(rte_eal_get_runtime_dir(), error);
    }
    // Lets dpdk-dumpcap ask for copies of packets. Without it everything else works, so a failure is not one of ours.
    if (settings.hugepages && settings.share_memory) {
        shared_prefix_ = settings.file_prefix;
        dump_ready_ = rte_pdump_init() == 0;
    }
}

Eal::~Eal() {
    if (dump_ready_) {
        rte_pdump_uninit();
    }
    rte_eal_cleanup();
    if (!shared_prefix_.empty()) { // DPDK leaves the files of shared pages behind, and the pages in use
        (void)release_stale_hugepages(shared_prefix_);
    }
}

} // namespace foregate::dataplane
