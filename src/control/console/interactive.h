// SPDX-License-Identifier: BSD-3-Clause
// The console on a terminal: line editing and history by libedit, Tab and `?` answered by the
// gateway.
#pragma once

#include "control/console/connection.h"

#include <iosfwd>

namespace foregate::control {

/// Until `quit`, `exit` or Ctrl-D; 0. One at a time in a process: libedit's readline interface is
/// global.
int run_interactive(Connection& gateway, bool json, std::ostream& out, std::ostream& err);

} // namespace foregate::control
