// SPDX-License-Identifier: BSD-3-Clause
// From the config to what the data plane is built with. Pure but for the host's hugepages and random numbers.
#pragma once

#include "control/config/config.h"
#include "dataplane/settings.h"

namespace foregate::control {

/// Free 2 MiB and 1 GiB hugepages of this host, in bytes.
[[nodiscard]] std::uint64_t free_hugepage_bytes();

/// Throws std::runtime_error when the config demands hugepages or CPUs that the host does not have.
[[nodiscard]] dataplane::Settings settings_from_config(const Config& config);

} // namespace foregate::control
