// SPDX-License-Identifier: BSD-3-Clause
// What happened to one packet, stage by stage: filled in by a worker, read by the control core. Plain data.
#pragma once

#include "dataplane/app_type.h"
#include "dataplane/counters.h"
#include "dataplane/drop_reason.h"
#include "dataplane/flow.h"
#include "dataplane/mailbox.h"
#include "dataplane/packet/parse.h"
#include "dataplane/stage_cycles.h"
#include "dataplane/tables/desktop_table.h"
#include "dataplane/tables/plan_table.h"
#include "dataplane/tables/route_table.h"
#include "dataplane/watch/packet_filter.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

namespace foregate::dataplane {

/// What has become of the packet when a stage was done with it.
enum class TraceFate : std::uint8_t { pending, kernel, consumed, elsewhere, dropped };

/// A counter that the stage has moved; with one packet in the stage, the packet did it.
struct CounterChange {
    bool is_drop = false;
    std::uint8_t number = 0; ///< of the Counter or the DropReason
    std::uint32_t by = 0;
};

struct StageNote {
    Stage stage = Stage::ingress;
    TraceFate fate = TraceFate::pending;
    DropReason reason = DropReason::truncated; ///< with TraceFate::dropped

    // The flow as the stage left it; meaningless without one.
    bool has_flow = false;
    bool new_flow = false;
    bool from_desktop = false;
    bool has_desktop = false;
    bool spliced = false;
    bool held_side = false; ///< the five-tuple is a held connection's own
    FlowVerdict verdict = FlowVerdict::undecided;
    DropReason blocked_for = DropReason::blocked_flow;
    TcpPhase tcp = TcpPhase::none;
    SecondaryState secondary = SecondaryState::open;
    AppType app = AppType::other;
    std::uint16_t usage_class = 0;
    std::uint32_t desktop = 0;
    AllotmentRef allotment{};
    Hop next{}; ///< in the packet's direction

    static constexpr unsigned kMostChanges = 6;
    std::array<CounterChange, kMostChanges> changes{};
    std::uint8_t change_count = 0;
};

struct TracedPacket {
    std::uint64_t time_ns = 0; ///< of the polling cores' clock
    std::uint16_t worker = 0;
    std::uint16_t port = 0;    ///< it came in by
    std::uint32_t length = 0;  ///< of the frame
    bool redirected = false;   ///< from another worker
    ParsedPacket parsed{};     ///< as the ingress stage read it; ip_version 0: it is not IP, or broken
    std::array<StageNote, kStages> stages{};
    std::uint8_t stage_count = 0;
};

/// One worker's share of a trace. Made by the control core, which keeps it until `released`.
struct TraceJob {
    TraceJob(std::shared_ptr<const PacketFilter> which, std::shared_ptr<std::atomic<int>> wanted, std::size_t capacity)
        : filter(std::move(which)), left(std::move(wanted)), packets(capacity) {}
    const std::shared_ptr<const PacketFilter> filter;
    const std::shared_ptr<std::atomic<int>> left; ///< packets still wanted, shared by all workers
    Mailbox<TracedPacket> packets;                ///< room for all that are wanted
    std::atomic<bool> released{false};            ///< the worker touches it no more
};

} // namespace foregate::dataplane
