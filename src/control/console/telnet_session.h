// SPDX-License-Identifier: BSD-3-Clause
// One telnet client's console: libcli for line editing, history, Tab and `?`; parsing and running
// are CommandRunner's.
#pragma once

#include "control/console/command_runner.h"

#include <chrono>
#include <string>

namespace foregate::control {

struct TelnetSettings {
    std::string token; ///< what `enable` must be given; empty: nobody may change anything here
    std::string banner = "foregate console: ? or help, Tab completes, quit leaves";
    std::chrono::seconds idle_timeout{600};
};

/// Runs until the client quits, `fd` ends or nothing was typed for the timeout. Owns and closes
/// `fd` (any stream socket, below FD_SETSIZE: libcli uses select). Expects input as TelnetInput
/// gives it. Blocks SIGPIPE in its thread.
void run_telnet_session(int fd, const CommandRunner& runner, const TelnetSettings& settings);

} // namespace foregate::control
