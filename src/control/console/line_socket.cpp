// SPDX-License-Identifier: BSD-3-Clause
#include "control/console/line_socket.h"

#include <cerrno>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace foregate::control {

LineSocket::~LineSocket() {
    if (fd_ >= 0) {
        ::close(fd_);
    }
}

LineSocket::LineSocket(LineSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), wake_fd_(other.wake_fd_),
      pending_(std::move(other.pending_)) {}

LineSocket::Read LineSocket::read_line(std::string& line, std::size_t most_bytes) {
    std::size_t searched = 0;
    while (true) {
        const std::size_t end = pending_.find('\n', searched);
        if (end != std::string::npos && end <= most_bytes) {
            line.assign(pending_, 0, end);
            pending_.erase(0, end + 1);
            return Read::line;
        }
        searched = pending_.size();
        if (searched > most_bytes) {
            return Read::too_long;
        }
        pollfd polled[2] = {{fd_, POLLIN, 0}, {wake_fd_, POLLIN, 0}};
        if (::poll(polled, 2, -1) < 0 && errno != EINTR) {
            return Read::closed;
        }
        if (polled[1].revents != 0) {
            return Read::woken;
        }
        char bytes[16384];
        const ssize_t n = ::recv(fd_, bytes, sizeof bytes, MSG_DONTWAIT);
        if (n > 0) {
            pending_.append(bytes, static_cast<std::size_t>(n));
        } else if (n == 0) {
            line = std::exchange(pending_, {});
            return line.empty() ? Read::closed : Read::line;
        } else if (errno != EAGAIN && errno != EINTR) {
            return Read::closed;
        }
    }
}

bool LineSocket::write(std::string_view bytes, std::chrono::seconds patience) {
    while (!bytes.empty()) {
        const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0) {
            bytes.remove_prefix(static_cast<std::size_t>(n));
            continue;
        }
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n == 0 || errno != EAGAIN) {
            return false;
        }
        pollfd polled[2] = {{fd_, POLLOUT, 0}, {wake_fd_, POLLIN, 0}};
        const auto wait_ms =
            std::chrono::duration_cast<std::chrono::milliseconds>(patience).count();
        const int ready = ::poll(polled, 2, static_cast<int>(wait_ms));
        if (ready == 0 || (ready < 0 && errno != EINTR) || polled[1].revents != 0) {
            return false;
        }
    }
    return true;
}

} // namespace foregate::control
