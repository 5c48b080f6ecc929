// SPDX-License-Identifier: BSD-3-Clause
// Which destinations held connections may go to, by the config. Pure; any thread.
#pragma once

#include "control/config/config.h"
#include "control/plan/plan.h"
#include "control/usage/destination_text.h"

#include <cstdint>
#include <optional>
#include <set>
#include <string>

namespace foregate::control {

/// A denied destination is never eligible; an allowed one is whatever its port; of the others those
/// at an eligible port are, but for prefixes and "other", which are no one host.
class Eligibility {
public:
    explicit Eligibility(const HoldConfig& config);
    /// nullopt: eligible.
    [[nodiscard]] std::optional<SkipReason> why_not(const std::string& destination) const;

private:
    std::set<std::string> allow_; ///< as records write destinations
    std::set<std::string> deny_;
    std::set<std::uint16_t> ports_;
};

} // namespace foregate::control
