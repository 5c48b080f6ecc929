// SPDX-License-Identifier: BSD-3-Clause
#include "control/session/round_trip.h"

#include <algorithm>
#include <cmath>

namespace foregate::control {

namespace {

constexpr double kLossGain = 1.0 / 16.0;

} // namespace

void RoundTrip::sample(double rtt_us) noexcept {
    if (!(rtt_us >= 0) || !std::isfinite(rtt_us)) {
        return;
    }
    if (samples_ == 0) {
        smoothed_us_ = rtt_us;
        variation_us_ = rtt_us / 2;
        least_us_ = rtt_us;
    } else { // the variation first, with the former mean: RFC 6298 (2.3)
        variation_us_ += (std::abs(smoothed_us_ - rtt_us) - variation_us_) / 4;
        smoothed_us_ += (rtt_us - smoothed_us_) / 8;
        least_us_ = std::min(least_us_, rtt_us);
    }
    last_us_ = rtt_us;
    ++samples_;
}

const char* liveness_name(Liveness liveness) noexcept {
    switch (liveness) {
    case Liveness::unknown:
        return "unknown";
    case Liveness::up:
        return "up";
    case Liveness::down:
        return "down";
    }
    return "?";
}

bool DestinationHealth::answered(double rtt_us, SteadyTime now) noexcept {
    round_trip_.sample(rtt_us);
    ++probes_;
    loss_ -= loss_ * kLossGain;
    in_a_row_ = 0;
    last_answer_ = now;
    const bool changed = liveness_ != Liveness::up;
    liveness_ = Liveness::up;
    return changed;
}

bool DestinationHealth::lost() noexcept {
    ++probes_;
    loss_ += (1.0 - loss_) * kLossGain;
    return failed();
}

bool DestinationHealth::refused() noexcept {
    return failed();
}

bool DestinationHealth::failed() noexcept {
    ++failures_;
    ++in_a_row_;
    if (in_a_row_ < kFailuresToDown || liveness_ == Liveness::down) {
        return false;
    }
    liveness_ = Liveness::down;
    return true;
}

} // namespace foregate::control
