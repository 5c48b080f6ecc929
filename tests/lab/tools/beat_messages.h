// SPDX-License-Identifier: BSD-3-Clause
// The stand-in for a display stream, on TCP and UDP port 4172. Person's client to desktop: small
// input messages; desktop to client: frames that say which input arrived last. Beside them a UDP
// echo, whose numbers show every lost packet. Plain structs in host order: both ends are always on
// the same machine, and share its monotonic clock.
#pragma once

#include <cstddef>
#include <cstdint>

namespace foregate::lab {

inline constexpr std::uint16_t kBeatPort = 4172;
inline constexpr std::size_t kInputBytes = 64;
inline constexpr std::size_t kFrameBytes = 1000;

/// Client to desktop, by TCP (kInputBytes long) and by UDP (echoed as it is).
struct BeatInput {
    std::uint64_t number = 0; ///< from 1
    std::int64_t sent_ns = 0;
};

/// Desktop to client by TCP, kFrameBytes long.
struct BeatFrame {
    std::uint64_t number = 0; ///< from 1
    std::int64_t sent_ns = 0;
    std::uint64_t last_input = 0;
    std::int64_t last_input_received_ns = 0;
};

} // namespace foregate::lab
