// SPDX-License-Identifier: BSD-3-Clause
#include "control/publisher.h"

#include "control/usage/destination_text.h"

namespace foregate::control {

namespace {

dataplane::SecondaryState secondary_state(const Desktop& desktop) {
    switch (desktop.state) {
    case SessionState::none:
        return dataplane::SecondaryState::no_session;
    case SessionState::active:
        return dataplane::SecondaryState::open;
    case SessionState::cut:
        return undone_by_activity(desktop.cut_reason) ? dataplane::SecondaryState::idle_cut
                                                      : dataplane::SecondaryState::cut;
    case SessionState::logged_out:
        return dataplane::SecondaryState::cut;
    }
    return dataplane::SecondaryState::cut;
}

dataplane::DeviationPolicy policy_of(DeviationAction action) {
    switch (action) {
    case DeviationAction::off:
        return dataplane::DeviationPolicy::off;
    case DeviationAction::note:
        return dataplane::DeviationPolicy::note;
    case DeviationAction::block:
        return dataplane::DeviationPolicy::block;
    }
    return dataplane::DeviationPolicy::off;
}

IpPrefix host_prefix(const IpAddress& a) { return IpPrefix{a, static_cast<std::uint8_t>(a.is_v4() ? 32 : 128)}; }

} // namespace

std::shared_ptr<const dataplane::DesktopTable> desktop_table(const SessionTable& sessions, const Config& config) {
    std::vector<std::pair<IpPrefix, dataplane::DesktopRecord>> entries;
    for (std::size_t i = 0; i < config.classes.size(); ++i) {
        for (const IpPrefix& prefix : config.classes[i].prefixes) {
            entries.emplace_back(prefix, dataplane::DesktopRecord{0, static_cast<std::uint16_t>(i),
                                                                  dataplane::SecondaryState::no_session});
        }
    }
    for (const Desktop& desktop : sessions.desktops()) {
        for (const IpAddress& address : desktop.addresses) {
            if (!desktop.retired) {
                entries.emplace_back(host_prefix(address), dataplane::DesktopRecord{desktop.id, desktop.class_index,
                                                                                    secondary_state(desktop)});
            }
        }
    }
    return std::make_shared<dataplane::DesktopTable>(entries, config.unknown_desktops == UnknownDesktop::allow);
}

std::shared_ptr<const dataplane::PatternTable> pattern_table(const Pattern& pattern, const Config& config,
                                                             const AddressesOf& addresses,
                                                             const std::vector<IpAddress>& resolvers) {
    std::vector<dataplane::ClassPattern> classes(config.classes.size());
    dataplane::PatternTable::Destinations expected;
    for (std::size_t i = 0; i < classes.size() && i < pattern.classes.size(); ++i) {
        const ClassPattern& from = pattern.classes[i];
        const auto usage_class = static_cast<std::uint16_t>(i);
        classes[i].known = from.active;
        classes[i].policy = policy_of(from.action);
        for (std::size_t app = 0; app < dataplane::kAppTypeCount; ++app) {
            classes[i].budget[app] = static_cast<float>(from.allowed[app]);
        }
        for (const std::string& destination : from.destinations) {
            const auto parts = parse_destination(destination);
            if (!parts) {
                continue;
            }
            for (const IpAddress& address : addresses(destination)) {
                expected.insert({address, parts->port, usage_class});
            }
        }
        for (const IpAddress& resolver : resolvers) {
            expected.insert({resolver, 53, usage_class});
        }
    }
    const auto bucket = static_cast<std::uint32_t>(pattern.bucket);
    return std::make_shared<dataplane::PatternTable>(bucket, std::move(classes), expected);
}

dataplane::Generation& Publisher::next() {
    if (!next_) {
        next_ = std::make_unique<dataplane::Generation>();
        next_->routes.reset();
        next_->desktops.reset();
        next_->plan.reset();
        next_->pattern.reset();
        next_->threats.reset();
    }
    return *next_;
}

void Publisher::flush() {
    if (next_) {
        dataplane_.publish(std::move(next_));
    }
    dataplane_.reclaim();
}

} // namespace foregate::control
