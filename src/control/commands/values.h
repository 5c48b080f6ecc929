// SPDX-License-Identifier: BSD-3-Clause
// The JSON values of the console, made from plain data: no gateway, no clock, any thread. Key names
// carry their unit.
#pragma once

#include "control/net/kernel_mirror.h"
#include "control/plan/forecast_runner.h"
#include "control/plan/pattern.h"
#include "control/plan/plan.h"
#include "control/session/shadow_session.h"
#include "control/usage/time_zone.h"
#include "control/usage/usage_collector.h"
#include "dataplane/dataplane.h"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace foregate::control {

using Json = nlohmann::ordered_json;

/// Rounded to thousandths, so that tables stay readable; not a number becomes null.
[[nodiscard]] Json rounded(double value);
/// Seconds from `then` to `now`; null when `then` was never set.
[[nodiscard]] Json seconds_since(SteadyTime then, SteadyTime now);
/// "2026-03-04 14:00", or null for kNoEnd.
[[nodiscard]] Json local_time(std::int64_t epoch, const TimeZone& zone);
[[nodiscard]] std::string mac_text(const dataplane::MacAddress& mac);
/// "tcp", "udp", "icmp", "icmpv6", or the number.
[[nodiscard]] std::string protocol_text(std::uint8_t protocol);

/// A whole number between `least` and `most`; nullopt for any other text.
[[nodiscard]] std::optional<std::uint64_t> whole_number(const std::string& text,
                                                        std::uint64_t least, std::uint64_t most);

[[nodiscard]] Json port_row(const dataplane::PortView& port);

/// What a port's scheduler did with one traffic class: sent, standing, dropped by reason, delay.
[[nodiscard]] Json queue_row(const std::string& port, dataplane::TrafficClass traffic_class,
                             const dataplane::ClassSnapshot& queue);
/// Appends the share's figures to a row that says whose they are.
void append_share(Json& row, const dataplane::ShareSnapshot& share);

/// Names for numbers, for flows and held connections.
struct Naming {
    std::function<std::string(std::uint32_t desktop)> desktop;
    std::function<std::string(std::uint16_t usage_class)> usage_class;
    NameOf destination;
    std::function<std::string(std::uint16_t protocol, std::uint16_t application)> application; ///< empty: not known
};
[[nodiscard]] Json flow_row(const dataplane::FlowView& flow, const Naming& naming);
[[nodiscard]] Json held_row(const dataplane::HeldView& held, const Naming& naming);
/// A desktop's flows by destination, most flows first. A held connection that no flow of the
/// desktop uses is not here.
[[nodiscard]] std::vector<DestinationNow>
destinations_of(std::span<const dataplane::FlowView> flows, const NameOf& name_of);

[[nodiscard]] Json warning_row(const Warning& warning, SteadyTime now);

[[nodiscard]] Json usage_row(const UsageRecord& record, const TimeZone& zone);
/// One row for each series and metric; `usage_class` empty: all.
[[nodiscard]] Json forecast_rows(const ForecastSet& forecasts, const TimeZone& zone,
                                 const std::string& usage_class);
/// The same, one row for each of the next `steps` buckets from `now` on.
[[nodiscard]] Json outlook_rows(const ForecastSet& forecasts, const TimeZone& zone,
                                const std::string& usage_class, std::int64_t now,
                                std::size_t steps);
/// `number_of`: the shapers' number of an allotment in force.
[[nodiscard]] Json
plan_value(const Plan& plan, const TimeZone& zone, std::int64_t now,
           const std::function<std::optional<std::uint16_t>(const Allotment&)>& number_of);
[[nodiscard]] Json pattern_value(const Pattern& pattern, const TimeZone& zone);

/// The figures of an event that a person looks for first; everything foregate adds is in `details`.
[[nodiscard]] Json event_row(const Json& event);

} // namespace foregate::control
