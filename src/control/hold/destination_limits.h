// SPDX-License-Identifier: BSD-3-Clause
// What a destination allows: how old a held connection may become, and when it may be dialed again
// after a failure. Pure; time is an argument.
#pragma once

#include "control/session/session_table.h"

#include <chrono>
#include <string>

namespace foregate::control {

/// Age limit: the configured one, or half of the youngest age at which the server closed by itself.
class AgeLimit {
public:
    static constexpr std::chrono::seconds kFloor{4};
    static constexpr std::chrono::hours kRelaxAfter{1}; ///< without another close the limit doubles

    explicit AgeLimit(std::chrono::nanoseconds configured) : configured_(configured) {}
    /// The server closed an unused connection of this age.
    void server_closed(std::chrono::nanoseconds age, SteadyTime now);
    [[nodiscard]] std::chrono::nanoseconds now_at(SteadyTime now) const;
    [[nodiscard]] bool learned(SteadyTime now) const { return now_at(now) < configured_; }

private:
    std::chrono::nanoseconds configured_;
    std::chrono::nanoseconds learned_{0}; ///< 0: nothing learned
    SteadyTime learned_at_{};
};

/// Exponential back-off, one step per trial however many dials failed in it. While it is not clear,
/// one dial at a time.
class Retreat {
public:
    static constexpr std::chrono::seconds kFirst{1};
    static constexpr std::chrono::minutes kMost{10};

    void failed(std::string reason, SteadyTime now);
    void succeeded() noexcept; ///< `reason` stays readable
    [[nodiscard]] bool waiting(SteadyTime now) const noexcept {
        return steps_ != 0 && now < until_;
    }
    [[nodiscard]] bool clear() const noexcept { return steps_ == 0; }
    [[nodiscard]] std::chrono::nanoseconds remaining(SteadyTime now) const noexcept;
    [[nodiscard]] const std::string& reason() const noexcept { return reason_; }

private:
    unsigned steps_ = 0;
    SteadyTime until_{};
    std::string reason_;
};

/// Token bucket for dials; holds at most one second's worth.
class DialRate {
public:
    explicit DialRate(unsigned per_second) : rate_(per_second), tokens_(per_second) {}
    void refill(SteadyTime now) noexcept;
    [[nodiscard]] bool take() noexcept;
    void give_back() noexcept;

private:
    double rate_;
    double tokens_;
    SteadyTime at_{};
    bool started_ = false;
};

} // namespace foregate::control
