// SPDX-License-Identifier: BSD-3-Clause
// The ways a packet leaves a worker: to a port's shaper, to a kernel twin, or as a packet of our own.
#pragma once

#include "dataplane/device/shape_tag.h"
#include "dataplane/packet/build.h"
#include "dataplane/worker/packet_batch.h"
#include "dataplane/worker/worker_state.h"

#include <cstring>

namespace foregate::dataplane {

inline void write_ethernet(std::uint8_t* frame, const MacAddress& dst, const MacAddress& src) noexcept {
    std::memcpy(frame, dst.data(), dst.size());
    std::memcpy(frame + 6, src.data(), src.size());
}

/// Called on the worker's core. Every function takes the packet over, whatever happens.
class Outlet {
public:
    explicit Outlet(WorkerState& state) : state_(state), gathered_(state.lanes.size()) {}

    /// Writes the Ethernet header for `hop`; the packet goes to that port's shaper with the next flush(), in order.
    void forward(rte_mbuf* packet, const Hop& hop, const ShapeTag& tag) noexcept {
        write_ethernet(rte_pktmbuf_mtod(packet, std::uint8_t*), hop.mac, state_.lanes[hop.port].mac);
        shape_tag(packet) = tag;
        Gathered& gathered = gathered_[hop.port];
        gathered.packets[gathered.count++] = packet;
        if (gathered.count == gathered.packets.size()) [[unlikely]] {
            flush(hop.port);
        }
    }
    /// Hands what forward() has gathered to the shapers. Called at the end of each burst and of housekeeping.
    void flush() noexcept;
    /// Up the twin of the port it came in by (packet->port), within the source's limit.
    void to_kernel(rte_mbuf* packet) noexcept;
    void drop(rte_mbuf* packet, DropReason reason) noexcept;

    /// A TCP segment of the gateway's own. An unresolved neighbour is left to the kernel: the packet goes up the twin
    /// of the port where its source lives, and the kernel forwards it.
    void send(const SegmentSpec& segment) noexcept;
    /// Everything that the splicer has ready.
    void drain_splicer() noexcept;

    /// A reset that answers `offending` towards its sender. Nothing for a reset.
    void answer_with_reset(const ParsedPacket& offending, const std::uint8_t* frame) noexcept;
    /// The frame of an IP packet of `length` bytes that the caller has written behind 14 free bytes.
    void send_frame(rte_mbuf* packet, const IpAddress& src, const IpAddress& dst) noexcept;
    [[nodiscard]] rte_mbuf* allocate() noexcept;

private:
    [[nodiscard]] std::uint16_t least_mss(unsigned ip_version) const noexcept;
    struct Gathered {
        unsigned count = 0;
        std::array<void*, 2 * kBurst> packets{};
    };
    void flush(std::size_t port) noexcept;

    WorkerState& state_;
    std::vector<Gathered> gathered_; ///< by port
};

} // namespace foregate::dataplane
