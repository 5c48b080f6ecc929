// SPDX-License-Identifier: BSD-3-Clause
// The clock that usage, forecast and plan live by. It runs at the system clock's pace; the config
// may set where it starts. Immutable once made: any thread.
//
// Buckets are keyed by the UTC seconds of this clock at which they start, so a day has no bucket
// twice and none is lost when the clocks are put forward or back. Local time says what kind of day
// it is and what a person reads; the forecast aligns its days by local time (forecast_runner.h).
#pragma once

#include "control/usage/time_zone.h"

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>

namespace foregate::control {

/// Dates on which people do not work. The file has one date a line, `YYYY-MM-DD`; `#` starts a
/// comment. Throws std::runtime_error (`file:line: message`).
[[nodiscard]] std::set<std::chrono::local_days> load_holidays(const std::filesystem::path& file);

/// "2026-11-22 13:56" and "2026-11-22 13:56:30" (a T may stand for the space); nullopt for
/// anything else, impossible dates included.
[[nodiscard]] std::optional<std::chrono::local_seconds> parse_local_time(std::string_view text);
/// "2026-11-22 13:56", with ":30" only when the seconds are not 0.
[[nodiscard]] std::string format_local_time(std::chrono::local_seconds local);

class AnalyticsClock {
public:
    /// `start`: what this clock shows at `system_now`; nullopt: the same as the system's clock.
    /// A start that the zone skips is moved forward; of two, the first is taken.
    AnalyticsClock(std::optional<std::chrono::local_seconds> start, const std::string& time_zone,
                   std::chrono::system_clock::time_point system_now,
                   std::set<std::chrono::local_days> holidays = {});

    /// Seconds since 1970 UTC on this clock.
    [[nodiscard]] std::int64_t epoch(std::chrono::system_clock::time_point system_now) const;
    [[nodiscard]] std::chrono::local_seconds now(std::chrono::system_clock::time_point t) const;
    /// Start of the bucket that holds `epoch`.
    [[nodiscard]] static std::int64_t bucket_start(std::int64_t epoch, std::chrono::seconds bucket);
    /// 0 working day, 1 Saturday, 2 Sunday or holiday.
    [[nodiscard]] std::uint8_t day_type(std::chrono::local_seconds local) const;
    [[nodiscard]] const TimeZone& zone() const noexcept { return zone_; }

private:
    TimeZone zone_;
    std::int64_t shift_ = 0; ///< seconds to add to the system's clock
    std::set<std::chrono::local_days> holidays_;
};

} // namespace foregate::control
