// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/worker/polling_core.h"

#include <algorithm>
#include <ctime>
#include <rte_launch.h>
#include <rte_pause.h>
#include <stdexcept>
#include <sys/prctl.h>

namespace foregate::dataplane {

PollingCore::~PollingCore() {
    if (started_) {
        stop_.store(true);
        rte_eal_wait_lcore(lcore_);
    }
}

void PollingCore::start() {
    if (rte_eal_remote_launch(&PollingCore::entry, this, lcore_) != 0) {
        throw std::runtime_error("polling core " + std::to_string(lcore_) + " is busy");
    }
    started_ = true;
}

int PollingCore::entry(void* self) {
    static_cast<PollingCore*>(self)->run();
    return 0;
}

void PollingCore::run() noexcept {
    ::prctl(PR_SET_TIMERSLACK, 1UL);
    if (worker_ != nullptr) {
        generations_->worker_online(worker_->index());
    }
    unsigned idle_turns = 0;
    bool worked = false;
    std::uint64_t turn_began = clock_.now_ns();
    while (!stop_.load(std::memory_order_relaxed)) {
        const std::uint64_t now = clock_.now_ns();
        (worked ? time_.busy_ns : time_.idle_ns).add(now - turn_began); // of the turn before
        turn_began = now;
        worked = worker_ != nullptr && worker_->poll(now);
        for (TransmitStage* stage : transmit_) {
            worked = stage->poll(now) || worked;
        }
        idle_turns = worked ? 0 : idle_turns + 1;
        time_.turns.add(1);
        time_.idle_turns.add(worked ? 0 : 1);
        if (idle_sleep_ && idle_turns > 16) {
            rest(now, idle_turns);
        } else if (!worked) {
            rte_pause();
        }
    }
    if (worker_ != nullptr) {
        generations_->worker_offline(worker_->index());
    }
}

/// Sleeps a little longer the longer nothing has come, but never beyond what the shaper has to send.
void PollingCore::rest(std::uint64_t now_ns, unsigned idle_turns) noexcept {
    std::uint64_t sleep_ns = std::min<std::uint64_t>(idle_turns * 1'000ULL, 50'000);
    for (TransmitStage* stage : transmit_) {
        const std::uint64_t event = stage->next_event_ns(now_ns);
        sleep_ns = std::min(sleep_ns, event > now_ns ? event - now_ns : 0);
    }
    if (sleep_ns > 2'000) {
        const timespec interval{0, static_cast<long>(sleep_ns)};
        ::clock_nanosleep(CLOCK_MONOTONIC, 0, &interval, nullptr);
    }
}

} // namespace foregate::dataplane
