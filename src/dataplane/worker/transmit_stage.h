// SPDX-License-Identifier: BSD-3-Clause
// The one owner of a routed port's transmit side: takes packets from everybody's ring, shapes them, sends them.
#pragma once

#include "dataplane/counters.h"
#include "dataplane/device/packet_pool.h"
#include "dataplane/device/port.h"
#include "dataplane/mailbox.h"
#include "dataplane/shape/shaper.h"
#include "dataplane/watch/capture_point.h"

#include <array>
#include <cstdint>
#include <variant>

namespace foregate::dataplane {

struct SetPipe {
    std::uint32_t pipe = 0;
    PipeRates rates{};
};
/// rate 0 removes it.
struct SetAllotment {
    std::uint16_t allotment = 0;
    std::uint64_t rate_bps = 0;
};
struct SetLinkRate {
    std::uint64_t rate_bps = 0;
};
using ShaperOrder = std::variant<SetPipe, SetAllotment, SetLinkRate>;

/// poll() by the shaper's core only; ring() is filled by any core; post() by the control core.
class TransmitStage {
public:
    /// `late_poll_ns`: how late a turn can come; what the port could have sent meanwhile is caught up.
    TransmitStage(Port& port, unsigned max_desktops, std::uint64_t late_poll_ns);
    ~TransmitStage();
    TransmitStage(const TransmitStage&) = delete;
    TransmitStage& operator=(const TransmitStage&) = delete;

    /// One turn: ring, orders, scheduler, port. True when anything moved.
    bool poll(std::uint64_t now_ns) noexcept;

    [[nodiscard]] rte_ring* ring() const noexcept { return ring_.get(); }
    [[nodiscard]] bool post(const ShaperOrder& order) noexcept { return orders_.post(order); }
    [[nodiscard]] std::uint64_t next_event_ns(std::uint64_t now_ns) noexcept;
    [[nodiscard]] const Shaper& shaper() const noexcept { return shaper_; }
    [[nodiscard]] const Port& port() const noexcept { return port_; }
    [[nodiscard]] const CounterBlock& counters() const noexcept { return counters_; }
    [[nodiscard]] CapturePoint& capture_point() noexcept { return capture_; }

private:
    static constexpr unsigned kTaken = 2 * kBurst; ///< from the ring in a turn
    static constexpr unsigned kPending = kTaken;
    static constexpr unsigned kPendingBehind = kBurst; ///< in a turn in which the port has not taken all of the last one
    static void dropped(void* self, void* packet, ShapeDrop reason) noexcept;
    void take_orders(std::uint64_t now_ns) noexcept;
    unsigned offered_of(void* const* packets, unsigned count, OfferedPacket* offered) noexcept;
    bool take_packets(std::uint64_t now_ns) noexcept;
    [[nodiscard]] unsigned room() const noexcept { return most_pending_ > pending_count_ ? most_pending_ - pending_count_ : 0; }
    [[nodiscard]] bool push_tags(rte_mbuf* packet) noexcept;
    bool send(std::uint64_t now_ns) noexcept;
    void append(void* const* packets, unsigned count, std::uint64_t now_ns) noexcept;

    Port& port_;
    PacketRing ring_;
    CounterBlock counters_;
    CapturePoint capture_;
    Mailbox<ShaperOrder> orders_;
    Shaper shaper_;
    std::array<rte_mbuf*, kPending> pending_{}; ///< scheduled, not yet taken by the port
    unsigned pending_count_ = 0;
    unsigned most_pending_ = kPending; ///< in this turn
};

} // namespace foregate::dataplane
