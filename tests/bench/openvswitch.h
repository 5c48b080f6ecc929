// SPDX-License-Identifier: BSD-3-Clause
// Open vSwitch with DPDK and connection tracking, a yardstick, where it is installed.
#pragma once

#include <string>
#include <vector>

namespace foregate::bench {

/// Why it cannot be measured here, or empty.
[[nodiscard]] std::string no_openvswitch();

/// Packets a second that left by both devices (vdev strings) together, the median of three seconds after five of warming up.
/// Throws std::runtime_error with the end of what it said.
[[nodiscard]] double openvswitch_conntrack_pps(const std::vector<std::string>& devices, unsigned cpu);

} // namespace foregate::bench
