// SPDX-License-Identifier: BSD-3-Clause
// A destination as operators write it: `name:port`, `1.2.3.4:port`, `[2001:db8::1]:port`.
#pragma once

#include "control/config/config.h"
#include "control/config/quantity.h"

#include <string_view>

namespace foregate::control {

/// Names are lowercased and lose a trailing dot; they are host names (RFC 1123 labels, underscores
/// allowed) and not patterns.
[[nodiscard]] Parsed<DestinationSpec> parse_destination_spec(std::string_view text);

} // namespace foregate::control
