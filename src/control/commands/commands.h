// SPDX-License-Identifier: BSD-3-Clause
// The gateway's console commands. docs/console.md shows each of them with its output.
#pragma once

#include "control/console/command.h"

namespace foregate::control {

class Gateway;

/// Adds every command; `gateway` must outlive the table. Commands run on the control thread.
void add_commands(CommandTable& table, Gateway& gateway);

} // namespace foregate::control
