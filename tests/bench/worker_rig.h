// SPDX-License-Identifier: BSD-3-Clause
// One real worker on two net_ring ports: packets are put on the wire, the worker takes its turns under the cycle
// counter, and what it handed to the shapers' rings is taken away, both outside of the measured time.
#pragma once

#include "bench/traffic.h"
#include "dataplane/device/eal.h"
#include "dataplane/device/packet_pool.h"
#include "dataplane/device/port.h"
#include "dataplane/worker/worker.h"

#include <cstdint>
#include <functional>
#include <memory>

namespace foregate::bench {

struct RigSettings {
    unsigned flows = 1U << 20; ///< capacity of the flow table
    unsigned threats = 0;
    unsigned held = 64;
};

/// Starts DPDK and pins the calling thread: one in a process. Throws std::runtime_error.
class WorkerRig {
public:
    /// Packets on the wire at once, for each port. Buffers of this many stay in the second-level cache, and the worker
    /// is done with them before another process is likely to get the core.
    static constexpr unsigned kBatch = 256;

    /// Simulated: 64 packets a turn are 3.2 million a second.
    static constexpr std::uint64_t kTurnNs = 20'000;

    explicit WorkerRig(const RigSettings& rig);
    ~WorkerRig();
    WorkerRig(const WorkerRig&) = delete;
    WorkerRig& operator=(const WorkerRig&) = delete;

    /// Puts a segment of flow `number` on the wire of the desktop port (`up`) or of the upstream port.
    void arrive(std::uint32_t number, bool up, std::uint8_t flags);
    void arrive(const dataplane::SegmentSpec& segment, bool up);
    /// SYN, SYN-ACK and a first payload of the flows first..end-1: after that each is established, looked at and allowed.
    void establish(std::uint32_t first, std::uint32_t end);
    /// The worker's turns until both wires are empty; TSC cycles of all turns together.
    std::uint64_t work();
    /// Turns with nothing on the wire, the clock moving on by `step_ns` before each; TSC cycles.
    std::uint64_t idle(unsigned turns, std::uint64_t step_ns = kTurnNs);
    /// The same packets taken from the ports and no more: what the driver costs in work(). They are freed.
    std::uint64_t receive_only();
    /// Empties the shapers' rings and the worker's reports; returns how many packets there were, by `sent_up`, if given,
    /// with each frame that left upstream and `sent_down` with each that left to a desktop.
    using Look = std::function<void(const std::uint8_t* frame)>;
    unsigned take_away(const Look& sent_up = {}, const Look& sent_down = {});

    /// Throws std::runtime_error when a packet was dropped or went to the kernel: then something else was measured.
    void expect_no_drops() const;
    /// Throws unless at least `flows` are in the table and every one of them is decided and allowed.
    void expect_decided(std::uint32_t flows);
    void pass(std::uint64_t ns) { now_ns_ += ns; }
    [[nodiscard]] dataplane::Worker& worker() { return *worker_; }

private:
    static constexpr unsigned kPorts = 2;
    struct Wire {
        rte_ring* receive = nullptr;
        rte_ring* transmit = nullptr;
    };
    void make_port(unsigned index);
    [[nodiscard]] rte_mbuf* buffer();
    void put(rte_mbuf* packet, bool up);
    unsigned empty(rte_ring* ring, const Look& look);

    dataplane::Settings settings_;
    dataplane::Eal eal_;
    dataplane::PacketPool pool_;
    Wire wires_[kPorts]; ///< they live as long as the process: the driver keeps them
    std::unique_ptr<dataplane::Port> ports_[kPorts];
    dataplane::PacketRing to_shaper_[kPorts];
    std::unique_ptr<dataplane::GenerationSlot> generations_;
    std::unique_ptr<dataplane::Worker> worker_;
    FrameWriter writer_;
    unsigned waiting_[kPorts] = {0, 0}; ///< packets on the wire
    std::uint64_t now_ns_ = 1'000'000'000'000;
};

} // namespace foregate::bench
