// SPDX-License-Identifier: BSD-3-Clause
// The subcommands of labprobe, one file each. A command reads its own options, runs until it is
// done or gets SIGTERM, prints one line of JSON, and returns the process's exit code. Errors are
// exceptions; main prints them.
#pragma once

#include <span>

namespace foregate::lab {

int run_beat_server(std::span<char*> arguments);
int run_beat_client(std::span<char*> arguments);
int run_connect(std::span<char*> arguments);
int run_serve(std::span<char*> arguments);
int run_stream(std::span<char*> arguments);
int run_echo_latency(std::span<char*> arguments);
int run_pg_query(std::span<char*> arguments);
int run_count(std::span<char*> arguments);

} // namespace foregate::lab
