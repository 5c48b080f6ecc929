// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/watch/capture_point.h"

#include <algorithm>
#include <cstring>
#include <rte_mbuf.h>
#include <thread>

namespace foregate::dataplane {

namespace {

constexpr std::uint32_t kFilterBytes = 256; ///< of a frame in several buffers that a filter may look at

void copy_frame(const rte_mbuf* packet, std::uint8_t* to, std::uint32_t bytes) noexcept {
    for (const rte_mbuf* part = packet; part != nullptr && bytes != 0; part = part->next) {
        const std::uint32_t length = std::min<std::uint32_t>(bytes, part->data_len);
        std::memcpy(to, rte_pktmbuf_mtod(part, const void*), length);
        to += length;
        bytes -= length;
    }
}

bool matches(const PacketFilter& filter, const rte_mbuf* packet) noexcept {
    if (filter.matches_all()) {
        return true;
    }
    if (packet->nb_segs == 1) {
        return filter.matches(rte_pktmbuf_mtod(packet, const std::uint8_t*), packet->data_len, packet->pkt_len);
    }
    std::uint8_t head[kFilterBytes];
    const std::uint32_t kept = std::min(packet->pkt_len, kFilterBytes);
    copy_frame(packet, head, kept);
    return filter.matches(head, kept, packet->pkt_len);
}

} // namespace

void CapturePoint::take(rte_mbuf* const* packets, unsigned count, std::uint16_t port, CaptureDirection direction,
                        std::uint64_t now_ns) noexcept {
    CaptureTap* tap = armed_.load(std::memory_order_acquire);
    in_use_.store(tap, std::memory_order_seq_cst);
    if (tap != nullptr && armed_.load(std::memory_order_seq_cst) == tap) {
        const CaptureRule& rule = *tap->rule;
        const bool wanted = (direction == CaptureDirection::in ? rule.in : rule.out) &&
                            port < kCapturePorts && (rule.ports >> port & 1) != 0;
        for (unsigned i = 0; wanted && i < count; ++i) {
            const rte_mbuf* packet = packets[i];
            if (!matches(rule.filter, packet)) {
                continue;
            }
            tap->matched.add(1);
            const std::uint32_t kept = std::min(packet->pkt_len, rule.snap_bytes);
            std::uint8_t* room = tap->ring.reserve({now_ns, packet->pkt_len, kept, port, direction});
            if (room == nullptr) {
                tap->lost[port].add(1);
                continue;
            }
            copy_frame(packet, room, kept);
            tap->ring.commit();
        }
    }
    in_use_.store(nullptr, std::memory_order_release);
}

void CapturePoint::disarm() noexcept {
    armed_.store(nullptr, std::memory_order_seq_cst);
    while (in_use_.load(std::memory_order_seq_cst) != nullptr) {
        std::this_thread::yield();
    }
}

} // namespace foregate::dataplane
