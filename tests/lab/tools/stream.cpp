// SPDX-License-Identifier: BSD-3-Clause
// labprobe stream: bulk transfers to or from a `labprobe serve`, greedy or at a rate, over one or
// more connections, with a sample of bytes and round trip every 100 ms. Uploads count what the peer
// acknowledged, downloads what was read.
#include <algorithm>
#include <cerrno>
#include <cstring>
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
    {"to", "HOST:PORT", std::nullopt, "a labprobe serve"},
    {"family", "4|6", "0", "address family"},
    {"source", "ADDR", "", "local address"},
    {"direction", "up|down", "down", "up: this end sends"},
    {"rate", "BPS", "0", "rate of all connections together (k, M, G), 0 = greedy"},
    {"connections", "N", "1", "parallel connections"},
    {"seconds", "S", "10", "duration; SIGTERM ends it earlier"},
    {"congestion", "NAME", "", "congestion control of this end"},
    {"timeout-ms", "MS", "10000", "for connect()"},
};

constexpr std::int64_t kSampleNs = 100 * kNsPerMs;
constexpr std::int64_t kPaceNs = 2 * kNsPerMs;

struct Connection {
    Descriptor socket;
    std::uint64_t bytes = 0; ///< read, or written into the socket
    bool open = true;
};

class Streams {
public:
    explicit Streams(const Options& options);
    void run(int signal_fd);
    std::string describe(const Options& options) const;

private:
    void open_connections(const Options& options);
    void transfer(Connection& connection, std::int64_t now_ns);
    void write_some(Connection& connection, std::int64_t now_ns);
    void read_some(Connection& connection);
    std::uint64_t progress() const;
    void sample(std::int64_t now_ns);
    int wait_for_sockets(int signal_fd, std::int64_t until_ns, std::int64_t now_ns);

    bool up_;
    double rate_each_bps_;
    double seconds_;
    std::vector<Connection> connections_;
    std::vector<char> block_;
    std::int64_t begin_ns_ = 0;
    std::int64_t end_ns_ = 0;
    std::int64_t last_sample_ns_ = 0;
    std::uint64_t base_bytes_ = 0; ///< acknowledged before the transfer began (the order line)
    std::uint64_t last_sample_bytes_ = 0;
    std::vector<std::string> samples_;
    std::vector<double> rtt_us_;
    std::uint64_t retransmitted_ = 0;
    std::string congestion_;
};

Streams::Streams(const Options& options)
    : up_(options.text("direction") == "up"),
      rate_each_bps_(static_cast<double>(options.scaled("rate")) /
                     static_cast<double>(std::max<std::uint64_t>(options.count("connections"), 1))),
      seconds_(options.number("seconds")), block_(256 * 1024, 'u') {
    if (!up_ && options.text("direction") != "down") {
        throw std::invalid_argument("--direction: expected up or down");
    }
    open_connections(options);
    begin_ns_ = last_sample_ns_ = monotonic_ns();
    end_ns_ = begin_ns_ + static_cast<std::int64_t>(seconds_ * 1e9);
}

void Streams::open_connections(const Options& options) {
    const Endpoint to = resolve(options.text("to"), static_cast<int>(options.count("family")));
    const ConnectOptions how{static_cast<int>(options.count("timeout-ms")), options.text("source"),
                             options.text("congestion")};
    const std::string order =
        up_ ? "sink\n"
            : "source " + std::to_string(rate_each_bps_) + " " + std::to_string(seconds_) + "\n";
    for (std::uint64_t i = 0; i < std::max<std::uint64_t>(options.count("connections"), 1); ++i) {
        ConnectResult connected = connect_tcp(to, how);
        if (connected.error != 0) {
            throw std::runtime_error(options.text("to") + ": " + std::strerror(connected.error));
        }
        congestion_ = congestion_of(connected.socket.get());
        write_all(connected.socket.get(), order.data(), order.size());
        set_nonblocking(connected.socket.get(), true);
        connections_.push_back({std::move(connected.socket), 0, true});
        base_bytes_ += order.size() + 1; // tcpi_bytes_acked counts the SYN as one
    }
}

std::uint64_t Streams::progress() const {
    std::uint64_t bytes = 0;
    for (const Connection& connection : connections_) {
        bytes += up_ ? tcp_state(connection.socket.get()).acked_bytes : connection.bytes;
    }
    return up_ ? bytes - std::min(bytes, base_bytes_) : bytes;
}

void Streams::write_some(Connection& connection, std::int64_t now_ns) {
    std::size_t bytes = block_.size();
    if (rate_each_bps_ > 0) {
        const double elapsed = static_cast<double>(now_ns - begin_ns_) / 1e9;
        const double allowed = elapsed * rate_each_bps_ / 8 - static_cast<double>(connection.bytes);
        if (allowed < 1) {
            return;
        }
        bytes = std::min(bytes, static_cast<std::size_t>(allowed));
    }
    const ssize_t done = send(connection.socket.get(), block_.data(), bytes, MSG_NOSIGNAL);
    if (done > 0) {
        connection.bytes += static_cast<std::uint64_t>(done);
    } else if (errno != EAGAIN && errno != EINTR) {
        connection.open = false;
    }
}

