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

/// A host name in lower case; one whose last label is all digits is a mistyped address (RFC 1123
/// section 2.1).
[[nodiscard]] bool is_host_name(std::string_view name);

} // namespace foregate::control
