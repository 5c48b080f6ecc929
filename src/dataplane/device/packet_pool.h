// SPDX-License-Identifier: BSD-3-Clause
// Packet buffers and rings with owners. Thin RAII over rte_mempool and rte_ring.
#pragma once

#include <memory>
#include <string>

struct rte_mempool;
struct rte_ring;

namespace foregate::dataplane {

struct FreeMempool {
    void operator()(rte_mempool* pool) const noexcept;
};
struct FreeRing {
    void operator()(rte_ring* ring) const noexcept;
};
using PacketPool = std::unique_ptr<rte_mempool, FreeMempool>;
using PacketRing = std::unique_ptr<rte_ring, FreeRing>;

/// Bytes that a frame may have beyond its IP packet: Ethernet, two VLAN tags, a checksum that a port leaves there.
inline constexpr unsigned kFrameOverhead = 14 + 8 + 4;

/// Bytes for frames in a buffer that takes a whole frame of any port of that MTU. In steps of 1 KiB, at least 2: some
/// cards know their buffers' size in KiB only.
[[nodiscard]] constexpr unsigned buffer_bytes(unsigned mtu) noexcept {
    const unsigned needed = (mtu + kFrameOverhead + 1023) / 1024 * 1024;
    return needed < 2048 ? 2048 : needed;
}

/// `count` buffers, each of which takes a whole frame of ports with an MTU of up to `mtu`. Throws std::runtime_error.
[[nodiscard]] PacketPool make_packet_pool(const std::string& name, unsigned count, unsigned cache = 256,
                                          unsigned mtu = 1500);

/// Many producers, one consumer; `size` is a power of two. Throws std::runtime_error.
[[nodiscard]] PacketRing make_packet_ring(const std::string& name, unsigned size);

} // namespace foregate::dataplane