void Streams::read_some(Connection& connection) {
    const ssize_t got = recv(connection.socket.get(), block_.data(), block_.size(), 0);
    if (got > 0) {
        connection.bytes += static_cast<std::uint64_t>(got);
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        connection.open = false;
    }
}

void Streams::transfer(Connection& connection, std::int64_t now_ns) {
    if (up_) {
        write_some(connection, now_ns);
    } else {
        read_some(connection);
    }
}

void Streams::sample(std::int64_t now_ns) {
    const std::uint64_t bytes = progress();
    const double seconds = static_cast<double>(now_ns - last_sample_ns_) / 1e9;
    const double mbps = static_cast<double>(bytes - last_sample_bytes_) * 8 / seconds / 1e6;
    std::uint64_t rtt_sum = 0;
    retransmitted_ = 0;
    for (const Connection& connection : connections_) {
        const TcpState state = tcp_state(connection.socket.get());
        rtt_sum += up_ ? state.rtt_us : state.receive_rtt_us;
        retransmitted_ += state.retransmitted;
    }
    const double rtt_us = static_cast<double>(rtt_sum) / static_cast<double>(connections_.size());
    rtt_us_.push_back(rtt_us);
    samples_.push_back(json_array({std::to_string(static_cast<double>(now_ns - begin_ns_) / 1e9),
                                   std::to_string(mbps), std::to_string(rtt_us)}));
    last_sample_ns_ = now_ns;
    last_sample_bytes_ = bytes;
}

/// Paced uploads wait for the clock, everything else for its sockets. Returns poll's answer.
int Streams::wait_for_sockets(int signal_fd, std::int64_t until_ns, std::int64_t now_ns) {
    std::vector<pollfd> waiting{{signal_fd, POLLIN, 0}};
    const bool paced = up_ && rate_each_bps_ > 0;
    for (const Connection& connection : connections_) {
        if (connection.open && !paced) {
            waiting.push_back(
                {connection.socket.get(), static_cast<short>(up_ ? POLLOUT : POLLIN), 0});
        }
    }
    const std::int64_t until = paced ? std::min(until_ns, now_ns + kPaceNs) : until_ns;
    const timespec patience = to_timespec(std::max<std::int64_t>(until - now_ns, 0));
    return ppoll(waiting.data(), waiting.size(), &patience, nullptr);
}

void Streams::run(int signal_fd) {
    for (;;) {
        const std::int64_t now = monotonic_ns();
        const bool any_open = std::any_of(connections_.begin(), connections_.end(),
                                          [](const Connection& c) { return c.open; });
        if (now >= end_ns_ || !any_open || next_signal(signal_fd) != 0) {
            end_ns_ = now;
            sample(now);
            return;
        }
        if (now - last_sample_ns_ >= kSampleNs) {
            sample(now);
        }
        for (Connection& connection : connections_) {
            if (connection.open) {
                transfer(connection, now);
            }
        }
        wait_for_sockets(signal_fd, std::min(end_ns_, last_sample_ns_ + kSampleNs), now);
    }
}

std::string Streams::describe(const Options& options) const {
    const double seconds = static_cast<double>(end_ns_ - begin_ns_) / 1e9;
    std::vector<std::string> each;
    for (const Connection& connection : connections_) {
        const double bytes = static_cast<double>(
            up_ ? tcp_state(connection.socket.get()).acked_bytes : connection.bytes);
        each.push_back(std::to_string(bytes * 8 / seconds / 1e6));
    }
    return JsonLine()
        .add("to", options.text("to"))
        .add("direction", options.text("direction"))
        .add("begin_ns", begin_ns_)
        .add("seconds", seconds)
        .add("bytes", last_sample_bytes_)
        .add("mbps", static_cast<double>(last_sample_bytes_) * 8 / seconds / 1e6)
        .add_raw("mbps_each", json_array(each))
        .add_raw("rtt_us", summarize(rtt_us_))
        .add("retransmitted", retransmitted_)
        .add("congestion", congestion_)
        .add("all_open", std::all_of(connections_.begin(), connections_.end(),
                                     [](const Connection& c) { return c.open; }))
        .add_raw("samples", json_array(samples_))
        .str();
}

} // namespace

int run_stream(std::span<char*> arguments) {
    const Options options("stream", kOptions, arguments);
    if (options.help_shown()) {
        return 0;
    }
    const Descriptor signals = signal_descriptor();
    Streams streams(options);
    streams.run(signals.get());
    write_line("-", streams.describe(options));
    return 0;
}

} // namespace foregate::lab
