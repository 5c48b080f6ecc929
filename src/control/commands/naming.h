// SPDX-License-Identifier: BSD-3-Clause
// Names for the numbers that the data plane speaks in. Control thread only.
#pragma once

#include "control/commands/values.h"

#include <string>

namespace foregate::control {

class Gateway;

/// A number without a desktop is "-", one without a class "?".
[[nodiscard]] Naming naming_of(const Gateway& gateway);
[[nodiscard]] std::string no_such_desktop(const std::string& name);
/// A desktop's share of every routed port.
[[nodiscard]] Json desktop_queues(const Gateway& gateway, const Desktop& desktop);

} // namespace foregate::control
