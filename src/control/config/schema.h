// SPDX-License-Identifier: BSD-3-Clause
// Every key of the config, as rows that read it. The one place to add a key (and a line in
// conf/foregate.yaml).
#pragma once

#include "control/config/schema_row.h"

#include <vector>

namespace foregate::control {

[[nodiscard]] const Rows<Config>& config_rows();

/// All keys with type, range, default and help, parents before what is below them.
[[nodiscard]] std::vector<KeyHelp> schema_keys();

} // namespace foregate::control
