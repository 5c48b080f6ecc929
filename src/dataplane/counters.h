// SPDX-License-Identifier: BSD-3-Clause
// Per-core counters: one writer each, read by the control core without stopping anybody.
#pragma once

#include "dataplane/drop_reason.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace foregate::dataplane {

// clang-format off
#define FOREGATE_COUNTERS(X)                                                                       \
    X(received, "packets received on routed ports")                                                \
    X(forwarded, "packets handed to the shaper of their port")                                     \
    X(to_kernel, "packets handed to a kernel twin")                                                \
    X(primary_forwarded, "frames passed between the primary ports")                                \
    X(redirected, "packets that arrived on another worker than their flow's")                      \
    X(redirected_in, "packets that another worker received and handed to this one")                \
    X(flows_created, "flows created")                                                              \
    X(flows_expired, "flows removed by age or end")                                                \
    X(half_open_ended, "half-open connections that gave way to newer ones")                        \
    X(threat_matches, "flows or questions stopped or noted by the threat list")                    \
    X(access_denied, "connections and questions stopped by an access list")                        \
    X(deviations, "connections noted or stopped as deviating")                                     \
    X(dns_answers, "DNS answers learned from")                                                     \
    X(splices, "desktop connections spliced onto a held one")                                      \
    X(splice_fallbacks, "desktop connections that did not fit the held one")                       \
    X(splices_taken_over, "splices that went on after a restart")                                  \
    X(splices_left_behind, "connections of before a restart that were reset after it")             \
    X(splices_replayed, "splices moved to a fresh connection, as the server closed at the hand-over") \
    X(late_answers, "SYNs answered late, for senders that take the handshake for the path")        \
    X(held_dialed, "held connections begun")                                                       \
    X(answered_here, "segments of held connections that the gateway answered itself")              \
    X(resets_sent, "TCP resets sent for blocked connections")                                      \
    X(reports_lost, "reports to the control core that found the mailbox full")                     \
    X(usage_overflow, "new destinations counted as other since the usage table was full")          \
    X(bursts, "bursts of packets that went through the stages")                                    \
    X(turns, "turns of the polling loop")                                                          \
    X(idle_turns, "turns that found nothing to do")

enum class Counter : std::uint8_t {
#define X(name, help) name,
    FOREGATE_COUNTERS(X)
#undef X
    count_
};
// clang-format on

inline constexpr std::size_t kCounters = static_cast<std::size_t>(Counter::count_);

inline constexpr std::array<NamedHelp, kCounters> kCounterNames{{
#define X(name, help) {#name, help},
    FOREGATE_COUNTERS(X)
#undef X
}};

/// A value that one core writes and any thread reads: a plain add, never a locked one.
class OwnedCounter {
public:
    void add(std::uint64_t n) noexcept {
        value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    }
    void set(std::uint64_t n) noexcept { value_.store(n, std::memory_order_relaxed); }
    [[nodiscard]] std::uint64_t read() const noexcept { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> value_{0};
};

/// All counters of one core. Writer: that core. Readers: anybody.
struct alignas(64) CounterBlock {
    std::array<OwnedCounter, kCounters> values;
    std::array<OwnedCounter, kDropReasons> drops;

    void add(Counter c, std::uint64_t n = 1) noexcept { values[static_cast<std::size_t>(c)].add(n); }
    void drop(DropReason r, std::uint64_t n = 1) noexcept { drops[static_cast<std::size_t>(r)].add(n); }
    [[nodiscard]] std::uint64_t read(Counter c) const noexcept {
        return values[static_cast<std::size_t>(c)].read();
    }
    [[nodiscard]] std::uint64_t read(DropReason r) const noexcept {
        return drops[static_cast<std::size_t>(r)].read();
    }
};

/// Where a polling core's time goes. Writer: that core, once a turn, from clock reads that it makes anyway.
struct alignas(64) CoreTime {
    OwnedCounter busy_ns; ///< turns that moved something
    OwnedCounter idle_ns; ///< turns that found nothing, and sleep
    OwnedCounter turns;
    OwnedCounter idle_turns;
};

/// Live figures of one desktop on one worker: what its shadow session mirrors. Kept in memory only.
struct alignas(64) DesktopCell {
    OwnedCounter bytes_up, bytes_down;     ///< IP bytes that were forwarded
    OwnedCounter packets_up, packets_down;
    OwnedCounter connections;              ///< flows begun by the desktop
    OwnedCounter last_activity_ms;         ///< worker clock; keep-alives do not count
    OwnedCounter blocked;                  ///< packets stopped by a verdict
};

} // namespace foregate::dataplane
