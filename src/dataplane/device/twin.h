// SPDX-License-Identifier: BSD-3-Clause
// Kernel twins: a TAP interface for each routed port. What the gateway does not forward itself goes up through it,
// and what the kernel sends comes down through it. Served by one thread of its own, never by a worker.
#pragma once

#include "dataplane/counters.h"
#include "dataplane/device/packet_pool.h"
#include "dataplane/tables/route_table.h"

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

namespace foregate::dataplane {

/// One TAP interface; gone when closed, also after kill -9.
class Twin {
public:
    /// Creates the interface with the port's MAC and MTU and brings it up. Throws std::runtime_error.
    Twin(const std::string& name, const MacAddress& mac, std::uint16_t mtu);
    ~Twin();
    Twin(const Twin&) = delete;
    Twin& operator=(const Twin&) = delete;

    [[nodiscard]] int fd() const noexcept { return fd_; }
    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    [[nodiscard]] unsigned interface_index() const noexcept { return index_; }

private:
    std::string name_;
    int fd_ = -1;
    unsigned index_ = 0;
};

/// Moves packets between the twins and the rings of the data plane. The rings outlive it.
class TwinThread {
public:
    struct Lane {
        Twin* twin = nullptr;
        rte_ring* to_kernel = nullptr;  ///< filled by workers
        rte_ring* from_kernel = nullptr; ///< the port's transmit ring
        rte_mempool* pool = nullptr;    ///< buffers that take a frame of the port
    };

    TwinThread(std::vector<Lane> lanes, unsigned cpu);
    ~TwinThread();
    TwinThread(const TwinThread&) = delete;
    TwinThread& operator=(const TwinThread&) = delete;

    /// Counts of this thread: packets the kernel sent (received) and drops.
    [[nodiscard]] const CounterBlock& counters() const noexcept { return counters_; }

private:
    void run() noexcept;
    bool to_kernel(const Lane& lane) noexcept;
    bool from_kernel(const Lane& lane) noexcept;

    std::vector<Lane> lanes_;
    unsigned cpu_;
    CounterBlock counters_;
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

} // namespace foregate::dataplane
