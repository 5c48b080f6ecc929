// SPDX-License-Identifier: BSD-3-Clause
#include "control/plan/eligibility.h"

namespace foregate::control {

Eligibility::Eligibility(const HoldConfig& config)
    : ports_(config.ports.begin(), config.ports.end()) {
    for (const DestinationSpec& spec : config.allow) {
        allow_.insert(format_destination(spec));
    }
    for (const DestinationSpec& spec : config.deny) {
        deny_.insert(format_destination(spec));
    }
}

std::optional<SkipReason> Eligibility::why_not(const std::string& destination) const {
    const auto parts = parse_destination(destination);
    if (!parts || parts->kind == DestinationParts::Kind::prefix || parts->port == 0) {
        return SkipReason::not_one_host;
    }
    if (deny_.contains(destination)) {
        return SkipReason::denied;
    }
    if (allow_.contains(destination) || ports_.contains(parts->port)) {
        return std::nullopt;
    }
    return SkipReason::port_not_eligible;
}

} // namespace foregate::control
