// SPDX-License-Identifier: BSD-3-Clause
// One row of usage: what all desktops of a class together did in one bucket. Never names a desktop.
// Plain data.
#pragma once

#include "dataplane/app_type.h"

#include <compare>
#include <cstdint>
#include <string>

namespace foregate::control {

using dataplane::AppType;

/// The destination of rows folded together because too few desktops contributed to each.
inline constexpr const char* kOtherDestination = "other";
/// The class of rows folded beyond their own class; not usable as the name of a configured class.
inline constexpr const char* kAllClasses = "all";

struct UsageRecord {
    std::int64_t bucket = 0; ///< start of the bucket: seconds since 1970 UTC on the analytics clock
    std::string usage_class;
    AppType app = AppType::other;
    std::string destination;    ///< "db.lab:5432", "10.0.0.5:443", "[2001:db8::1]:443",
                                ///< "10.0.0.0/24:443", or "other"
    std::uint64_t bytes_up = 0; ///< from the desktops
    std::uint64_t bytes_down = 0;
    std::uint64_t packets_up = 0;
    std::uint64_t packets_down = 0;
    std::uint64_t new_connections = 0; ///< opened in this bucket, failed ones included
    std::uint64_t failed_connections = 0;
    std::uint32_t desktops = 0; ///< how many different ones, estimated (usage_fold.h)

    bool operator==(const UsageRecord&) const = default;
};

/// What a series is kept for.
struct SeriesKey {
    std::string usage_class;
    AppType app = AppType::other;
    std::string destination;

    auto operator<=>(const SeriesKey&) const = default;
};

} // namespace foregate::control
