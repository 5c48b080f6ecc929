// SPDX-License-Identifier: BSD-3-Clause
#include "control/settings_from_config.h"

#include "dataplane/device/hugepage_mounts.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <random>
#include <stdexcept>
#include <thread>

namespace foregate::control {

namespace {

dataplane::PortKind kind_of(PortRole role) {
    switch (role) {
    case PortRole::desktop:
        return dataplane::PortKind::desktop;
    case PortRole::upstream:
        return dataplane::PortKind::upstream;
    case PortRole::primary_desktop:
        return dataplane::PortKind::primary_desktop;
    case PortRole::primary_client:
        return dataplane::PortKind::primary_client;
    }
    return dataplane::PortKind::upstream;
}

std::uint64_t free_pages(const char* size) {
    std::ifstream file(std::string("/sys/kernel/mm/hugepages/hugepages-") + size + "/free_hugepages");
    std::uint64_t count = 0;
    file >> count;
    return count;
}

void check_cpu(unsigned cpu, const char* key) {
    const unsigned count = std::thread::hardware_concurrency();
    if (cpu >= count) {
        throw std::runtime_error(std::string("system.") + key + ": CPU " + std::to_string(cpu) +
                                 " does not exist here, expected 0 to " + std::to_string(count - 1));
    }
}

/// One name for each run directory: two gateways on one machine do not meet, and one finds again what it left behind.
std::string file_prefix_of(const std::filesystem::path& run_dir) {
    const std::string path = std::filesystem::absolute(run_dir).lexically_normal();
    if (path == "/run/foregate" || path == "/var/run/foregate") {
        return "foregate";
    }
    std::uint64_t hash = 0xcbf29ce484222325ULL; // FNV-1a: the same in every process
    for (const char c : path) {
        hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    }
    char text[32];
    std::snprintf(text, sizeof text, "foregate-%08x", static_cast<unsigned>(hash ^ hash >> 32));
    return text;
}

} // namespace

std::uint64_t free_hugepage_bytes() {
    return (free_pages("2048kB") << 21) + (free_pages("1048576kB") << 30);
}

dataplane::Settings settings_from_config(const Config& config) {
    const SystemConfig& system = config.system;
    check_cpu(system.control_core, "control-core");
    check_cpu(system.shaper_core, "shaper-core");
    for (const unsigned cpu : system.worker_cores) {
        check_cpu(cpu, "worker-cores");
    }
    dataplane::Settings settings;
    for (const PortConfig& port : config.ports) {
        settings.ports.push_back({port.name, kind_of(port.role), port.device, port.rate_bps, port.mtu,
                                  port.descriptors, port.twin, port.vlan, port.accept_macs, port.mss_clamp,
                                  port.check_source_mac});
        if (!dataplane::is_routed(settings.ports.back().kind)) {
            settings.ports.back().twin.clear();
        }
    }
    settings.worker_cpus = system.worker_cores;
    settings.shaper_cpu = system.shaper_core;
    settings.control_cpu = system.control_core;
    settings.memory_mb = static_cast<unsigned>(system.memory_bytes >> 20);
    settings.file_prefix = file_prefix_of(system.run_dir);
    dataplane::release_stale_hugepages(settings.file_prefix); // the run directory's lock is ours
    const std::uint64_t free_bytes = free_hugepage_bytes();
    settings.hugepages = system.hugepages == HugepageUse::yes ||
                         (system.hugepages == HugepageUse::automatic && free_bytes >= system.memory_bytes);
    if (system.hugepages == HugepageUse::yes && free_bytes < system.memory_bytes) {
        throw std::runtime_error("system.hugepages: yes, but only " + std::to_string(free_bytes >> 20) +
                                 " MiB of hugepages are free, expected at least " +
                                 std::to_string(system.memory_bytes >> 20) + " MiB (system.memory)");
    }
    settings.share_memory = settings.hugepages && dataplane::can_share_hugepages(system.memory_bytes);
    settings.splice_file = system.run_dir / "splices";
    settings.idle_sleep = system.idle_sleep;
    settings.packet_buffers = system.packet_buffers;
    settings.flows_per_worker = system.flows_per_worker;
    settings.undecided_flows = config.classify.undecided_flows;
    settings.payloads_looked_at = config.classify.payloads;
    const std::size_t desktops = config.desktops.size() * 2 + 1024; // room for those found by prefix
    settings.max_desktops = static_cast<unsigned>(std::clamp<std::size_t>(desktops, 2048, 65536));
    const std::size_t per_worker = config.plan.hold.total / system.worker_cores.size() + 1024;
    settings.held_per_worker = static_cast<unsigned>(std::clamp<std::size_t>(per_worker, 4096, 1U << 20));
    settings.new_flows = {config.limits.new_flows_per_second, config.limits.burst, config.limits.flows,
                          config.limits.half_open};
    std::random_device random;
    settings.seed = (static_cast<std::uint64_t>(random()) << 32) | random();
    return settings;
}

} // namespace foregate::control
