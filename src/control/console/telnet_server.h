// SPDX-License-Identifier: BSD-3-Clause
// The console's door for looking: telnet on a loopback port. Shows everything, changes only after
// `enable TOKEN`.
//
// One thread carries bytes for all clients, through TelnetInput, to socket pairs; behind each pair
// a thread of its own runs libcli's blocking loop. So a client that reads nothing, sends garbage or
// vanishes holds up nobody, and stop() never waits for one.
#pragma once

#include "control/console/telnet_session.h"

#include <cstdint>
#include <filesystem>
#include <list>
#include <memory>
#include <string>
#include <thread>

namespace foregate::control {

/// First line of the file without blanks at its ends. Throws std::runtime_error naming the file
/// when it cannot be read, is open to others than owner and group, or the token has fewer than 8
/// characters or any that is not printable ASCII.
[[nodiscard]] std::string read_token_file(const std::filesystem::path& file);

class TelnetServer {
public:
    /// Port 0: any free one (tests). Throws std::runtime_error when the address is not loopback or
    /// cannot be had. `runner` must outlive the server.
    TelnetServer(const std::string& address, std::uint16_t port, const CommandRunner& runner,
                 TelnetSettings settings = {});
    /// stop().
    ~TelnetServer();
    TelnetServer(const TelnetServer&) = delete;
    TelnetServer& operator=(const TelnetServer&) = delete;

    [[nodiscard]] std::uint16_t port() const { return port_; }

    /// Ends all clients and joins all threads. Stop the ControlQueue first, or this may wait for a
    /// command's deadline.
    void stop();

    static constexpr std::size_t kMostClients = 8;

private:
    struct Client;
    void open(const std::string& address, std::uint16_t port);
    void loop();
    void accept_one();
    void close_all();

    const CommandRunner& runner_;
    const TelnetSettings settings_;
    int listen_fd_ = -1;
    int wake_fd_ = -1;
    std::uint16_t port_ = 0;
    std::list<std::unique_ptr<Client>> clients_; ///< the carrying thread's
    std::thread carrier_;
};

} // namespace foregate::control
