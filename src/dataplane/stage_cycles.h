// SPDX-License-Identifier: BSD-3-Clause
// What each stage of a worker costs, in cycles of the time-stamp counter.
//
// Every kMeasuredEvery-th burst is measured: a counter read is some 20 cycles, so one burst in sixteen costs a full burst
// less than half a cycle a packet, and the average is as good.
#pragma once

#include "dataplane/counters.h"

#include <array>
#include <cstdint>
#include <string_view>

namespace foregate::dataplane {

// clang-format off
#define FOREGATE_STAGES(X)                                                                         \
    X(ingress, "frame to five-tuple; what is the kernel's, what is refused")                       \
    X(spread, "packets of another worker's flows go there")                                        \
    X(fragments, "later fragments get their flow's ports; overlaps are refused")                   \
    X(flow, "find or create the flow; forged sources")                                             \
    X(splice_upstream, "packets of held connections become the desktop's")                         \
    X(verdict, "session, threat list, names, pattern")                                             \
    X(splice_desktop, "a SYN meets a held connection; spliced packets are translated")             \
    X(count, "flow, desktop, usage cell")                                                          \
    X(egress, "TTL, MTU, next hop, queue; kernel and drops leave here too")

enum class Stage : std::uint8_t {
#define X(name, help) name,
    FOREGATE_STAGES(X)
#undef X
    count_
};
// clang-format on

inline constexpr std::size_t kStages = static_cast<std::size_t>(Stage::count_);

inline constexpr std::array<NamedHelp, kStages> kStageNames{{
#define X(name, help) {#name, help},
    FOREGATE_STAGES(X)
#undef X
}};

[[nodiscard]] inline std::string_view stage_name(Stage stage) noexcept {
    return kStageNames[static_cast<std::size_t>(stage)].name;
}

inline constexpr std::uint64_t kMeasuredEvery = 16; ///< a power of two

/// As read: totals of the measured bursts since the start.
struct StageSums {
    std::array<std::uint64_t, kStages> cycles{};
    std::uint64_t bursts = 0, packets = 0;

    [[nodiscard]] std::uint64_t all_cycles() const noexcept {
        std::uint64_t sum = 0;
        for (const std::uint64_t c : cycles) {
            sum += c;
        }
        return sum;
    }
    /// What was measured since `before`, an earlier reading of the same worker.
    [[nodiscard]] StageSums since(const StageSums& before) const noexcept {
        StageSums out = *this;
        for (std::size_t i = 0; i < kStages; ++i) {
            out.cycles[i] -= before.cycles[i];
        }
        out.bursts -= before.bursts;
        out.packets -= before.packets;
        return out;
    }
};

/// Written by the worker's core, read by anybody.
struct alignas(64) StageCycles {
    std::array<OwnedCounter, kStages> cycles;
    OwnedCounter bursts, packets;

    [[nodiscard]] StageSums read() const noexcept {
        StageSums out;
        for (std::size_t i = 0; i < kStages; ++i) {
            out.cycles[i] = cycles[i].read();
        }
        out.bursts = bursts.read();
        out.packets = packets.read();
        return out;
    }
};

} // namespace foregate::dataplane
