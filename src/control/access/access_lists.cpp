// SPDX-License-Identifier: BSD-3-Clause
#include "control/access/access_lists.h"

#include <algorithm>

namespace foregate::control {

namespace {

using dataplane::AccessList;
using dataplane::AccessRule;

dataplane::AccessAction action_of(AccessAction action) {
    return action == AccessAction::allow ? dataplane::AccessAction::allow : dataplane::AccessAction::deny;
}

void add(AccessListInForce& to, const AccessRuleConfig& from, const char* whose) {
    AccessRule rule;
    rule.action = action_of(from.action);
    rule.name = from.name;
    rule.exact = from.exact;
    rule.prefix = from.prefix;
    rule.first_port = from.first_port;
    rule.last_port = from.last_port;
    rule.protocol = from.protocol;
    to.list.rules.push_back(std::move(rule));
    to.rules.push_back({from.to_string(), whose});
}

AccessListInForce list_of(const Config& config, const std::string& name, const AccessConfig* own) {
    AccessListInForce out;
    out.usage_class = name;
    for (const AccessRuleConfig& rule : config.access.rules) {
        add(out, rule, "site");
    }
    AccessDefault otherwise = config.access.otherwise;
    if (own != nullptr) {
        for (const AccessRuleConfig& rule : own->rules) {
            add(out, rule, "class");
        }
        otherwise = own->otherwise == AccessDefault::inherit ? otherwise : own->otherwise;
    }
    out.list.otherwise =
        otherwise == AccessDefault::deny ? dataplane::AccessAction::deny : dataplane::AccessAction::allow;
    if (otherwise == AccessDefault::deny) {
        for (const IpAddress& resolver : config.resolvers) {
            AccessRuleConfig rule;
            rule.action = AccessAction::allow;
            rule.prefix = IpPrefix{resolver, static_cast<std::uint8_t>(resolver.is_v4() ? 32 : 128)};
            rule.first_port = rule.last_port = 53;
            add(out, rule, "resolver");
        }
    }
    return out;
}

} // namespace

std::vector<AccessListInForce> access_lists(const Config& config) {
    std::vector<AccessListInForce> lists;
    for (const ClassConfig& usage_class : config.classes) {
        lists.push_back(list_of(config, usage_class.name, &usage_class.access));
    }
    lists.push_back(list_of(config, "-", nullptr));
    return lists;
}

bool allow_everything(const std::vector<AccessListInForce>& lists) {
    return std::all_of(lists.begin(), lists.end(), [](const AccessListInForce& one) {
        return one.list.otherwise == dataplane::AccessAction::allow &&
               std::all_of(one.list.rules.begin(), one.list.rules.end(), [](const AccessRule& rule) {
                   return rule.action == dataplane::AccessAction::allow;
               });
    });
}

} // namespace foregate::control
