// SPDX-License-Identifier: BSD-3-Clause
// The trace that an operator asks for: jobs for all workers, and what they bring back. Control thread only.
#pragma once

#include "dataplane/messages.h"

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

namespace foregate::control {

/// Hands an order to a worker; false when its mailbox is full.
using PostToWorker = std::function<bool(unsigned worker, const dataplane::Order& order)>;

class TraceDesk {
public:
    TraceDesk(unsigned workers, PostToWorker post) : workers_(workers), post_(std::move(post)) {}

    /// Throws std::runtime_error when a trace is running already, or no worker takes the order.
    void start(unsigned count, dataplane::PacketFilter filter, std::chrono::steady_clock::time_point until);
    /// Takes what has come; ends the trace when it has all, or `now` is past its time. True when it has just ended.
    bool tick(std::chrono::steady_clock::time_point now);
    void stop();

    [[nodiscard]] bool running() const noexcept { return running_; }
    /// Of the trace that runs, or of the last one, in the order of their time.
    [[nodiscard]] const std::vector<dataplane::TracedPacket>& packets() const noexcept { return packets_; }
    [[nodiscard]] unsigned wanted() const noexcept { return wanted_; }
    /// Jobs that a worker may still touch.
    [[nodiscard]] std::size_t unreleased() const noexcept { return jobs_.size(); }

private:
    struct Job {
        unsigned worker = 0;
        bool told_to_stop = false;
        std::unique_ptr<dataplane::TraceJob> job;
    };
    void collect();
    void release();

    const unsigned workers_;
    const PostToWorker post_;
    std::vector<Job> jobs_; ///< also of traces that have ended, until their workers let them go
    std::vector<dataplane::TracedPacket> packets_;
    bool running_ = false;
    unsigned wanted_ = 0;
    std::chrono::steady_clock::time_point until_{};
};

} // namespace foregate::control
