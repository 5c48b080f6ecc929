// SPDX-License-Identifier: BSD-3-Clause
// show access
#include "control/commands/show.h"
#include "control/commands/values.h"
#include "control/gateway.h"

namespace foregate::control {

namespace {

Json rule_row(const AccessListInForce& list, std::size_t rule, std::uint64_t reported) {
    const bool written = rule < list.rules.size();
    Json row;
    row["class"] = list.usage_class;
    row["order"] = written ? Json(rule + 1) : Json(nullptr);
    row["rule"] = written ? list.rules[rule].text
                  : list.list.otherwise == dataplane::AccessAction::allow ? "default allow"
                                                                          : "default deny";
    row["from"] = written ? list.rules[rule].from : "default";
    row["reported"] = reported;
    return row;
}

} // namespace

CommandResult show_access(Gateway& gateway, const CommandArgs& args) {
    const AccessControl& access = gateway.access;
    const auto& reported = gateway.access_events.reported();
    Json rows = Json::array();
    for (std::size_t i = 0; i < access.lists().size(); ++i) {
        const AccessListInForce& list = access.lists()[i];
        if (!args.words.empty() && args.words[0] != list.usage_class) {
            continue;
        }
        const bool last = i + 1 == access.lists().size();
        const auto number = last ? dataplane::AccessLists::kNoClass : static_cast<std::uint16_t>(i);
        for (std::size_t rule = 0; rule <= list.rules.size(); ++rule) {
            const auto index =
                rule < list.rules.size() ? static_cast<std::uint16_t>(rule) : dataplane::AccessAnswer::kDefault;
            const auto found = reported.find({number, index});
            rows.push_back(rule_row(list, rule, found == reported.end() ? 0 : found->second));
        }
    }
    if (rows.empty()) {
        return CommandResult::failure(args.words[0] + " is no class");
    }
    Json value;
    value["stopped"] = gateway.dataplane.read(dataplane::Counter::access_denied);
    value["reported"] = gateway.access_events.total();
    value["addresses_named"] = access.names().size();
    value["addresses_left_out"] = access.names().left_out();
    value["rules"] = std::move(rows);
    return CommandResult::success(std::move(value));
}

} // namespace foregate::control
