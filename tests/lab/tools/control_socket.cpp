// SPDX-License-Identifier: BSD-3-Clause
#include "control_socket.h"

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <system_error>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace foregate::lab {

namespace {

void watch(int epoll_fd, int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

} // namespace

ControlSocket::ControlSocket(std::string path, int epoll_fd)
    : path_(std::move(path)), epoll_fd_(epoll_fd) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path_.size() >= sizeof address.sun_path) {
        throw std::invalid_argument(path_ + ": too long for a unix socket");
    }
    std::memcpy(address.sun_path, path_.c_str(), path_.size());
    fd_ = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    unlink(path_.c_str());
    if (fd_ < 0 || bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        listen(fd_, 16) != 0) {
        throw std::system_error(errno, std::generic_category(), path_);
    }
    watch(epoll_fd_, fd_);
}

ControlSocket::~ControlSocket() {
    close(fd_);
    unlink(path_.c_str());
}

void ControlSocket::accept_client() {
    const int client = accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (client >= 0) {
        watch(epoll_fd_, client);
    }
}

void ControlSocket::serve_client(int fd, const Answer& answer) {
    char order[4096];
    const ssize_t length = recv(fd, order, sizeof order, 0);
    if (length < 0 && errno == EAGAIN) {
        return;
    }
    if (length <= 0) {
        close(fd);
        return;
    }
    const std::string reply = answer(std::string(order, static_cast<std::size_t>(length)));
    send(fd, reply.data(), reply.size(), MSG_NOSIGNAL);
}

} // namespace foregate::lab
