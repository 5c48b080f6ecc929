// SPDX-License-Identifier: BSD-3-Clause
// Round trip, loss and liveness of one monitored destination, from the probes on a held connection.
// Control thread only; time is an argument.
#pragma once

#include "control/session/session_table.h"

#include <cstdint>

namespace foregate::control {

/// Smoothed round trip as RFC 6298 section 2 has it: gains 1/8 and 1/4, the first sample as it is.
class RoundTrip {
public:
    void sample(double rtt_us) noexcept;
    [[nodiscard]] bool known() const noexcept { return samples_ != 0; }
    [[nodiscard]] double smoothed_us() const noexcept { return smoothed_us_; }
    [[nodiscard]] double variation_us() const noexcept { return variation_us_; }
    [[nodiscard]] double least_us() const noexcept { return least_us_; }
    [[nodiscard]] double last_us() const noexcept { return last_us_; }
    [[nodiscard]] std::uint64_t samples() const noexcept { return samples_; }

private:
    double smoothed_us_ = 0, variation_us_ = 0, least_us_ = 0, last_us_ = 0;
    std::uint64_t samples_ = 0;
};

enum class Liveness : std::uint8_t { unknown, up, down };
[[nodiscard]] const char* liveness_name(Liveness liveness) noexcept;

class DestinationHealth {
public:
    /// So many failures in a row and the destination counts as down.
    static constexpr unsigned kFailuresToDown = 3;

    /// Each returns true if liveness changed.
    bool answered(double rtt_us, SteadyTime now) noexcept; ///< handshake or probe
    bool lost() noexcept;                                  ///< probe without an answer
    bool refused() noexcept;                               ///< reset, or a dial that failed

    [[nodiscard]] Liveness liveness() const noexcept { return liveness_; }
    [[nodiscard]] const RoundTrip& round_trip() const noexcept { return round_trip_; }
    /// Share of probes lost, 0 to 1, the last ones counting most (gain 1/16).
    [[nodiscard]] double loss() const noexcept { return loss_; }
    [[nodiscard]] std::uint64_t probes() const noexcept { return probes_; }
    [[nodiscard]] std::uint64_t failures() const noexcept { return failures_; }
    [[nodiscard]] SteadyTime last_answer() const noexcept { return last_answer_; }

private:
    bool failed() noexcept;

    RoundTrip round_trip_;
    Liveness liveness_ = Liveness::unknown;
    double loss_ = 0;
    std::uint64_t probes_ = 0, failures_ = 0;
    unsigned in_a_row_ = 0;
    SteadyTime last_answer_{};
};

} // namespace foregate::control
