// SPDX-License-Identifier: BSD-3-Clause
// Where a polling core shows its packets to a capture, if there is one.
//
// A point belongs to one core and lives as long as it; a tap is one point's share of one capture and is the control
// core's. Nothing armed costs one load and one branch a burst.
#pragma once

#include "dataplane/counters.h"
#include "dataplane/watch/capture_ring.h"
#include "dataplane/watch/packet_filter.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

struct rte_mbuf;

namespace foregate::dataplane {

/// Ports that a capture can tell apart; a gateway has fewer.
inline constexpr unsigned kCapturePorts = 64;

/// What a capture takes. Immutable once a tap holds it.
struct CaptureRule {
    PacketFilter filter;
    std::uint64_t ports = ~0ULL;        ///< bit by port number
    bool in = true;
    bool out = true;
    std::uint32_t snap_bytes = 262144;  ///< of each frame at most
};

/// Written by the point's core (ring, counters), read by the capture's thread.
struct CaptureTap {
    CaptureTap(std::shared_ptr<const CaptureRule> what, std::size_t ring_bytes)
        : rule(std::move(what)), ring(ring_bytes) {}
    const std::shared_ptr<const CaptureRule> rule;
    CaptureRing ring;
    OwnedCounter matched; ///< frames the filter let through
    std::array<OwnedCounter, kCapturePorts> lost; ///< of those, frames that found the ring full, by port
};

class CapturePoint {
public:
    // --- the owning core ---
    void see(rte_mbuf* const* packets, unsigned count, std::uint16_t port, CaptureDirection direction,
             std::uint64_t now_ns) noexcept {
        if (armed_.load(std::memory_order_relaxed) != nullptr) [[unlikely]] {
            take(packets, count, port, direction, now_ns);
        }
    }

    // --- the control core ---
    /// `tap` stays the caller's, and valid until disarm() has returned.
    void arm(CaptureTap* tap) noexcept { armed_.store(tap, std::memory_order_seq_cst); }
    [[nodiscard]] CaptureTap* armed() const noexcept { return armed_.load(std::memory_order_relaxed); }
    /// After this the core touches the tap no more. Waits for the burst that is being looked at, if there is one.
    void disarm() noexcept;

private:
    void take(rte_mbuf* const* packets, unsigned count, std::uint16_t port, CaptureDirection direction,
              std::uint64_t now_ns) noexcept;

    alignas(64) std::atomic<CaptureTap*> armed_{nullptr};
    std::atomic<const CaptureTap*> in_use_{nullptr}; ///< written by the core
};

} // namespace foregate::dataplane
