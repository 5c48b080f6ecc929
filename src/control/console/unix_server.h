// SPDX-License-Identifier: BSD-3-Clause
// The console's door for changes: a unix stream socket, mode 0660, that `foregate console` uses.
//
// One request line gives one reply line, both JSON; any number of them on a connection:
//   {"command":"show ports","json":true} -> {"ok":true,"text":"...","value":...}  or
//   {"ok":false,"error":"..."}
//   {"complete":"show se"}               ->
//   {"ok":true,"candidates":[{"text":"sessions","help":"..."}]}
//   {"help":"show"}                      -> {"ok":true,"text":"..."}
// "json":true makes the text JSON as well. A request of more than kMaxLineBytes ends the
// connection. One thread accepts, one serves each client. Who may open the file may change things:
// there is no other check.
#pragma once

#include "control/console/command_runner.h"

#include <atomic>
#include <filesystem>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <thread>

namespace foregate::control {

/// One request line to one reply line (without its end). Never throws for any bytes. Any thread.
[[nodiscard]] std::string answer_request(const CommandRunner& runner, std::string_view request);

class UnixServer {
public:
    /// Makes the folder if need be, removes a socket file on which nobody listens (left by a killed
    /// process) and starts serving. Throws std::runtime_error naming the path, also when another
    /// process listens there. `runner` must outlive the server.
    UnixServer(std::filesystem::path path, const CommandRunner& runner);
    /// stop().
    ~UnixServer();
    UnixServer(const UnixServer&) = delete;
    UnixServer& operator=(const UnixServer&) = delete;

    /// Ends all connections, joins the threads, removes the socket file. Stop the ControlQueue
    /// first, or this may wait for a command's deadline.
    void stop();

    static constexpr std::size_t kMostClients = 32;

private:
    struct Client {
        std::thread thread;
        std::atomic<bool> done{false};
    };
    void open();
    void accept_loop();
    void serve(int fd);
    void reap(bool all);
    void close_all();

    const std::filesystem::path path_;
    const CommandRunner& runner_;
    int listen_fd_ = -1;
    int wake_fd_ = -1; ///< readable from stop() on, for every thread
    dev_t device_ = 0; ///< of the socket file made here: only that one is removed
    ino_t inode_ = 0;
    std::thread acceptor_;
    std::list<std::unique_ptr<Client>> clients_; ///< acceptor's; after it has ended, stop()'s
};

} // namespace foregate::control
