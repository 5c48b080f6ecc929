// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/device/packet_pool.h"

#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_ring.h>
#include <stdexcept>

namespace foregate::dataplane {

void FreeMempool::operator()(rte_mempool* pool) const noexcept { rte_mempool_free(pool); }

void FreeRing::operator()(rte_ring* ring) const noexcept {
    void* object = nullptr;
    while (rte_ring_sc_dequeue(ring, &object) == 0) {
        rte_pktmbuf_free(static_cast<rte_mbuf*>(object));
    }
    rte_ring_free(ring);
}

PacketPool make_packet_pool(const std::string& name, unsigned count, unsigned cache, unsigned mtu) {
    const auto room = static_cast<std::uint16_t>(RTE_PKTMBUF_HEADROOM + buffer_bytes(mtu));
    rte_mempool* pool = rte_pktmbuf_pool_create(name.c_str(), count, cache, 0, room,
                                                static_cast<int>(rte_socket_id()));
    if (pool == nullptr) {
        throw std::runtime_error("no memory for " + std::to_string(count) + " packet buffers of " +
                                 std::to_string(room) + " bytes (" + rte_strerror(rte_errno) + "): lower system.packet-buffers or raise system.memory");
    }
    return PacketPool(pool);
}

PacketRing make_packet_ring(const std::string& name, unsigned size) {
    rte_ring* ring = rte_ring_create(name.c_str(), size, static_cast<int>(rte_socket_id()), RING_F_SC_DEQ);
    if (ring == nullptr) {
        throw std::runtime_error("no memory for ring " + name + ": " + rte_strerror(rte_errno));
    }
    return PacketRing(ring);
}

} // namespace foregate::dataplane
