// SPDX-License-Identifier: BSD-3-Clause
// The polling cores' clock: nanoseconds since start, from the time-stamp counter.
#pragma once

#include <cstdint>
#include <rte_cycles.h>

namespace foregate::dataplane {

/// Monotonic; the same on all cores (invariant TSC). Cheap: one rdtsc and one multiplication.
class Clock {
public:
    Clock() noexcept
        : base_(rte_get_tsc_cycles()),
          ns_per_tick_(static_cast<std::uint64_t>((1e9 / static_cast<double>(rte_get_tsc_hz())) * 4294967296.0)) {}

    [[nodiscard]] std::uint64_t now_ns() const noexcept {
        __extension__ using Wide = unsigned __int128;
        return static_cast<std::uint64_t>((static_cast<Wide>(rte_get_tsc_cycles() - base_) * ns_per_tick_) >> 32);
    }

private:
    std::uint64_t base_;
    std::uint64_t ns_per_tick_; ///< 32.32 fixed point
};

} // namespace foregate::dataplane
