// SPDX-License-Identifier: BSD-3-Clause
// A rule of an access list as operators write it: `allow db.example:5432`, `deny =www.example`,
// `deny 10.0.0.0/8`, `allow [2001:db8::/32]:443/tcp`, `deny *:6881-6999`, `deny */udp`.
#pragma once

#include "control/config/config.h"
#include "control/config/quantity.h"

#include <string_view>

namespace foregate::control {

/// Names are lowercased and lose a trailing dot. A port or range without a protocol is for TCP and UDP.
[[nodiscard]] Parsed<AccessRuleConfig> parse_access_rule(std::string_view text);

} // namespace foregate::control
