// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/tables/access_table.h"

#include <algorithm>
#include <array>
#include <stdexcept>

namespace foregate::dataplane {

namespace {

bool within(const IpPrefix& inner, const IpPrefix& outer) noexcept {
    return inner.is_v4() == outer.is_v4() && outer.length <= inner.length && outer.contains(inner.address);
}

std::size_t label_count(std::string_view name) noexcept {
    return 1 + static_cast<std::size_t>(std::count(name.begin(), name.end(), '.'));
}

/// "10.0.0.1", "2001:db8::1", and the latter as a name that was seen (what cannot stand in a name became '?').
bool is_address_text(std::string_view name) noexcept {
    const std::size_t dot = name.rfind('.');
    const std::string_view last = dot == std::string_view::npos ? name : name.substr(dot + 1);
    return last.find_first_not_of("0123456789") == std::string_view::npos ||
           (dot == std::string_view::npos && name.find_first_of(":?") != std::string_view::npos);
}

} // namespace

// ---- one list ---------------------------------------------------------------------------------------------------

CompiledAccessList::Step CompiledAccessList::step_of(const AccessRule& rule, std::size_t index) noexcept {
    return {rule.first_port, rule.last_port, static_cast<std::uint16_t>(index), rule.protocol, rule.action};
}

CompiledAccessList::CompiledAccessList(const AccessList& list) : otherwise_(list.otherwise) {
    if (list.rules.size() > kMostRules) {
        throw std::invalid_argument("access list: " + std::to_string(list.rules.size()) + " rules, expected at most " +
                                    std::to_string(kMostRules));
    }
    std::vector<std::pair<IpPrefix, Chain>> chains;
    add_chain(list, std::nullopt, chains);
    for (std::size_t i = 0; i < list.rules.size(); ++i) {
        const AccessRule& rule = list.rules[i];
        if (!rule.name.empty()) {
            add_name(rule, step_of(rule, i));
        } else if (rule.prefix) {
            const IpPrefix prefix = rule.prefix->network();
            const bool done = std::any_of(chains.begin(), chains.end(),
                                          [&](const auto& chain) { return chain.first == prefix; });
            if (!done) {
                add_chain(list, prefix, chains);
            }
        }
    }
    by_prefix_ = PrefixMap<Chain>(chains);
}

/// The address rules that an address in `prefix` (and in no longer one of the list) meets, in order, up to one that
/// takes everything.
void CompiledAccessList::add_chain(const AccessList& list, const std::optional<IpPrefix>& prefix,
                                   std::vector<std::pair<IpPrefix, Chain>>& chains) {
    Chain chain{static_cast<std::uint32_t>(steps_.size()), 0};
    for (std::size_t i = 0; i < list.rules.size(); ++i) {
        const AccessRule& rule = list.rules[i];
        if (!rule.name.empty() || (rule.prefix && !(prefix && within(*prefix, rule.prefix->network())))) {
            continue;
        }
        steps_.push_back(step_of(rule, i));
        ++chain.count;
        if (steps_.back().takes_all()) {
            break;
        }
    }
    if (prefix) {
        chains.emplace_back(*prefix, chain);
    } else {
        anywhere_ = chain;
    }
}

void CompiledAccessList::add_name(const AccessRule& rule, const Step& step) {
    NameSteps& steps = names_[rule.name];
    (rule.exact ? steps.exact : steps.below).push_back(step);
    most_labels_ = std::max(most_labels_, label_count(rule.name));
    const auto same = [&](const Step& other) {
        return other.action == step.action && other.first_port == step.first_port &&
               other.last_port == step.last_port && other.protocol == step.protocol;
    };
    if (std::none_of(by_any_name_.begin(), by_any_name_.end(), same)) {
        by_any_name_.push_back(step);
    }
}

const CompiledAccessList::Step* CompiledAccessList::address_step(const AccessTarget& target) const noexcept {
    const Chain* chain = by_prefix_.empty() ? nullptr : by_prefix_.find(target.server);
    const Chain& steps = chain != nullptr ? *chain : anywhere_;
    for (std::uint32_t i = steps.first; i < steps.first + steps.count; ++i) {
        if (steps_[i].takes(target)) {
            return &steps_[i];
        }
    }
    return nullptr;
}

AccessAnswer CompiledAccessList::by_address(const AccessTarget& target) const noexcept {
    const Step* step = address_step(target);
    return step != nullptr ? AccessAnswer{step->action, step->rule} : AccessAnswer{otherwise_, AccessAnswer::kDefault};
}

/// The whole name, then what follows each of its dots, but nothing with more labels than any name of the list has.
template <typename Visit>
void CompiledAccessList::for_name(std::string_view name, Visit&& visit) const noexcept {
    if (names_.empty() || name.empty()) {
        return;
    }
    std::size_t labels = label_count(name);
    for (std::string_view rest = name;; --labels) {
        if (labels <= most_labels_) {
            const auto found = names_.find(rest);
            if (found != names_.end()) {
                visit(found->second.below);
                if (rest.size() == name.size()) {
                    visit(found->second.exact);
                }
            }
        }
        const std::size_t dot = rest.find('.');
        if (dot == std::string_view::npos) {
            return;
        }
        rest.remove_prefix(dot + 1);
    }
}

AccessAnswer CompiledAccessList::by_names(std::span<const std::string_view> names,
                                          const AccessTarget& target) const noexcept {
    AccessAnswer answer = by_address(target);
    for (const std::string_view name : names) {
        for_name(name, [&](const std::vector<Step>& steps) noexcept {
            for (const Step& step : steps) { // in the rules' order
                if (step.rule >= answer.rule) {
                    return;
                }
                if (step.takes(target)) {
                    answer = {step.action, step.rule};
                    return;
                }
            }
        });
    }
    return answer;
}

bool CompiledAccessList::name_may_allow(const AccessTarget& target) const noexcept {
    const std::uint16_t before = by_address(target).rule;
    return std::any_of(by_any_name_.begin(), by_any_name_.end(), [&](const Step& step) noexcept {
        return step.action == AccessAction::allow && step.rule < before && step.takes(target);
    });
}

std::optional<std::uint16_t> CompiledAccessList::denies_question(std::string_view name) const noexcept {
    const Step* first = nullptr;
    for_name(name, [&](const std::vector<Step>& steps) noexcept {
        for (const Step& step : steps) {
            const bool counts = step.action == AccessAction::allow || step.takes_all();
            if (counts && (first == nullptr || step.rule < first->rule)) {
                first = &step;
                return;
            }
        }
    });
    return first != nullptr && first->action == AccessAction::deny ? std::optional(first->rule) : std::nullopt;
}

// ---- all lists --------------------------------------------------------------------------------------------------

AccessLists::AccessLists(const std::vector<AccessList>& classes, const AccessList& everybody) : everybody_(everybody) {
    classes_.reserve(classes.size());
    for (const AccessList& list : classes) {
        classes_.emplace_back(list);
    }
}

AccessAnswer AccessTable::on_sight(std::uint16_t usage_class, const AccessTarget& target) const noexcept {
    const CompiledAccessList& list = lists_->of_class(usage_class);
    const AccessAnswer answer = list.by_address(target);
    return answer.denied() && list.name_may_allow(target) ? AccessAnswer{} : answer;
}

AccessAnswer AccessTable::without_name(std::uint16_t usage_class, const AccessTarget& target) const noexcept {
    const CompiledAccessList& list = lists_->of_class(usage_class);
    const auto found = names_.empty() ? names_.end() : names_.find(target.server);
    if (found == names_.end()) {
        return list.by_address(target);
    }
    std::array<std::string_view, kMostNames> names;
    const std::size_t count = std::min(found->second.size(), names.size());
    std::copy_n(found->second.begin(), count, names.begin());
    return list.by_names(std::span(names).first(count), target);
}

AccessAnswer AccessTable::by_name(std::uint16_t usage_class, std::string_view name,
                                  const AccessTarget& target) const noexcept {
    if (name.empty() || is_address_text(name)) {
        return without_name(usage_class, target);
    }
    return lists_->of_class(usage_class).by_names({&name, 1}, target);
}

} // namespace foregate::dataplane
