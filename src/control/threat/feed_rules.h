// SPDX-License-Identifier: BSD-3-Clause
// Which understood entries are refused nevertheless: those that would cut the fleet off from
// itself or from half the Internet. Pure.
#pragma once

#include "control/threat/feed_content.h"
#include "control/threat/feed_name.h"

#include <string>

namespace foregate::control {

/// Why a prefix may not be listed; empty when it may.
[[nodiscard]] std::string why_refused(const dataplane::IpPrefix& prefix, const FeedRules& rules);

/// Why a name may not be listed; empty when it may.
[[nodiscard]] std::string why_refused(const FeedName& name, const FeedRules& rules);

} // namespace foregate::control
