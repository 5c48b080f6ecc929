// SPDX-License-Identifier: BSD-3-Clause
// What the data plane is built with: plain values fixed from start to stop. No YAML, no DPDK types.
#pragma once

#include <array>
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
    std::vector<std::uint16_t> vlan; ///< tags that its frames carry on the wire, outer first; at most two
    std::vector<std::array<std::uint8_t, 6>> accept_macs; ///< beside the port's own address
    std::uint16_t mss_clamp = kMssByMtu;
    bool check_source_mac = false;  ///< a source on the port's own network must send from its neighbour's address

    /// The largest MSS that a SYN may offer on its way through this port; 0xffff: any.
    [[nodiscard]] std::uint16_t most_mss(unsigned ip_version) const noexcept {
        const auto headers = static_cast<std::uint16_t>(ip_version == 4 ? 40 : 60);
        return mss_clamp == kMssByMtu ? static_cast<std::uint16_t>(mtu - headers)
               : mss_clamp == kMssAny ? std::uint16_t{0xffff}
                                      : mss_clamp;
    }
    static constexpr std::uint16_t kMssAny = 0;        ///< mss_clamp: leave SYNs as they are
    static constexpr std::uint16_t kMssByMtu = 0xffff; ///< mss_clamp: what fits into the port's MTU
};

/// What one desktop may take of each worker's flow table; 0 = any number.
struct NewFlowLimits {
    std::uint32_t per_second = 0; ///< new flows
    std::uint32_t burst = 0;      ///< new flows at once, after a pause
    std::uint32_t flows = 0;      ///< at once
    std::uint32_t half_open = 0;  ///< TCP connections without an answer, at once
};

struct Settings {
    std::vector<PortSettings> ports;
    std::vector<unsigned> worker_cpus{1};
    unsigned shaper_cpu = 1;        ///< shares the polling core when equal to a worker's
    unsigned control_cpu = 0;
    bool hugepages = false;
    bool offline = false;           ///< captures only: no devices, no files, no privileges, any CPU
    bool share_memory = false;      ///< with hugepages: other DPDK processes (dpdk-dumpcap) may attach
    std::string file_prefix = "foregate"; ///< DPDK's name for this process: telemetry socket, shared files
    unsigned memory_mb = 512;
    bool idle_sleep = false;
    unsigned packet_buffers = 32768;
    unsigned flows_per_worker = 1U << 18; ///< rounded up to a power of two
    unsigned max_desktops = 16384;        ///< dense desktop numbers are below this; 0 means nobody
    unsigned held_per_worker = 16384;
    unsigned undecided_flows = 4096;      ///< per worker: flows whose payload is still looked at
    unsigned payloads_looked_at = 12;     ///< of a flow, before it is what it seems
    unsigned usage_cells = 16384;         ///< per worker and bucket
    unsigned twin_packets_per_second = 2000; ///< to the kernel, for each source on the wire
    NewFlowLimits new_flows;
    std::string splice_file;              ///< where splices are kept across a restart, best in memory; empty: nowhere
    std::uint64_t seed = 0;               ///< secret: hashes, sequence numbers, source ports
};

} // namespace foregate::dataplane
