// SPDX-License-Identifier: BSD-3-Clause
#include "control/access/access_control.h"

#include "control/usage/destination_text.h"
#include "dataplane/packet/parse.h"

namespace foregate::control {

namespace {

std::shared_ptr<const dataplane::AccessLists> compiled(const std::vector<AccessListInForce>& lists) {
    std::vector<dataplane::AccessList> classes;
    for (std::size_t i = 0; i + 1 < lists.size(); ++i) {
        classes.push_back(lists[i].list);
    }
    return std::make_shared<dataplane::AccessLists>(classes, lists.back().list);
}

} // namespace

AccessControl::AccessControl(const Config& config)
    : lists_(access_lists(config)), in_use_(!allow_everything(lists_)), names_(lists_), compiled_(compiled(lists_)),
      own_(compiled_) {}

void AccessControl::publish(Publisher& publisher) {
    if (!in_use_) {
        return;
    }
    published_ = names_.version();
    own_ = dataplane::AccessTable(compiled_, names_.by_address());
    publisher.set(std::make_shared<const dataplane::AccessTable>(own_));
}

void AccessControl::tick(Publisher& publisher, SteadyTime now) {
    if (now - expired_at_ >= std::chrono::seconds(10)) {
        expired_at_ = now;
        names_.expire(now);
    }
    if (published_ != names_.version() && now - published_at_ >= kPublishInterval) {
        published_at_ = now;
        publish(publisher);
    }
}

const AccessListInForce& AccessControl::list_of(std::uint16_t usage_class) const {
    return usage_class + std::size_t{1} < lists_.size() ? lists_[usage_class] : lists_.back();
}

std::string AccessControl::rule_text(std::uint16_t usage_class, std::uint16_t rule) const {
    const AccessListInForce& list = list_of(usage_class);
    return rule < list.rules.size() ? list.rules[rule].text : "default deny";
}

std::optional<std::string> AccessControl::why_denied(std::uint16_t class_index, const std::string& destination,
                                                     const IpAddress& server) const {
    const auto parts = parse_destination(destination);
    if (!in_use_ || !parts) {
        return std::nullopt;
    }
    const dataplane::AccessTarget target{server, parts->port, dataplane::kProtoTcp};
    const auto answer = parts->kind == DestinationParts::Kind::name
                            ? own_.by_name(class_index, parts->name, target)
                            : own_.without_name(class_index, target);
    return answer.denied() ? std::optional(rule_text(class_index, answer.rule)) : std::nullopt;
}

} // namespace foregate::control
