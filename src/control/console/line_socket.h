// SPDX-License-Identifier: BSD-3-Clause
// A connected stream socket that speaks lines ending in '\n', for both ends of the console's unix
// socket. One thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

namespace foregate::control {

class LineSocket {
public:
    /// Owns `fd`. `wake_fd` (or -1, not owned): reading stops as soon as it is readable.
    explicit LineSocket(int fd, int wake_fd = -1) : fd_(fd), wake_fd_(wake_fd) {}
    ~LineSocket();
    LineSocket(LineSocket&& other) noexcept;
    LineSocket& operator=(LineSocket&&) = delete;
    LineSocket(const LineSocket&) = delete;
    LineSocket& operator=(const LineSocket&) = delete;

    enum class Read { line, closed, too_long, woken };
    /// The next line without its end; a last line may lack it. Waits as long as it takes.
    Read read_line(std::string& line, std::size_t most_bytes);

    /// False when the other side is gone, or takes nothing for `patience`. Never raises SIGPIPE.
    bool write(std::string_view bytes, std::chrono::seconds patience = std::chrono::seconds(30));

private:
    int fd_;
    int wake_fd_;
    std::string pending_; ///< received, not yet handed out
};

} // namespace foregate::control
