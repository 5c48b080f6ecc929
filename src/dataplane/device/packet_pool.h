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

/// `count` buffers of 2 KiB of data each. Throws std::runtime_error.
[[nodiscard]] PacketPool make_packet_pool(const std::string& name, unsigned count, unsigned cache = 256);

/// Many producers, one consumer; `size` is a power of two. Throws std::runtime_error.
[[nodiscard]] PacketRing make_packet_ring(const std::string& name, unsigned size);

} // namespace foregate::dataplane
