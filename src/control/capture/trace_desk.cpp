// SPDX-License-Identifier: BSD-3-Clause
#include "control/capture/trace_desk.h"

#include <algorithm>
#include <stdexcept>

namespace foregate::control {

using dataplane::TracedPacket;

void TraceDesk::start(unsigned count, dataplane::PacketFilter filter, std::chrono::steady_clock::time_point until) {
    release();
    if (running_ || !jobs_.empty()) {
        throw std::runtime_error("a trace is running; wait for it, or: trace stop");
    }
    const auto which = std::make_shared<const dataplane::PacketFilter>(std::move(filter));
    const auto left = std::make_shared<std::atomic<int>>(static_cast<int>(count));
    for (unsigned worker = 0; worker < workers_; ++worker) {
        auto job = std::make_unique<dataplane::TraceJob>(which, left, count);
        if (post_(worker, dataplane::StartTrace{job.get()})) {
            jobs_.push_back({worker, false, std::move(job)});
        }
    }
    if (jobs_.empty()) {
        throw std::runtime_error("no worker takes orders at this moment, try again");
    }
    packets_.clear();
    running_ = true;
    wanted_ = count;
    until_ = until;
}

bool TraceDesk::tick(std::chrono::steady_clock::time_point now) {
    collect();
    const bool over = running_ && (packets_.size() >= wanted_ || now >= until_);
    if (over) {
        stop();
    }
    release();
    return over;
}

void TraceDesk::stop() {
    collect();
    running_ = false;
    std::stable_sort(packets_.begin(), packets_.end(),
                     [](const TracedPacket& a, const TracedPacket& b) { return a.time_ns < b.time_ns; });
}

void TraceDesk::collect() {
    TracedPacket packet;
    for (const Job& job : jobs_) {
        while (running_ && packets_.size() < wanted_ && job.job->packets.take(packet)) {
            packets_.push_back(packet);
        }
    }
}

/// A full mailbox is tried again at the next tick; a job lives until its worker has let it go.
void TraceDesk::release() {
    if (running_) {
        return;
    }
    for (Job& job : jobs_) {
        job.told_to_stop = job.told_to_stop || post_(job.worker, dataplane::StopTrace{});
    }
    std::erase_if(jobs_, [](const Job& job) { return job.job->released.load(std::memory_order_acquire); });
}

} // namespace foregate::control
