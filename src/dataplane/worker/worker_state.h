// SPDX-License-Identifier: BSD-3-Clause
// What the stages of one worker share: its tables, its counters and its ways out. Owned by one Worker.
#pragma once

#include "dataplane/classify/flow_classifier.h"
#include "dataplane/classify/flow_table.h"
#include "dataplane/counters.h"
#include "dataplane/device/packet_pool.h"
#include "dataplane/device/port.h"
#include "dataplane/generation.h"
#include "dataplane/large_pages.h"
#include "dataplane/mailbox.h"
#include "dataplane/messages.h"
#include "dataplane/settings.h"
#include "dataplane/splice/splicer.h"
#include "dataplane/usage/usage_cells.h"
#include "dataplane/worker/deviation_ledger.h"
#include "dataplane/worker/kernel_limiter.h"
#include "dataplane/worker/new_flow_limiter.h"
#include "dataplane/worker/report_pace.h"
#include "dataplane/worker/service_memory.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace foregate::dataplane {

/// A routed port as a worker needs it: where to put packets for it and for its kernel twin.
struct PortLane {
    Port* port = nullptr;
    rte_ring* transmit = nullptr;  ///< of the shaper
    rte_ring* to_kernel = nullptr; ///< nullptr: no twin
    // Copies of what `port` says, so that a packet does not have to follow pointers; filled in by WorkerState.
    MacAddress mac{};
    PortKind kind = PortKind::desktop;
    std::uint16_t mtu = 0;
};

/// Everything here is written by the worker's core alone, except what is read through OwnedCounter and mailboxes.
struct WorkerState {
    WorkerState(unsigned worker_index, const Settings& worker_settings, std::vector<PortLane> port_lanes,
                rte_mempool* packet_pool);

    // Fixed at start.
    const unsigned index;
    const Settings& settings;
    std::vector<PortLane> lanes; ///< by port index; pair ports have no rings
    rte_mempool* pool;

    // Tables and counters.
    FlowTable flows;
    FlowClassifier classifier;
    ClassifyResult classified; ///< of the packet that was looked at last
    ServiceMemory services;
    Splicer splicer;
    CounterBlock counters;
    ZeroedTable<DesktopCell> desktops; ///< by desktop number
    UsageTable usage_tables[2];
    unsigned usage_table = 0;       ///< the one being written
    std::uint64_t usage_salt;
    DeviationLedger ledger;
    KernelLimiter kernel_limiter;
    ReportPace access_reports;
    NewFlowLimiter new_flows;
    std::vector<std::uint32_t> numbered_seen_ms; ///< by desktop number: when it was last reported as seen
    std::array<std::uint32_t, 1024> stranger_seen_ms{}; ///< by hash: likewise, of addresses without a number
    std::vector<std::uint8_t> options_told;           ///< by desktop number: its SYN options were reported

    // Mailboxes: the control core is the other side.
    Mailbox<Order> orders;
    Mailbox<Report> reports;

    // Of the current turn.
    const Generation* generation = nullptr;
    std::uint32_t generation_number = 0;
    /// Changes with the generation and with the usage table: what a flow has looked up under another stamp is stale.
    std::uint32_t stamp = 1;
    std::uint64_t now_ns = 0;
    [[nodiscard]] std::uint32_t now_ms() const noexcept { return static_cast<std::uint32_t>(now_ns / 1'000'000); }

    /// Number 0 stands for everybody without one.
    [[nodiscard]] DesktopCell& desktop_cell(std::uint32_t number) noexcept {
        return desktops[number < settings.max_desktops ? number : 0];
    }
    [[nodiscard]] std::uint32_t& seen_report_ms(std::uint32_t desktop, const IpAddress& address) noexcept {
        return desktop != 0 && desktop < numbered_seen_ms.size()
                   ? numbered_seen_ms[desktop]
                   : stranger_seen_ms[hash_address(address, settings.seed) % stranger_seen_ms.size()];
    }

    /// The one way in which a flow ends: it leaves the table, and what the classifier and the limits keep of it goes.
    void end_flow(Flow& flow) noexcept {
        classifier.release(flows.cold(flow).classifier);
        if (flow.begun_by_desktop) {
            new_flows.ended(flow.desktop_address());
        }
        flows.erase(flow);
    }

    void report(const Report& message) noexcept {
        if (!reports.post(message)) {
            counters.add(Counter::reports_lost);
        }
    }
};

/// Copies a normalised name into a report, zero-terminated.
template <std::size_t N>
inline void copy_name(std::array<char, N>& to, std::string_view name) noexcept {
    const std::size_t length = std::min(name.size(), N - 1);
    std::copy_n(name.data(), length, to.data()); // an empty name may have no data
    to[length] = '\0';
}

} // namespace foregate::dataplane
