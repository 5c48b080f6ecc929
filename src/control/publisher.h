// SPDX-License-Identifier: BSD-3-Clause
// Gathers changed tables and publishes them to the workers as one generation a turn.
#pragma once

#include "control/plan/pattern.h"
#include "control/plan/plan.h"
#include "control/session/session_table.h"
#include "dataplane/dataplane.h"

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace foregate::control {

/// Every address that a destination text stands for now, with its port.
using AddressesOf = std::function<std::vector<IpAddress>(const std::string& destination)>;

/// Desktop addresses and class prefixes with their session states.
[[nodiscard]] std::shared_ptr<const dataplane::DesktopTable> desktop_table(const SessionTable& sessions,
                                                                           const Config& config);

/// `infrastructure`: what every class may always reach (the resolvers), whatever its history says.
[[nodiscard]] std::shared_ptr<const dataplane::PatternTable>
pattern_table(const Pattern& pattern, const Config& config, const AddressesOf& addresses,
              const std::vector<IpAddress>& resolvers);

/// Control thread only.
class Publisher {
public:
    explicit Publisher(dataplane::Dataplane& dataplane) : dataplane_(dataplane) {}

    void set(std::shared_ptr<const dataplane::RouteTable> routes) { next().routes = std::move(routes); }
    void set(std::shared_ptr<const dataplane::DesktopTable> desktops) { next().desktops = std::move(desktops); }
    void set(std::shared_ptr<const dataplane::PlanTable> plan) { next().plan = std::move(plan); }
    void set(std::shared_ptr<const dataplane::PatternTable> pattern) { next().pattern = std::move(pattern); }
    void set(std::shared_ptr<const dataplane::AccessTable> access) { next().access = std::move(access); }
    void set(std::shared_ptr<const dataplane::ThreatTables> threats) { next().threats = std::move(threats); }
    void set(std::shared_ptr<const dataplane::CatalogueTables> catalogue) { next().catalogue = std::move(catalogue); }

    /// Publishes what was set since the last time, if anything; frees what no worker needs any more.
    void flush();

private:
    dataplane::Generation& next();
    dataplane::Dataplane& dataplane_;
    std::unique_ptr<dataplane::Generation> next_;
};

} // namespace foregate::control
