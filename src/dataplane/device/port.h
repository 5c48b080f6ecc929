// SPDX-License-Identifier: BSD-3-Clause
// One DPDK port: set up from the settings, polled by bursts.
#pragma once

#include "dataplane/device/rss.h"
#include "dataplane/settings.h"
#include "dataplane/tables/route_table.h"

#include <cstdint>
#include <string>

struct rte_mempool;
struct rte_mbuf;

namespace foregate::dataplane {

inline constexpr unsigned kBurst = 32;

struct PortStats {
    std::uint64_t rx_packets = 0, rx_bytes = 0, rx_missed = 0, rx_errors = 0, rx_no_buffer = 0;
    std::uint64_t tx_packets = 0, tx_bytes = 0, tx_errors = 0;
    bool link_up = false;
    std::uint32_t link_mbps = 0;
};

/// Receive by the worker that owns the queue, transmit by one core only; the rest from any thread.
class Port {
public:
    /// Creates the vdev if it is one, configures `queues` receive queues, one for
    /// each worker (as many as the port can), and starts it.
    /// Throws std::runtime_error naming the port and what failed.
    Port(const PortSettings& settings, std::uint16_t index, unsigned queues, rte_mempool* pool);
    /// Takes a port that the environment already has (golden tests, benchmarks).
    Port(const PortSettings& settings, std::uint16_t index, std::uint16_t dpdk_id, unsigned queues, rte_mempool* pool);
    /// Stands for a port where there is no device: for a worker that is handed its packets. Neither receives nor transmits.
    Port(const PortSettings& settings, std::uint16_t index, const MacAddress& mac);
    ~Port();
    Port(const Port&) = delete;
    Port& operator=(const Port&) = delete;

    [[nodiscard]] unsigned receive(unsigned queue, rte_mbuf** burst, unsigned max) noexcept;
    /// Packets taken by the port; the rest stays the caller's.
    [[nodiscard]] unsigned transmit(rte_mbuf** burst, unsigned count) noexcept;

    [[nodiscard]] std::uint16_t index() const noexcept { return index_; }
    [[nodiscard]] std::uint16_t dpdk_id() const noexcept { return dpdk_id_; }
    [[nodiscard]] unsigned rx_queues() const noexcept { return rx_queues_; }
    /// How its packets come to the workers.
    [[nodiscard]] const PortSpread& spread() const noexcept { return spread_; }
    [[nodiscard]] const PortSettings& settings() const noexcept { return settings_; }
    [[nodiscard]] const MacAddress& mac() const noexcept { return mac_; }
    [[nodiscard]] const std::string& driver() const noexcept { return driver_; }
    /// Bytes a frame takes on the wire beyond its length: preamble, checksum, gap (IEEE 802.3); virtual ports have none.
    [[nodiscard]] std::uint32_t frame_overhead_bytes() const noexcept { return created_ ? 0 : 24; }
    [[nodiscard]] PortStats stats() const noexcept;

private:
    void configure(unsigned queues, rte_mempool* pool);

    PortSettings settings_;
    std::uint16_t index_;   ///< among foregate's ports
    std::uint16_t dpdk_id_ = 0;
    unsigned rx_queues_ = 1;
    bool device_ = true;    ///< false: there is none
    bool created_ = false;  ///< a vdev of ours, removed at the end
    bool card_ = false;     ///< a device that the environment found, closed at the end
    std::string vdev_name_;
    std::string driver_;
    PortSpread spread_;
    MacAddress mac_{};
};

} // namespace foregate::dataplane
