// SPDX-License-Identifier: BSD-3-Clause
#include "sockets.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <stdexcept>
#include <system_error>

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <netdb.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "clock.h"

namespace foregate::lab {

namespace {

void enable(int fd, int level, int name) {
    const int on = 1;
    setsockopt(fd, level, name, &on, sizeof on);
}

Endpoint any_address(std::uint16_t port, const std::string& address) {
    if (!address.empty()) {
        const bool v6 = address.find(':') != std::string::npos;
        return resolve((v6 ? "[" + address + "]" : address) + ":" + std::to_string(port), 0);
    }
    return resolve("[::]:" + std::to_string(port), 6);
}

Descriptor bound(const Endpoint& at, int type) {
    Descriptor socket_fd(socket(at.family(), type | SOCK_CLOEXEC, 0));
    if (!socket_fd) {
        throw std::system_error(errno, std::generic_category(), "socket");
    }
    enable(socket_fd.get(), SOL_SOCKET, SO_REUSEADDR);
    if (at.family() == AF_INET6) {
        const int off = 0;
        setsockopt(socket_fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    }
    if (bind(socket_fd.get(), at.get(), at.length) != 0) {
        throw std::system_error(errno, std::generic_category(), "bind to " + at.text());
    }
    return socket_fd;
}

void bind_source(int fd, const std::string& source) {
    const Endpoint at = any_address(0, source);
    if (bind(fd, at.get(), at.length) != 0) {
        throw std::system_error(errno, std::generic_category(), "source " + source);
    }
}

/// Waits for a connect() under way; returns its errno.
int finish_connect(int fd, std::int64_t deadline_ns) {
    for (;;) {
        const std::int64_t left_ns = deadline_ns - monotonic_ns();
        if (left_ns <= 0) {
            return ETIMEDOUT;
        }
        pollfd waiting{fd, POLLOUT, 0};
        const timespec left = to_timespec(left_ns);
        if (ppoll(&waiting, 1, &left, nullptr) > 0) {
            int error = 0;
            socklen_t length = sizeof error;
            getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
            return error;
        }
    }
}

} // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
    if (this != &other) {
        reset();
        fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
}

Descriptor::~Descriptor() {
    reset();
}

void Descriptor::reset() {
    if (fd_ >= 0) {
        close(fd_);
        fd_ = -1;
    }
}

std::string Endpoint::text() const {
    char host[NI_MAXHOST] = "?";
    getnameinfo(get(), length, host, sizeof host, nullptr, 0, NI_NUMERICHOST);
    return host;
}

Endpoint resolve(const std::string& host_and_port, int family) {
    const std::size_t colon = host_and_port.rfind(':');
    if (colon == std::string::npos || colon + 1 == host_and_port.size()) {
        throw std::runtime_error("expected HOST:PORT, got '" + host_and_port + "'");
    }
    std::string host = host_and_port.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
        host = host.substr(1, host.size() - 2);
    }
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_family = family == 4 ? AF_INET : family == 6 ? AF_INET6 : AF_UNSPEC;
    addrinfo* found = nullptr;
    const int code = getaddrinfo(host.c_str(), host_and_port.c_str() + colon + 1, &hints, &found);
    if (code != 0) {
        throw std::runtime_error(host + ": " + gai_strerror(code));
    }
    Endpoint endpoint;
    endpoint.length = found->ai_addrlen;
    std::memcpy(&endpoint.address, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return endpoint;
}

ConnectResult connect_tcp(const Endpoint& to, const ConnectOptions& options) {
    ConnectResult result;
    Descriptor fd(socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) {
        throw std::system_error(errno, std::generic_category(), "socket");
    }
    enable(fd.get(), IPPROTO_TCP, TCP_NODELAY);
    if (!options.source.empty()) {
        bind_source(fd.get(), options.source);
    }
    if (!options.congestion.empty()) {
        set_congestion(fd.get(), options.congestion);
    }
    result.started_ns = monotonic_ns();
    if (connect(fd.get(), to.get(), to.length) != 0) {
        result.error =
            errno == EINPROGRESS
                ? finish_connect(fd.get(), result.started_ns + options.timeout_ms * kNsPerMs)
                : errno;
    }
    result.connected_ns = monotonic_ns();
    if (result.error == 0) {
        set_nonblocking(fd.get(), false);
        result.socket = std::move(fd);
    }
    return result;
}

Descriptor listen_tcp(std::uint16_t port, const std::string& address) {
    Descriptor fd = bound(any_address(port, address), SOCK_STREAM);
    if (listen(fd.get(), 512) != 0) {
        throw std::system_error(errno, std::generic_category(), "listen");
    }
    return fd;
}

Descriptor bind_udp(std::uint16_t port, const std::string& address) {
    return bound(any_address(port, address), SOCK_DGRAM);
}

void set_nonblocking(int fd, bool on) {
    const int flags = fcntl(fd, F_GETFL);
    fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
}

void set_congestion(int fd, const std::string& name) {
    if (setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name.c_str(),
                   static_cast<socklen_t>(name.size())) != 0) {
        throw std::system_error(errno, std::generic_category(),
                                "congestion control '" + name + "'");
    }
}

std::string congestion_of(int fd) {
    char name[32] = {};
    socklen_t length = sizeof name - 1;
    getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &length);
    return name;
}

TcpState tcp_state(int fd) {
    tcp_info info{};
    socklen_t length = sizeof info;
    TcpState state;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) == 0) {
        state = {info.tcpi_rtt, info.tcpi_rcv_rtt, info.tcpi_total_retrans, info.tcpi_bytes_acked};
    }
    return state;
}

bool read_exactly(int fd, void* to, std::size_t bytes) {
    char* at = static_cast<char*>(to);
    while (bytes > 0) {
        const ssize_t got = recv(fd, at, bytes, 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return false;
        }
        at += got;
        bytes -= static_cast<std::size_t>(got);
    }
    return true;
}

bool write_all(int fd, const void* from, std::size_t bytes) {
    const char* at = static_cast<const char*>(from);
    while (bytes > 0) {
        const ssize_t sent = send(fd, at, bytes, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent <= 0) {
            return false;
        }
        at += sent;
        bytes -= static_cast<std::size_t>(sent);
    }
    return true;
}

Descriptor signal_descriptor() {
    sigset_t set;
    sigemptyset(&set);
    for (const int number : {SIGTERM, SIGINT, SIGUSR1}) {
        sigaddset(&set, number);
    }
    sigprocmask(SIG_BLOCK, &set, nullptr);
    return Descriptor(signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC));
}

int next_signal(int fd) {
    signalfd_siginfo info{};
    return read(fd, &info, sizeof info) == sizeof info ? static_cast<int>(info.ssi_signo) : 0;
}

} // namespace foregate::lab
