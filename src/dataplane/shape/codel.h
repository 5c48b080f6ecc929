// SPDX-License-Identifier: BSD-3-Clause
// CoDel, "controlling queue delay" (RFC 8289, sections 5.5 to 5.7): drop from the head while the
// delay of the packets that leave has stood above a target for an interval, ever more often by the
// square root of the drops so far. Times are 32-bit counts of 1.024 us that wrap after 73 minutes
// (a state that old is at worst mistaken for a recent one, which costs one early restart).
// 16 bytes of state a flow. One thread. Drops only: the packet itself is never looked into, so
// there is no ECN marking here.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "dataplane/shape/pace.h"

namespace foregate::dataplane {

using CodelTime = uint32_t;

constexpr CodelTime codel_time(Ticks t) {
    return static_cast<CodelTime>(t >> 18);
}

struct CodelParams {
    CodelTime target = 0;
    CodelTime interval = 0;
    uint32_t mtu_bytes = 0; // a queue with no more than this left is never dropped from
};

struct CodelState {
    CodelTime first_above =
        0; // when the delay will have been too long for an interval; 0: it is not
    CodelTime drop_next = 0;
    uint16_t count = 0;
    uint16_t last_count = 0;
    bool dropping = false;
};

namespace codel_detail {

inline bool reached(CodelTime now, CodelTime when) {
    return static_cast<int32_t>(now - when) >= 0;
}

inline CodelTime after_drop(CodelTime from, CodelTime interval, uint16_t count) {
    return from +
           static_cast<CodelTime>(static_cast<float>(interval) /
                                  std::sqrt(static_cast<float>(std::max<uint16_t>(count, 1))));
}

// One look at the packet that is about to leave: has the delay been too long for an interval?
inline bool too_long(CodelState& state, const CodelParams& params, CodelTime now, CodelTime delay,
                     uint32_t bytes_left) {
    if (delay < params.target || bytes_left <= params.mtu_bytes) {
        state.first_above = 0;
        return false;
    }
    if (state.first_above == 0) {
        state.first_above = std::max<CodelTime>(now + params.interval, 1);
        return false;
    }
    return reached(now, state.first_above);
}

} // namespace codel_detail

// Takes the next packet of a queue that is not empty. head() takes one off and returns a value with
// `delay` (CodelTime) and `bytes_left`; drop(value) gives one up. Always returns a packet, since
// the last one is never dropped.
template <class Head, class Drop>
auto codel_take(CodelState& state, const CodelParams& params, CodelTime now, Head head, Drop drop) {
    using namespace codel_detail;
    auto packet = head();
    bool above = too_long(state, params, now, packet.delay, packet.bytes_left);
    if (state.dropping) {
        state.dropping = above;
        while (state.dropping && reached(now, state.drop_next)) {
            drop(packet);
            state.count = static_cast<uint16_t>(std::min(state.count + 1, 65535));
            packet = head();
            state.dropping = too_long(state, params, now, packet.delay, packet.bytes_left);
            if (state.dropping) {
                state.drop_next = after_drop(state.drop_next, params.interval, state.count);
            }
        }
    } else if (above) {
        drop(packet);
        packet = head();
        above = too_long(state, params, now, packet.delay, packet.bytes_left);
        state.dropping = true;
        const int drops = state.count - state.last_count;
        const bool recent = !reached(now, state.drop_next + 16 * params.interval);
        state.count = static_cast<uint16_t>(drops > 1 && recent ? drops : 1);
        state.last_count = state.count;
        state.drop_next = after_drop(now, params.interval, state.count);
    }
    return packet;
}

} // namespace foregate::dataplane
