// SPDX-License-Identifier: BSD-3-Clause
// Asks the configured resolvers for the addresses of names, without blocking: the control loop
// polls its sockets. Control thread only. DNS itself is c-ares'.
#pragma once

#include "control/config/config.h"
#include "control/session/session_table.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <poll.h>
#include <span>
#include <string>
#include <vector>

namespace foregate::control {

struct ResolverSettings {
    std::uint16_t port = 53;
    std::chrono::milliseconds timeout{2000}; ///< of the first try of a server; c-ares lengthens it
    int tries = 2;                           ///< per server
    std::chrono::seconds least_backoff{2};   ///< after a name could not be asked; doubles
    std::chrono::seconds most_backoff{60};
    std::size_t most_outstanding = 256; ///< names at once; more are not asked (ask again later)
};

struct ResolverCounts {
    std::uint64_t asked = 0;    ///< names
    std::uint64_t answered = 0; ///< one per family, empty answers included
    std::uint64_t failed = 0;   ///< likewise: no answer, or an error of the server
};

class Resolver {
public:
    /// Called from process() or ask(), once per family that was answered; a name or family that
    /// does not exist comes with no addresses and a TTL of 5 to 30 s (from the answer's SOA where
    /// it has one). Failures are not told.
    using OnAnswer =
        std::function<void(const std::string& name, bool is_v6,
                           const std::vector<IpAddress>& addresses, std::uint32_t ttl_s)>;

    /// Throws std::runtime_error if c-ares cannot start. Without servers ask() does nothing.
    Resolver(const std::vector<IpAddress>& servers, OnAnswer on_answer,
             const ResolverSettings& settings = {});
    ~Resolver();
    Resolver(const Resolver&) = delete;
    Resolver& operator=(const Resolver&) = delete;

    /// Asks for both families; does nothing while the name is being asked or in its back-off.
    void ask(const std::string& name, SteadyTime now);
    /// Appends its sockets.
    void add_poll_fds(std::vector<pollfd>& fds) const;
    /// How long poll() may wait at most; -1: no limit.
    [[nodiscard]] int timeout_ms() const;
    /// With what poll() returned (others' entries are ignored); call it at every turn, it also
    /// drives the timeouts.
    void process(std::span<const pollfd> fds, SteadyTime now);
    [[nodiscard]] std::size_t outstanding() const noexcept; ///< names
    [[nodiscard]] const ResolverCounts& counts() const noexcept;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace foregate::control
