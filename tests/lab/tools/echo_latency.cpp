// SPDX-License-Identifier: BSD-3-Clause
// labprobe echo-latency: a client that asks at a steady rate over one connection, like a program
// working with its database. Open loop: requests are due on a fixed schedule whatever the answers
// do, and latency counts from the due time, so a stall is charged to every request it delays (no
// coordinated omission).
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <vector>

#include <poll.h>

#include "clock.h"
#include "echo_stamp.h"
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
    {"request", "BYTES", "100", "size of a request (24 at least)"},
    {"response", "BYTES", "1000", "size of a response (24 at least)"},
    {"per-second", "N", "20", "requests per second"},
    {"seconds", "S", "10", "duration; SIGTERM ends it earlier"},
    {"grace-ms", "MS", "2000", "wait this long for the last answers"},
    {"congestion", "NAME", "", "congestion control of this end"},
    {"timeout-ms", "MS", "10000", "for connect()"},
};

class EchoClient {
public:
    EchoClient(const Options& options, ConnectResult connected);
    void run(int signal_fd);
    std::string describe(const Options& options) const;

private:
    void send_due(std::int64_t now_ns);
    void flush();
    void receive();
    std::int64_t due_ns(std::uint64_t number) const {
        return begin_ns_ + static_cast<std::int64_t>(static_cast<double>(number) * interval_ns_);
    }

    Descriptor socket_;
    std::size_t request_bytes_;
    std::size_t response_bytes_;
    double interval_ns_;
    std::int64_t begin_ns_ = 0;
    std::int64_t end_ns_ = 0;
    std::int64_t grace_ns_;
    std::int64_t connect_ns_;
    std::uint64_t sent_ = 0;
    std::string unsent_;
    std::string partial_;
    std::uint64_t received_bytes_ = 0;
    std::int64_t last_answer_ns_ = 0;
    bool broken_ = false;
    std::vector<double> latency_ms_, up_ms_, down_ms_;
    std::vector<std::string> samples_; ///< [seconds since begin, latency in ms]
};

EchoClient::EchoClient(const Options& options, ConnectResult connected)
    : socket_(std::move(connected.socket)),
      request_bytes_(std::max<std::size_t>(options.count("request"), sizeof(EchoStamp))),
      response_bytes_(std::max<std::size_t>(options.count("response"), sizeof(EchoStamp))),
      interval_ns_(1e9 / std::max(options.number("per-second"), 1e-3)),
      grace_ns_(static_cast<std::int64_t>(options.number("grace-ms") * 1e6)),
      connect_ns_(connected.connected_ns - connected.started_ns) {
    const std::string order =
        "echo " + std::to_string(request_bytes_) + " " + std::to_string(response_bytes_) + "\n";
    write_all(socket_.get(), order.data(), order.size());
    set_nonblocking(socket_.get(), true);
    begin_ns_ = monotonic_ns();
    end_ns_ = begin_ns_ + static_cast<std::int64_t>(options.number("seconds") * 1e9);
}

void EchoClient::send_due(std::int64_t now_ns) {
    while (due_ns(sent_) <= now_ns && due_ns(sent_) < end_ns_) {
        std::string request(request_bytes_, 'q');
        const EchoStamp stamp{sent_, due_ns(sent_), 0};
        std::memcpy(request.data(), &stamp, sizeof stamp);
        unsent_ += request;
        ++sent_;
    }
    flush();
}

