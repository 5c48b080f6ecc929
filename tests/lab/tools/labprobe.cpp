// SPDX-License-Identifier: BSD-3-Clause
// labprobe: the traffic and the measuring instruments of the lab, one subcommand each.
#include <cstdio>
#include <cstring>
#include <exception>

#include "probe_commands.h"

namespace {

struct Command {
    const char* name;
    int (*run)(std::span<char*> arguments);
    const char* help;
};

constexpr Command kCommands[] = {
    {"serve", foregate::lab::run_serve,
     "TCP server: greeting, sink, source and echo, by the first line"},
    {"connect", foregate::lab::run_connect, "times connect() and, on request, the first answer"},
    {"stream", foregate::lab::run_stream,
     "bulk transfer, greedy or at a rate, with 100 ms samples"},
    {"echo-latency", foregate::lab::run_echo_latency,
     "requests at a steady rate and their latency"},
    {"beat-server", foregate::lab::run_beat_server, "the desktop's end of the display stream"},
    {"beat-client", foregate::lab::run_beat_client, "the persons' end, for any number of desktops"},
    {"pg-query", foregate::lab::run_pg_query,
     "one PostgreSQL query: connect, session and answer timed apart"},
    {"count", foregate::lab::run_count, "counts received packets per destination address"},
};

int print_usage() {
    std::fprintf(stderr, "labprobe COMMAND [--help]\n");
    for (const Command& command : kCommands) {
        std::fprintf(stderr, "  %-14s %s\n", command.name, command.help);
    }
    return 2;
}

} // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        return print_usage();
    }
    for (const Command& command : kCommands) {
        if (std::strcmp(command.name, argv[1]) != 0) {
            continue;
        }
        try {
            return command.run({argv + 2, argv + argc});
        } catch (const std::exception& error) {
            std::fprintf(stderr, "labprobe %s: %s\n", command.name, error.what());
            return 1;
        }
    }
    return print_usage();
}
