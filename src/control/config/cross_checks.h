// SPDX-License-Identifier: BSD-3-Clause
// What no single value shows: names used twice, prefixes that overlap, ports that are missing,
// floors that cannot be kept.
#pragma once

#include "control/config/config.h"
#include "control/config/reading.h"

namespace foregate::control {

/// Adds problems and warnings to `reading`. Values that were refused before (`reading.failed`) are
/// left out.
void check_ports(Reading& reading, const Config& config);
void check_fleet(Reading& reading,
                 const Config& config); ///< classes, desktops, their addresses and floors
void check_policies(Reading& reading, const Config& config); ///< held connections, feeds, console

} // namespace foregate::control
