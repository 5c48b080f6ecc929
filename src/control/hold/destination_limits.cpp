// SPDX-License-Identifier: BSD-3-Clause
#include "control/hold/destination_limits.h"

#include <algorithm>

namespace foregate::control {

void AgeLimit::server_closed(std::chrono::nanoseconds age, SteadyTime now) {
    const auto half = std::max<std::chrono::nanoseconds>(age / 2, kFloor);
    const auto in_force = now_at(now);
    if (half <= in_force) {
        learned_ = half;
        learned_at_ = now;
    } else if (learned_.count() != 0) {
        learned_ = in_force; // it still closes by itself: what was learned stays in force
        learned_at_ = now;
    }
}

std::chrono::nanoseconds AgeLimit::now_at(SteadyTime now) const {
    if (learned_.count() == 0) {
        return configured_;
    }
    auto limit = learned_;
    for (auto t = learned_at_ + kRelaxAfter; t <= now && limit < configured_; t += kRelaxAfter) {
        limit *= 2;
    }
    return std::min(limit, configured_);
}

void Retreat::failed(std::string reason, SteadyTime now) {
    reason_ = std::move(reason);
    if (waiting(now)) {
        return; // of the same trial
    }
    const auto pause =
        std::min<std::chrono::nanoseconds>(kFirst * (1LL << std::min(steps_, 20U)), kMost);
    ++steps_;
    until_ = now + pause;
}

void Retreat::succeeded() noexcept {
    steps_ = 0;
}

std::chrono::nanoseconds Retreat::remaining(SteadyTime now) const noexcept {
    return waiting(now) ? until_ - now : std::chrono::nanoseconds(0);
}

void DialRate::refill(SteadyTime now) noexcept {
    if (started_ && now > at_) {
        const double seconds = std::chrono::duration<double>(now - at_).count();
        tokens_ = std::min(rate_, tokens_ + seconds * rate_);
    }
    started_ = true;
    at_ = std::max(at_, now);
}

bool DialRate::take() noexcept {
    if (tokens_ < 1.0) {
        return false;
    }
    tokens_ -= 1.0;
    return true;
}

void DialRate::give_back() noexcept {
    tokens_ = std::min(rate_, tokens_ + 1.0);
}

} // namespace foregate::control
