// SPDX-License-Identifier: BSD-3-Clause
// One time zone, read from the system's zoneinfo files (TZif, RFC 8536). The C library's own
// conversion works on a process-wide zone; this one does not. Immutable once made: any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace foregate::control {

class TimeZone {
public:
    /// UTC.
    TimeZone() = default;
    /// "UTC", or a name like "Europe/Berlin". Throws std::runtime_error if there is no such zone
    /// or its file is damaged. `folder` is where zoneinfo stands.
    explicit TimeZone(const std::string& name, const std::string& folder = "/usr/share/zoneinfo");

    [[nodiscard]] const std::string& name() const noexcept { return name_; }
    /// Seconds to add to UTC at that moment (seconds since 1970 UTC).
    [[nodiscard]] std::int64_t offset_at(std::int64_t epoch) const noexcept;
    [[nodiscard]] std::chrono::local_seconds to_local(std::int64_t epoch) const noexcept;

    struct Resolved {
        std::int64_t epoch = 0;
        bool exists = true;     ///< false: the clock was put forward over it; epoch is as far after
                                ///< the change as the local time is after its gap's start
        bool ambiguous = false; ///< the clock was put back: epoch is the first of the two
    };
    [[nodiscard]] Resolved to_epoch(std::chrono::local_seconds local) const noexcept;

private:
    struct Rule { ///< when in a year the offset changes, from the file's footer
        enum class Kind : std::uint8_t { month_week_day, julian, day_of_year } kind{};
        int month = 0, week = 0, day = 0; ///< julian, day_of_year: the number is in `day`
        std::int64_t time = 0;            ///< seconds after local midnight
    };
    struct Tail { ///< what holds after the last listed change
        bool present = false, daylight = false;
        std::int64_t standard_offset = 0, daylight_offset = 0;
        Rule start, end;
    };
    void load(const std::string& path);
    void parse_footer(const std::string& footer);
    static std::int64_t rule_local_seconds(const Rule& rule, int year);
    [[nodiscard]] std::int64_t tail_offset(std::int64_t epoch) const noexcept;

    std::string name_ = "UTC";
    std::vector<std::int64_t> changes_; ///< UTC seconds, ascending
    std::vector<std::int64_t> offsets_; ///< offset from the change of the same index on
    std::int64_t first_offset_ = 0;     ///< before the first change
    Tail tail_;
};

} // namespace foregate::control
