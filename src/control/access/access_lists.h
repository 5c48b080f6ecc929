// SPDX-License-Identifier: BSD-3-Clause
// The access lists as they are in force: for each class the site's rules, then its own, then what the gateway adds, then
// the default. Pure; any thread.
#pragma once

#include "control/config/config.h"
#include "dataplane/tables/access_table.h"

#include <string>
#include <vector>

namespace foregate::control {

/// One list with the words its rules were written in.
struct AccessListInForce {
    std::string usage_class; ///< "-": addresses of no class
    struct Rule {
        std::string text;
        const char* from = ""; ///< "site", "class", "resolver"
    };
    std::vector<Rule> rules; ///< beside list.rules
    dataplane::AccessList list;
};

/// By class, in the config's order; the last one is for addresses of no class. Where the default is deny, the configured
/// resolvers may be asked, unless a written rule denies it.
[[nodiscard]] std::vector<AccessListInForce> access_lists(const Config& config);

/// Nothing is ever denied by these.
[[nodiscard]] bool allow_everything(const std::vector<AccessListInForce>& lists);

} // namespace foregate::control
