// SPDX-License-Identifier: BSD-3-Clause
// The scheduler's inner time and rates. Time is counted in ticks of 1/256 ns from the first call
// on, so that a 64-byte frame at 100 Gbit/s still has a length (5.12 ns) that adds up; 64 bits
// last two years. Pure values, any thread.
#pragma once

#include <algorithm>
#include <cstdint>

namespace foregate::dataplane {

using Ticks = uint64_t;

inline constexpr unsigned kTicksPerNsShift = 8;
inline constexpr Ticks kTicksOrigin = Ticks{1} << 41; // 8.6 s: "a little before now" needs no sign
inline constexpr uint32_t kMaxPacketBytes = 131'071;  // with overhead; cost() cannot overflow

constexpr Ticks ticks_of_ns(uint64_t ns) {
    return ns << kTicksPerNsShift;
}

// The caller's nanoseconds to ticks and back. Never runs backwards: an older time counts as the
// newest seen.
class InnerClock {
public:
    Ticks at(uint64_t now_ns) noexcept {
        if (!started_) {
            started_ = true;
            epoch_ns_ = last_ns_ = now_ns;
        }
        last_ns_ = std::max(last_ns_, now_ns);
        return kTicksOrigin + ticks_of_ns(last_ns_ - epoch_ns_);
    }
    // The first nanosecond at or after t.
    uint64_t ns_at(Ticks t) const noexcept {
        const Ticks since = t > kTicksOrigin ? t - kTicksOrigin : 0;
        return epoch_ns_ + ((since + 255) >> kTicksPerNsShift);
    }

private:
    uint64_t epoch_ns_ = 0;
    uint64_t last_ns_ = 0;
    bool started_ = false;
};

// A rate as the time a byte takes; "no rate" is a cost of 0.
class Pace {
public:
    Pace() = default;
    static Pace of_bps(uint64_t bps) noexcept {
        Pace pace;
        if (bps != 0) {
            const double ticks_per_byte =
                8e9 * 256.0 / static_cast<double>(std::max(bps, kLeastBps));
            pace.scaled_ =
                std::max<uint64_t>(1, static_cast<uint64_t>(ticks_per_byte * 65536.0 + 0.5));
        }
        return pace;
    }
    bool limited() const noexcept { return scaled_ != 0; }
    Ticks cost(uint32_t bytes) const noexcept { return (bytes * scaled_) >> 16; }

    // A clock that stood at t under `from`, moved so that the bytes it is ahead of or behind `now`
    // stay what they were under `to`.
    static Ticks rescale(Ticks t, Ticks now, Pace from, Pace to) noexcept {
        if (!from.limited() || !to.limited()) {
            return now;
        }
        const double ahead = static_cast<double>(static_cast<int64_t>(t - now));
        const double scaled =
            ahead * static_cast<double>(to.scaled_) / static_cast<double>(from.scaled_);
        const double lowest = -static_cast<double>(kTicksOrigin / 2);
        return now + static_cast<Ticks>(static_cast<int64_t>(std::clamp(scaled, lowest, 1e17)));
    }

private:
    static constexpr uint64_t kLeastBps = 1000;

    uint64_t scaled_ = 0; // ticks a byte, times 2^16
};

} // namespace foregate::dataplane
