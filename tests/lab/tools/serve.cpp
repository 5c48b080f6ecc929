// SPDX-License-Identifier: BSD-3-Clause
// labprobe serve: one plain TCP server for all the lab's needs. The client's first line says what
// to do:
//   ping                          -> "pong", then the next line
//   sink                          -> reads until the end, then answers the number of bytes
//   source RATE_BPS SECONDS       -> writes at the rate (0: greedy) for so long (0: until the
//   client closes) echo REQUEST RESPONSE         -> for each REQUEST bytes, RESPONSE bytes
//   (EchoStamp first); see echo_latency.cpp GET ...                       -> a short page, so that
//   curl is a client too
// Anything else is answered with "what?" and closed. One thread per connection.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <sstream>
#include <thread>
#include <vector>

#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>

#include "clock.h"
#include "echo_stamp.h"
#include "json_line.h"
#include "options.h"
#include "probe_commands.h"
#include "sockets.h"

namespace foregate::lab {
namespace {

const std::vector<OptionSpec> kOptions = {
    {"ports", "P,P,...", std::nullopt, "TCP ports to listen on"},
    {"address", "ADDR", "", "local address, default all of IPv4 and IPv6"},
    {"greeting", "TEXT", "", "line sent to every client at once, as an SSH server does"},
};

constexpr std::size_t kLineLimit = 512;
constexpr std::size_t kBlock = 64 * 1024;

std::atomic<std::uint64_t> g_connections{
    0}; // written by every connection's thread, read at the end

/// Reads one line without its end; false when the peer closes or the line is too long to be one.
bool read_line(int fd, std::string& line) {
    line.clear();
    char c = 0;
    while (line.size() < kLineLimit && recv(fd, &c, 1, 0) == 1) {
        if (c == '\n') {
            if (!line.empty() && line.back() == '\r') {
                line.pop_back();
            }
            return true;
        }
        line += c;
    }
    return false;
}

void send_text(int fd, const std::string& text) {
    write_all(fd, text.data(), text.size());
}

void do_sink(int fd) {
    std::vector<char> block(kBlock);
    std::uint64_t bytes = 0;
    for (ssize_t got = 0; (got = recv(fd, block.data(), block.size(), 0)) > 0;) {
        bytes += static_cast<std::uint64_t>(got);
    }
    send_text(fd, std::to_string(bytes) + "\n");
}

void do_source(int fd, double rate_bps, double seconds) {
    const std::vector<char> block(kBlock, 's');
    const std::int64_t begin = monotonic_ns();
    std::uint64_t sent = 0;
    for (;;) {
        const std::int64_t now = monotonic_ns();
        const double elapsed = static_cast<double>(now - begin) / 1e9;
        if (seconds > 0 && elapsed >= seconds) {
            return;
        }
        std::size_t bytes = block.size();
        if (rate_bps > 0) {
            const double allowed = (elapsed + 0.01) * rate_bps / 8 - static_cast<double>(sent);
            if (allowed < 1) {
                sleep_until(now + 5 * kNsPerMs);
                continue;
            }
            bytes = std::min(bytes, static_cast<std::size_t>(allowed));
        }
        if (!write_all(fd, block.data(), bytes)) {
            return;
        }
        sent += bytes;
    }
}

void do_echo(int fd, std::size_t request_bytes, std::size_t response_bytes) {
    std::vector<char> request(std::max(request_bytes, sizeof(EchoStamp)));
    std::vector<char> response(std::max(response_bytes, sizeof(EchoStamp)), 'r');
    while (read_exactly(fd, request.data(), request.size())) {
        EchoStamp stamp;
        std::memcpy(&stamp, request.data(), sizeof stamp);
        stamp.server_ns = monotonic_ns();
        std::memcpy(response.data(), &stamp, sizeof stamp);
        if (!write_all(fd, response.data(), response.size())) {
            return;
        }
    }
}

void do_page(int fd) {
    const std::string body = "foregate lab\n";
    send_text(fd, "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " +
                      std::to_string(body.size()) + "\r\n\r\n" + body);
}

void serve_connection(Descriptor client, const std::string& greeting) {
    const int fd = client.get();
    if (!greeting.empty()) {
        send_text(fd, greeting + "\r\n");
    }
    std::string line;
    while (read_line(fd, line)) {
        std::istringstream words(line);
        std::string order;
        double first = 0;
        double second = 0;
        words >> order >> first >> second;
        if (order == "ping") {
            send_text(fd, "pong\n");
            continue;
        }
        if (order == "sink") {
            do_sink(fd);
        } else if (order == "source") {
            do_source(fd, first, second);
        } else if (order == "echo" && first >= 0 && first < 1e8 && second >= 0 && second < 1e8) {
            do_echo(fd, static_cast<std::size_t>(first), static_cast<std::size_t>(second));
        } else if (order == "GET") {
            do_page(fd);
        } else {
            send_text(fd, "what?\n");
        }
        break;
    }
    // Half-close and read the rest, so that unread input does not turn the answer into a reset.
    shutdown(fd, SHUT_WR);
    const timeval patience{1, 0};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    char rest[4096];
    while (recv(fd, rest, sizeof rest, 0) > 0) {
    }
}

} // namespace

int run_serve(std::span<char*> arguments) {
    const Options options("serve", kOptions, arguments);
    if (options.help_shown()) {
        return 0;
    }
    const Descriptor signals = signal_descriptor();
    std::vector<Descriptor> listeners;
    std::vector<pollfd> waiting{{signals.get(), POLLIN, 0}};
    for (const std::string& port : options.list("ports")) {
        listeners.push_back(listen_tcp(static_cast<std::uint16_t>(parse_number(port, "--ports")),
                                       options.text("address")));
        waiting.push_back({listeners.back().get(), POLLIN, 0});
    }
    std::fprintf(stderr, "labprobe serve: ready\n");
    while (next_signal(signals.get()) == 0) {
        poll(waiting.data(), waiting.size(), -1);
        for (std::size_t i = 1; i < waiting.size(); ++i) {
            if ((waiting[i].revents & POLLIN) == 0) {
                continue;
            }
            Descriptor client(accept4(waiting[i].fd, nullptr, nullptr, SOCK_CLOEXEC));
            if (client) {
                const int on = 1;
                setsockopt(client.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
                g_connections += 1;
                std::thread(serve_connection, std::move(client), options.text("greeting")).detach();
            }
        }
    }
    write_line("-", JsonLine().add("connections", g_connections.load()).str());
    _exit(0); // the connections' threads end with the process
}

} // namespace foregate::lab
