// SPDX-License-Identifier: BSD-3-Clause
// Real workers on two net_ring ports: packets are put on the wire, a worker takes its turns under the cycle counter, and
// what it handed to the shapers' rings is taken away, both outside of the measured time.
#pragma once

#include "bench/traffic.h"
#include "dataplane/device/eal.h"
#include "dataplane/device/owner_rule.h"
#include "dataplane/device/packet_pool.h"
#include "dataplane/device/port.h"
#include "dataplane/worker/worker.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

namespace foregate::bench {

struct RigSettings {
    unsigned flows = 1U << 20; ///< capacity of each worker's flow table
    unsigned threats = 0;
    unsigned held = 64;
    unsigned workers = 1;
    /// One logical core for each worker, from the last CPU downwards, so that each can be polled by a thread of its own;
    /// otherwise the calling thread polls them all.
    bool threads = false;
};

/// Starts DPDK and pins the calling thread: one in a process. Throws std::runtime_error. Each worker has receive queues,
/// clock and a lane to the rings of its own; its functions are for one thread at a time.
class WorkerRig {
public:
    /// Packets on the wire at once, for each port and worker. Buffers of this many stay in the second-level cache, and the
    /// worker is done with them before another process is likely to get the core.
    static constexpr unsigned kBatch = 256;

    /// Simulated: 64 packets a turn are 3.2 million a second.
    static constexpr std::uint64_t kTurnNs = 20'000;

    explicit WorkerRig(const RigSettings& rig);
    ~WorkerRig();
    WorkerRig(const WorkerRig&) = delete;
    WorkerRig& operator=(const WorkerRig&) = delete;

    /// Puts a segment of flow `number` on the wire of the desktop port (`up`) or of the upstream port, into the queue of a
    /// worker.
    void arrive(std::uint32_t number, bool up, std::uint8_t flags, unsigned worker = 0);
    void arrive(const dataplane::SegmentSpec& segment, bool up);
    /// The same of `length` bytes, an acknowledgement with data.
    void arrive_long(std::uint32_t number, bool up, unsigned length);
    /// Any frame; the port's address is written over its destination.
    void arrive_frame(std::span<const std::uint8_t> frame, bool up);
    /// SYN, SYN-ACK and a first payload of the flows first..end-1: after that each is established, looked at and allowed.
    void establish(std::uint32_t first, std::uint32_t end);
    /// Only the flows that the worker owns; by its thread.
    void establish_own(std::span<const std::uint32_t> numbers, unsigned worker);
    /// The worker's turns until both of its wires are empty; TSC cycles of all turns together.
    std::uint64_t work(unsigned worker = 0);
    /// Turns with nothing on the wire, the clock moving on by `step_ns` before each; TSC cycles.
    std::uint64_t idle(unsigned turns, std::uint64_t step_ns = kTurnNs, unsigned worker = 0);
    /// One turn with whatever is on the wire.
    std::uint64_t turn(std::uint64_t step_ns);
    /// The same packets taken from the ports and no more: what the driver costs in work(). They are freed.
    std::uint64_t receive_only();
    /// Empties the shapers' rings and the workers' reports; returns how many packets there were, by `sent_up`, if given,
    /// with each frame that left upstream and `sent_down` with each that left to a desktop. While no worker is polled.
    using Look = std::function<void(const std::uint8_t* frame)>;
    unsigned take_away(const Look& sent_up = {}, const Look& sent_down = {});

    /// Takes effect at the next turn. The number is set here.
    void publish(std::unique_ptr<dataplane::Generation> tables);
    [[nodiscard]] unsigned owner(std::uint32_t number) const;

    /// Throws std::runtime_error when a packet was dropped or went to the kernel: then something else was measured.
    void expect_no_drops() const;
    /// Throws unless at least `flows` are in the table and every one of them is decided and allowed. One worker.
    void expect_decided(std::uint32_t flows);
    void pass(std::uint64_t ns) { seats_[0].now_ns += ns; }
    [[nodiscard]] dataplane::Worker& worker(unsigned index = 0) { return *seats_[index].worker; }
    [[nodiscard]] unsigned workers() const noexcept { return static_cast<unsigned>(seats_.size()); }
    /// The logical core of a worker, with RigSettings::threads.
    [[nodiscard]] unsigned lcore(unsigned worker) const { return layout_.worker_lcore(worker); }

private:
    static constexpr unsigned kPorts = 2;
    struct Wire {
        std::vector<rte_ring*> receive; ///< by queue
        rte_ring* transmit = nullptr;
    };
    /// What belongs to one worker and its thread.
    struct alignas(64) Seat {
        std::unique_ptr<dataplane::Worker> worker;
        FrameWriter writer;
        unsigned waiting[kPorts] = {0, 0}; ///< packets on the wire
        std::uint64_t now_ns = 1'000'000'000'000;
    };
    void make_port(unsigned index);
    [[nodiscard]] rte_mbuf* buffer();
    void put(rte_mbuf* packet, unsigned length, bool up, unsigned worker);
    unsigned empty(rte_ring* ring, const Look& look);

    dataplane::Settings settings_;
    dataplane::CoreLayout layout_;
    dataplane::OwnerRule owner_rule_;
    dataplane::Eal eal_;
    dataplane::PacketPool pool_;
    Wire wires_[kPorts]; ///< they live as long as the process: the driver keeps them
    std::unique_ptr<dataplane::Port> ports_[kPorts];
    dataplane::PacketRing to_shaper_[kPorts];
    std::vector<dataplane::PacketRing> redirect_rings_;
    std::unique_ptr<dataplane::GenerationSlot> generations_;
    std::vector<Seat> seats_; ///< by worker
    std::uint32_t generation_ = 0;
};

} // namespace foregate::bench
