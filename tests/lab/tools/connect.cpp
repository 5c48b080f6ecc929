// SPDX-License-Identifier: BSD-3-Clause
// labprobe connect: how long connect() takes, one connection after the other, and how long the
// first byte of an answer.
#include <cerrno>
#include <cstring>
#include <map>
#include <stdexcept>
#include <vector>

#include <poll.h>

#include "clock.h"
#include "json_line.h"
#include "options.h"
#include "probe_commands.h"
#include "sample_summary.h"
#include "sockets.h"

namespace foregate::lab {
namespace {

const std::vector<OptionSpec> kOptions = {
    {"to", "HOST:PORT", std::nullopt, "where to"},
    {"family", "4|6", "0", "address family, 0 = as the resolver orders"},
    {"count", "N", "1", "number of connections"},
    {"interval-ms", "MS", "100", "from one start to the next"},
    {"timeout-ms", "MS", "5000", "for connect() and for the answer"},
    {"source", "ADDR", "", "local address"},
    {"send", "TEXT", "", "line to send once connected; its answer's first byte is timed"},
    {"await", "", std::nullopt, "wait for a first byte without sending anything"},
    {"hold-ms", "MS", "0", "keep each connection this long"},
};

std::string outcome_name(int error) {
    switch (error) {
    case 0:
        return "connected";
    case ECONNREFUSED:
        return "refused";
    case ECONNRESET:
        return "reset";
    case ETIMEDOUT:
        return "timed_out";
    case EHOSTUNREACH:
    case ENETUNREACH:
        return "unreachable";
    default:
        return std::strerror(error);
    }
}

/// Waits for the first byte; returns how it ended and sets the time it came.
std::string await_answer(int fd, int timeout_ms, std::int64_t& answered_ns) {
    pollfd waiting{fd, POLLIN, 0};
    if (poll(&waiting, 1, timeout_ms) <= 0) {
        return "answer_timed_out";
    }
    char byte = 0;
    const ssize_t got = recv(fd, &byte, 1, 0);
    answered_ns = monotonic_ns();
    if (got < 0) {
        return "answer_" + outcome_name(errno);
    }
    return got == 0 ? "answer_closed" : "answered";
}

} // namespace

int run_connect(std::span<char*> arguments) {
    const Options options("connect", kOptions, arguments);
    if (options.help_shown()) {
        return 0;
    }
    const int timeout_ms = static_cast<int>(options.count("timeout-ms"));
    const Endpoint to = resolve(options.text("to"), static_cast<int>(options.count("family")));
    const std::string line = options.text("send").empty() ? "" : options.text("send") + "\n";
    const bool wants_answer = !line.empty() || options.flag("await");
    const std::int64_t interval_ns = static_cast<std::int64_t>(options.number("interval-ms") * 1e6);
    const std::uint64_t count = options.count("count");

    std::map<std::string, std::uint64_t> outcomes;
    std::vector<double> connect_us;
    std::vector<double> first_byte_us;
    const std::int64_t begin_ns = monotonic_ns();
    for (std::uint64_t i = 0; i < count; ++i) {
        sleep_until(begin_ns + static_cast<std::int64_t>(i) * interval_ns);
        const ConnectResult result = connect_tcp(to, {timeout_ms, options.text("source"), ""});
        std::string outcome = outcome_name(result.error);
        if (result.error == 0) {
            connect_us.push_back(static_cast<double>(result.connected_ns - result.started_ns) /
                                 1e3);
            if (wants_answer) {
                std::int64_t answered_ns = 0;
                write_all(result.socket.get(), line.data(), line.size());
                outcome = await_answer(result.socket.get(), timeout_ms, answered_ns);
                if (outcome == "answered") {
                    first_byte_us.push_back(static_cast<double>(answered_ns - result.started_ns) /
                                            1e3);
                }
            }
            sleep_until(result.connected_ns +
                        static_cast<std::int64_t>(options.number("hold-ms") * 1e6));
        }
        outcomes[outcome] += 1;
    }

    JsonLine by_outcome;
    for (const auto& [name, number] : outcomes) {
        by_outcome.add(name, number);
    }
    const std::string wanted = wants_answer ? "answered" : "connected";
    write_line("-", JsonLine()
                        .add("to", options.text("to"))
                        .add("address", to.text())
                        .add("count", count)
                        .add_raw("outcomes", by_outcome.str())
                        .add_raw("connect_us", summarize(connect_us))
                        .add("connect_us_samples", connect_us)
                        .add_raw("first_byte_us", summarize(first_byte_us))
                        .add("first_byte_us_samples", first_byte_us)
                        .str());
    return outcomes[wanted] == count ? 0 : 3;
}

} // namespace foregate::lab
