// SPDX-License-Identifier: BSD-3-Clause
// labprobe pg-query: one query to a PostgreSQL server by its wire protocol (version 3, described in
// PostgreSQL's manual, chapter "Frontend/Backend Protocol"), as psql sends it but in one process
// without any start-up of its own, so that connect(), session start and answer can be timed apart.
// Trust authentication only, no TLS.
#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <vector>

#include <arpa/inet.h>

#include "clock.h"
#include "json_line.h"
#include "options.h"
#include "probe_commands.h"
#include "sample_summary.h"
#include "sockets.h"

namespace foregate::lab {
namespace {

const std::vector<OptionSpec> kOptions = {
    {"to", "HOST:PORT", std::nullopt, "a PostgreSQL server"},
    {"family", "4|6", "0", "address family"},
    {"source", "ADDR", "", "local address"},
    {"user", "NAME", "lab", "role"},
    {"database", "NAME", "lab", "database"},
    {"query", "SQL", "select count(*) from orders", "statement"},
    {"count", "N", "1", "connections, one after the other"},
    {"interval-ms", "MS", "100", "from one start to the next"},
    {"timeout-ms", "MS", "10000", "for connect() and for each answer"},
};

constexpr std::uint32_t kProtocolVersion = 3U << 16;
constexpr std::uint32_t kLongestMessage = 1U << 20;

struct Message {
    char kind = 0;
    std::string body;
};

std::string big_endian(std::uint32_t value) {
    const std::uint32_t network = htonl(value);
    return {reinterpret_cast<const char*>(&network), sizeof network};
}

/// A message's length field counts itself but not the kind byte.
std::string framed(const std::string& kind, const std::string& body) {
    return kind + big_endian(static_cast<std::uint32_t>(body.size() + 4)) + body;
}

std::string startup_message(const std::string& user, const std::string& database) {
    const std::string zero(1, '\0');
    return framed("", big_endian(kProtocolVersion) + "user" + zero + user + zero + "database" +
                          zero + database + zero + zero);
}

/// The human-readable part of an ErrorResponse: fields of a type byte and a text ended by zero.
std::string error_text(const std::string& body) {
    for (std::size_t at = 0; at < body.size() && body[at] != '\0';) {
        const std::size_t end = std::min(body.find('\0', at), body.size());
        if (body[at] == 'M') {
            return body.substr(at + 1, end - at - 1);
        }
        at = end + 1;
    }
    return "an error without a text";
}

Message read_message(int fd) {
    Message message;
    std::uint32_t length = 0;
    if (!read_exactly(fd, &message.kind, 1) || !read_exactly(fd, &length, sizeof length)) {
        throw std::runtime_error("the server closed or did not answer in time");
    }
    length = ntohl(length);
    if (length < 4 || length > kLongestMessage) {
        throw std::runtime_error("the answer is not PostgreSQL's protocol");
    }
    message.body.resize(length - 4);
    if (!read_exactly(fd, message.body.data(), message.body.size())) {
        throw std::runtime_error("the answer ended in the middle");
    }
    if (message.kind == 'E') {
        throw std::runtime_error("the server says: " + error_text(message.body));
    }
    return message;
}

/// The first column of the first row, from a DataRow message; empty if there is none or it is NULL.
std::string first_column(const Message& row) {
    std::uint32_t length = 0;
    if (row.body.size() < 6) {
        return "";
    }
    std::memcpy(&length, row.body.data() + 2, sizeof length);
    length = ntohl(length);
    return length <= row.body.size() - 6 ? row.body.substr(6, length) : "";
}

/// Reads up to ReadyForQuery; returns the first column of the first row on the way.
std::string read_until_ready(int fd) {
    std::string answer;
    bool have_row = false;
    for (;;) {
        const Message message = read_message(fd);
        if (message.kind == 'R' && message.body != big_endian(0)) {
            throw std::runtime_error("the server wants a password");
        }
        if (message.kind == 'D' && !have_row) {
            answer = first_column(message);
            have_row = true;
        }
        if (message.kind == 'Z') {
            return answer;
        }
    }
}

struct Timings {
    std::vector<double> connect_us, session_us, query_us, total_us;
};

std::string ask(const Options& options, const Endpoint& to, Timings& timings) {
    const int timeout_ms = static_cast<int>(options.count("timeout-ms"));
    const ConnectResult connected = connect_tcp(to, {timeout_ms, options.text("source"), ""});
    if (connected.error != 0) {
        throw std::runtime_error(options.text("to") + ": " + std::strerror(connected.error));
    }
    const int fd = connected.socket.get();
    const timeval patience{timeout_ms / 1000, (timeout_ms % 1000) * 1000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    const std::string startup = startup_message(options.text("user"), options.text("database"));
    write_all(fd, startup.data(), startup.size());
    read_until_ready(fd);
    const std::int64_t ready_ns = monotonic_ns();
    const std::string query = framed("Q", options.text("query") + std::string(1, '\0'));
    write_all(fd, query.data(), query.size());
    std::string answer = read_until_ready(fd);
    const std::int64_t answered_ns = monotonic_ns();
    const std::string terminate = framed("X", "");
    write_all(fd, terminate.data(), terminate.size());
    timings.connect_us.push_back(
        static_cast<double>(connected.connected_ns - connected.started_ns) / 1e3);
    timings.session_us.push_back(static_cast<double>(ready_ns - connected.connected_ns) / 1e3);
    timings.query_us.push_back(static_cast<double>(answered_ns - ready_ns) / 1e3);
    timings.total_us.push_back(static_cast<double>(answered_ns - connected.started_ns) / 1e3);
    return answer;
}

} // namespace

int run_pg_query(std::span<char*> arguments) {
    const Options options("pg-query", kOptions, arguments);
    if (options.help_shown()) {
        return 0;
    }
    const Endpoint to = resolve(options.text("to"), static_cast<int>(options.count("family")));
    const std::int64_t interval_ns = static_cast<std::int64_t>(options.number("interval-ms") * 1e6);
    const std::int64_t begin_ns = monotonic_ns();
    Timings timings;
    std::string answer;
    std::string problem;
    std::uint64_t failed = 0;
    for (std::uint64_t i = 0; i < options.count("count"); ++i) {
        sleep_until(begin_ns + static_cast<std::int64_t>(i) * interval_ns);
        try {
            answer = ask(options, to, timings);
        } catch (const std::runtime_error& error) {
            ++failed;
            problem = error.what();
        }
    }
    write_line("-", JsonLine()
                        .add("to", options.text("to"))
                        .add("address", to.text())
                        .add("begin_ns", begin_ns)
                        .add("answered", std::uint64_t{timings.total_us.size()})
                        .add("failed", failed)
                        .add("problem", problem)
                        .add("answer", answer)
                        .add_raw("connect_us", summarize(timings.connect_us))
                        .add("connect_us_samples", timings.connect_us)
                        .add_raw("session_us", summarize(timings.session_us))
                        .add_raw("query_us", summarize(timings.query_us))
                        .add_raw("total_us", summarize(timings.total_us))
                        .add("total_us_samples", timings.total_us)
                        .str());
    return failed == 0 ? 0 : 3;
}

} // namespace foregate::lab
