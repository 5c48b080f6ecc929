// SPDX-License-Identifier: BSD-3-Clause
// TCP and UDP sockets of the lab's probes: names, connects with a deadline, listening, TCP_INFO.
// Errors that end a probe are std::runtime_error or std::system_error; those that are a result
// (refused, timed out) are an errno value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include <netinet/in.h>
#include <sys/socket.h>

namespace foregate::lab {

/// Owns a descriptor.
class Descriptor {
public:
    Descriptor() = default;
    explicit Descriptor(int fd) : fd_(fd) {}
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept;
    ~Descriptor();

    int get() const { return fd_; }
    explicit operator bool() const { return fd_ >= 0; }
    void reset();

private:
    int fd_ = -1;
};

struct Endpoint {
    sockaddr_storage address{};
    socklen_t length = 0;
    int family() const { return address.ss_family; }
    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
    std::string text() const; ///< the address without the port
};

/// "name:port", "1.2.3.4:port" or "[v6]:port". `family`: 0, 4 or 6. Throws std::runtime_error when
/// it does not resolve.
Endpoint resolve(const std::string& host_and_port, int family);

struct ConnectOptions {
    int timeout_ms = 10'000;
    std::string source;     ///< local address, empty: the kernel's choice
    std::string congestion; ///< congestion control, empty: the host's
};

struct ConnectResult {
    Descriptor socket; ///< blocking, TCP_NODELAY set; empty on failure
    int error = 0;     ///< errno of the failure
    std::int64_t started_ns = 0;
    std::int64_t connected_ns = 0;
};

ConnectResult connect_tcp(const Endpoint& to, const ConnectOptions& options);

/// Listens on all addresses, IPv6 and IPv4, or on `address` only.
Descriptor listen_tcp(std::uint16_t port, const std::string& address = "");
Descriptor bind_udp(std::uint16_t port, const std::string& address = "");

void set_nonblocking(int fd, bool on);
void set_congestion(int fd, const std::string& name);
std::string congestion_of(int fd);

struct TcpState {
    std::uint32_t rtt_us = 0;         ///< by this end's own data
    std::uint32_t receive_rtt_us = 0; ///< estimate of a receiver
    std::uint32_t retransmitted = 0;
    std::uint64_t acked_bytes = 0;
};
TcpState tcp_state(int fd);

/// Blocking; false on end of file or error.
bool read_exactly(int fd, void* to, std::size_t bytes);
bool write_all(int fd, const void* from, std::size_t bytes);

/// Blocks SIGTERM, SIGINT and SIGUSR1 for this thread and those it makes later; returns a signalfd
/// for them.
Descriptor signal_descriptor();
/// The next waiting signal, 0 if none.
int next_signal(int fd);

} // namespace foregate::lab
