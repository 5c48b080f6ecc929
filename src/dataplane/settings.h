// SPDX-License-Identifier: BSD-3-Clause
// What the data plane is built with: plain values fixed from start to stop. No YAML, no DPDK types.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace foregate::dataplane {

enum class PortKind : std::uint8_t {
    desktop,         ///< routed, towards the desktops' secondary interfaces
    upstream,        ///< routed, towards everything else
    primary_desktop, ///< transparent pair, desktops' primary interfaces
    primary_client,  ///< transparent pair, the persons' clients
};

[[nodiscard]] inline bool is_routed(PortKind kind) noexcept {
    return kind == PortKind::desktop || kind == PortKind::upstream;
}

struct PortSettings {
    std::string name;
    PortKind kind = PortKind::desktop;
    std::string device;             ///< PCI address or DPDK vdev string
    std::uint64_t rate_bps = 0;     ///< 0 = unpaced
    std::uint16_t mtu = 1500;       ///< bytes of IP
    std::uint16_t descriptors = 1024;
    std::string twin;               ///< kernel interface to create; empty = none (pair ports, offline runs)
};

struct Settings {
    std::vector<PortSettings> ports;
    std::vector<unsigned> worker_cpus{1};
    unsigned shaper_cpu = 1;        ///< shares the polling core when equal to a worker's
    unsigned control_cpu = 0;
    bool hugepages = false;
    bool share_memory = false;      ///< with hugepages: other DPDK processes (dpdk-dumpcap) may attach
    std::string file_prefix = "foregate"; ///< DPDK's name for this process: telemetry socket, shared files
    unsigned memory_mb = 512;
    bool idle_sleep = false;
    unsigned packet_buffers = 32768;
    unsigned flows_per_worker = 1U << 18; ///< rounded up to a power of two
    unsigned max_desktops = 16384;        ///< dense desktop numbers are below this; 0 means nobody
    unsigned held_per_worker = 16384;
    unsigned usage_cells = 16384;         ///< per worker and bucket
    unsigned twin_packets_per_second = 2000; ///< to the kernel, for each source on the wire
    std::uint64_t seed = 0;               ///< secret: hashes, sequence numbers, source ports
};

} // namespace foregate::dataplane