void EchoClient::flush() {
    while (!unsent_.empty() && !broken_) {
        const ssize_t done = send(socket_.get(), unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
        if (done < 0) {
            broken_ = errno != EAGAIN && errno != EINTR;
            return;
        }
        unsent_.erase(0, static_cast<std::size_t>(done));
    }
}

void EchoClient::receive() {
    char block[65536];
    for (;;) {
        const ssize_t got = recv(socket_.get(), block, sizeof block, 0);
        if (got <= 0) {
            broken_ = broken_ || got == 0 || (errno != EAGAIN && errno != EINTR);
            break;
        }
        partial_.append(block, static_cast<std::size_t>(got));
        received_bytes_ += static_cast<std::uint64_t>(got);
    }
    const std::int64_t now = monotonic_ns();
    std::size_t used = 0;
    for (; partial_.size() - used >= response_bytes_; used += response_bytes_) {
        EchoStamp stamp;
        std::memcpy(&stamp, partial_.data() + used, sizeof stamp);
        const double latency = static_cast<double>(now - stamp.due_ns) / 1e6;
        latency_ms_.push_back(latency);
        up_ms_.push_back(static_cast<double>(stamp.server_ns - stamp.due_ns) / 1e6);
        down_ms_.push_back(static_cast<double>(now - stamp.server_ns) / 1e6);
        samples_.push_back(
            json_array({std::to_string(static_cast<double>(stamp.due_ns - begin_ns_) / 1e9),
                        std::to_string(latency)}));
        last_answer_ns_ = now;
    }
    partial_.erase(0, used);
}

void EchoClient::run(int signal_fd) {
    while (!broken_) {
        const std::int64_t now = monotonic_ns();
        send_due(now);
        const bool sending = due_ns(sent_) < end_ns_;
        if (!sending && (latency_ms_.size() == sent_ || now >= end_ns_ + grace_ns_)) {
            return;
        }
        const std::int64_t until = sending ? due_ns(sent_) : end_ns_ + grace_ns_;
        const timespec patience = to_timespec(std::max<std::int64_t>(until - now, 0));
        const short events = static_cast<short>(unsent_.empty() ? POLLIN : POLLIN | POLLOUT);
        pollfd waiting[] = {{socket_.get(), events, 0}, {signal_fd, POLLIN, 0}};
        ppoll(waiting, 2, &patience, nullptr);
        if (next_signal(signal_fd) != 0) {
            end_ns_ = std::min(end_ns_, monotonic_ns());
        }
        receive();
    }
}

std::string EchoClient::describe(const Options& options) const {
    const std::int64_t end = std::max(last_answer_ns_, begin_ns_ + 1);
    const double seconds = static_cast<double>(std::max(end, end_ns_) - begin_ns_) / 1e9;
    const double answered = static_cast<double>(latency_ms_.size());
    return JsonLine()
        .add("to", options.text("to"))
        .add("begin_ns", begin_ns_)
        .add("connect_us", static_cast<double>(connect_ns_) / 1e3)
        .add("requests", sent_)
        .add("answers", std::uint64_t{latency_ms_.size()})
        .add("broken", broken_)
        .add("offered_up_mbps", static_cast<double>(request_bytes_) * 8e3 / interval_ns_)
        .add("offered_down_mbps", static_cast<double>(response_bytes_) * 8e3 / interval_ns_)
        .add("up_mbps", answered * static_cast<double>(request_bytes_) * 8 / seconds / 1e6)
        .add("down_mbps", static_cast<double>(received_bytes_) * 8 / seconds / 1e6)
        .add_raw("latency_ms", summarize(latency_ms_))
        .add_raw("up_ms", summarize(up_ms_))
        .add_raw("down_ms", summarize(down_ms_))
        .add("congestion", congestion_of(socket_.get()))
        .add_raw("samples", json_array(samples_))
        .str();
}

} // namespace

int run_echo_latency(std::span<char*> arguments) {
    const Options options("echo-latency", kOptions, arguments);
    if (options.help_shown()) {
        return 0;
    }
    const Descriptor signals = signal_descriptor();
    const Endpoint to = resolve(options.text("to"), static_cast<int>(options.count("family")));
    ConnectResult connected = connect_tcp(to, {static_cast<int>(options.count("timeout-ms")),
                                               options.text("source"), options.text("congestion")});
    if (connected.error != 0) {
        throw std::runtime_error(options.text("to") + ": " + std::strerror(connected.error));
    }
    EchoClient client(options, std::move(connected));
    client.run(signals.get());
    write_line("-", client.describe(options));
    return 0;
}

} // namespace foregate::lab
