// SPDX-License-Identifier: BSD-3-Clause
// Ports without a wire: DPDK's net_ring driver on rings whose other ends the tests hold. The
// environment, the packet pool and the ports are made once for the process and never taken down.
#pragma once

#include <array>
#include <cstdint>

struct rte_mempool;
struct rte_ring;

namespace foregate::packet_test {

inline constexpr unsigned kRingPorts = 4;
inline constexpr unsigned kRingPortQueues = 4;

struct RingPort {
    std::uint16_t dpdk_id = 0;
    std::array<rte_ring*, kRingPortQueues> receive{}; ///< what arrives, by queue
    rte_ring* transmit = nullptr;                     ///< what was sent
};

/// Both start DPDK at their first call; they throw std::runtime_error with its reason.
[[nodiscard]] const RingPort& ring_port(unsigned index);
[[nodiscard]] rte_mempool* packet_pool();

} // namespace foregate::packet_test
