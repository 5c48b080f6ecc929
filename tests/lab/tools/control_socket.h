// SPDX-License-Identifier: BSD-3-Clause
// Orders for a running lab tool: a unix SOCK_SEQPACKET socket, one message in, one message back.
// One thread; the owner polls fd() and the clients' descriptors through an epoll set.
#pragma once

#include <functional>
#include <string>

namespace foregate::lab {

class ControlSocket {
public:
    using Answer = std::function<std::string(const std::string& order)>;

    /// Listens at `path` (a stale socket there is replaced) and registers with `epoll_fd`: the
    /// listener with data = its fd, clients likewise. Throws std::system_error.
    ControlSocket(std::string path, int epoll_fd);
    ~ControlSocket();
    ControlSocket(const ControlSocket&) = delete;
    ControlSocket& operator=(const ControlSocket&) = delete;

    int fd() const { return fd_; }
    void accept_client();
    /// Reads one order of client `fd`, sends the answer; closes on end of file.
    void serve_client(int fd, const Answer& answer);

private:
    std::string path_;
    int epoll_fd_;
    int fd_ = -1;
};

} // namespace foregate::lab
