// SPDX-License-Identifier: BSD-3-Clause
// The lab's clock: CLOCK_MONOTONIC in nanoseconds. All namespaces of one machine share it, so
// stamps taken at two hosts of the lab can be subtracted.
#pragma once

#include <cstdint>
#include <ctime>

namespace foregate::lab {

inline constexpr std::int64_t kNsPerMs = 1'000'000;
inline constexpr std::int64_t kNsPerSecond = 1'000'000'000;

inline std::int64_t read_clock_ns(clockid_t clock) noexcept {
    timespec now{};
    clock_gettime(clock, &now);
    return std::int64_t{now.tv_sec} * kNsPerSecond + now.tv_nsec;
}

inline std::int64_t monotonic_ns() noexcept {
    return read_clock_ns(CLOCK_MONOTONIC);
}

inline timespec to_timespec(std::int64_t ns) noexcept {
    return timespec{static_cast<time_t>(ns / kNsPerSecond), static_cast<long>(ns % kNsPerSecond)};
}

/// Sleeps until `deadline_ns` of the monotonic clock; returns early on a signal.
inline void sleep_until(std::int64_t deadline_ns) noexcept {
    const timespec until = to_timespec(deadline_ns);
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
}

} // namespace foregate::lab
