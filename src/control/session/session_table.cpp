// SPDX-License-Identifier: BSD-3-Clause
#include "control/session/session_table.h"

#include <algorithm>
#include <array>
#include <limits>
#include <stdexcept>
#include <utility>

namespace foregate::control {

namespace {

constexpr std::array<std::pair<CutReason, const char*>, 7> kCutReasons{{
    {CutReason::none, "none"},
    {CutReason::inactivity, "inactivity"},
    {CutReason::suspension, "suspension"},
    {CutReason::server_activity, "server-activity"},
    {CutReason::suspicion, "suspicion"},
    {CutReason::expected_usage, "expected-usage"},
    {CutReason::operator_order, "operator-order"},
}};

// The harder to undo, the higher: activity, login, operator.
int hardness(CutReason reason) noexcept {
    if (undone_by_activity(reason)) {
        return 0;
    }
    return undone_by_login(reason) ? 1 : 2;
}

} // namespace

const char* session_state_name(SessionState state) noexcept {
    switch (state) {
    case SessionState::none:
        return "none";
    case SessionState::active:
        return "active";
    case SessionState::cut:
        return "cut";
    case SessionState::logged_out:
        return "logged-out";
    }
    return "?";
}

const char* cut_reason_name(CutReason reason) noexcept {
    for (const auto& [value, name] : kCutReasons) {
        if (value == reason) {
            return name;
        }
    }
    return "?";
}

std::optional<CutReason> cut_reason_from_name(std::string_view text) noexcept {
    for (const auto& [value, name] : kCutReasons) {
        if (text == name) {
            return value;
        }
    }
    return std::nullopt;
}

const char* login_source_name(LoginSource source) noexcept {
    return source == LoginSource::order ? "order" : "first-packet";
}

const char* session_change_name(SessionChange change) noexcept {
    switch (change) {
    case SessionChange::login:
        return "login";
    case SessionChange::logout:
        return "logout";
    case SessionChange::cut:
        return "cut";
    case SessionChange::restore:
        return "restore";
    }
    return "?";
}

bool undone_by_activity(CutReason reason) noexcept {
    return reason == CutReason::inactivity;
}

bool undone_by_login(CutReason reason) noexcept {
    return reason == CutReason::inactivity || reason == CutReason::suspension;
}

SessionTable::SessionTable(const Config& config) {
    take_classes(config);
    for (const DesktopConfig& wanted : config.desktops) {
        const auto found = std::find_if(classes_.begin(), classes_.end(), [&](const ClassRule& c) {
            return c.name == wanted.usage_class;
        });
        if (found == classes_.end()) { // the config loader has checked this
            throw std::runtime_error("desktop '" + wanted.name + "': no class '" +
                                     wanted.usage_class + "'");
        }
        Desktop& desktop = add(wanted.name, static_cast<std::uint16_t>(found - classes_.begin()));
        desktop.configured = true;
        bind(desktop, wanted.addresses);
    }
}

void SessionTable::take_classes(const Config& config) {
    classes_.clear();
    for (const ClassConfig& c : config.classes) {
        classes_.push_back({c.name, c.prefixes, c.idle_timeout});
    }
}

Desktop& SessionTable::add(std::string name, std::uint16_t class_index) {
    Desktop& desktop = desktops_.emplace_back();
    desktop.id = static_cast<DesktopId>(desktops_.size());
    desktop.name = std::move(name);
    desktop.class_index = class_index;
    desktop.usage_class = classes_[class_index].name;
    by_name_[desktop.name] = desktop.id;
    return desktop;
}

void SessionTable::bind(Desktop& desktop, const std::vector<IpAddress>& addresses) {
    for (const IpAddress& address : desktop.addresses) {
        if (const auto found = by_address_.find(address);
            found != by_address_.end() && found->second == desktop.id) {
            by_address_.erase(found);
        }
    }
    desktop.addresses = addresses;
    for (const IpAddress& address : addresses) {
        by_address_[address] = desktop.id;
    }
}

std::vector<SessionEvent> SessionTable::reconfigure(const Config& config, SteadyTime now) {
    const SessionTable fresh(config); // throws before anything is changed
    take_classes(config);
    std::vector<SessionEvent> events;
    const auto retire = [&](Desktop& desktop) {
        if (auto event = logout(desktop.id, now)) {
            events.push_back(*event);
        }
        desktop.retired = true;
        bind(desktop, {});
    };
    for (Desktop& desktop : desktops_) {
        const auto named = fresh.by_name_.find(desktop.name);
        const bool listed = named != fresh.by_name_.end();
        if (desktop.retired && !listed) {
            continue;
        }
        if (listed) {
            const Desktop* wanted = fresh.find(named->second);
            desktop.retired = false;
            desktop.configured = true;
            desktop.class_index = wanted->class_index;
            desktop.usage_class = wanted->usage_class;
            bind(desktop, wanted->addresses);
            continue;
        }
        // Found by prefix before: it stays if a prefix still holds it and no listed desktop has it.
        const bool taken = desktop.configured || desktop.addresses.empty() ||
                           fresh.find(desktop.addresses.front()) != nullptr;
        const auto index = taken ? classes_.size() : class_of(desktop.addresses.front());
        if (index == classes_.size()) {
            retire(desktop);
        } else {
            desktop.class_index = static_cast<std::uint16_t>(index);
            desktop.usage_class = classes_[index].name;
        }
    }
    for (const Desktop& wanted : fresh.desktops()) {
        if (!by_name_.contains(wanted.name)) {
            Desktop& desktop = add(wanted.name, wanted.class_index);
            desktop.configured = true;
            bind(desktop, wanted.addresses);
        } else { // again, since a retired desktop may have held the address
            bind(*slot(by_name_[wanted.name]), wanted.addresses);
        }
    }
    return events;
}

std::size_t SessionTable::class_of(const IpAddress& address) const {
    const auto found = std::find_if(classes_.begin(), classes_.end(), [&](const ClassRule& rule) {
        return std::any_of(rule.prefixes.begin(), rule.prefixes.end(),
                           [&](const IpPrefix& prefix) { return prefix.contains(address); });
    });
    return static_cast<std::size_t>(found - classes_.begin());
}

const Desktop* SessionTable::find(DesktopId id) const {
    return id == 0 || id > desktops_.size() ? nullptr : &desktops_[id - 1];
}

Desktop* SessionTable::slot(DesktopId id) {
    Desktop* desktop = id == 0 || id > desktops_.size() ? nullptr : &desktops_[id - 1];
    return desktop == nullptr || desktop->retired ? nullptr : desktop;
}

const Desktop* SessionTable::find(std::string_view name) const {
    if (const auto found = by_name_.find(std::string(name)); found != by_name_.end()) {
        const Desktop* desktop = find(found->second);
        return desktop->retired ? nullptr : desktop;
    }
    const auto address = IpAddress::parse(name);
    return address ? find(*address) : nullptr;
}

const Desktop* SessionTable::find(const IpAddress& address) const {
    const auto found = by_address_.find(address);
    return found == by_address_.end() ? nullptr : find(found->second);
}

std::vector<ClassCount> SessionTable::counts() const {
    std::vector<ClassCount> counts(classes_.size());
    for (const Desktop& desktop : desktops_) {
        if (desktop.retired) {
            continue;
        }
        ClassCount& count = counts[desktop.class_index];
        ++count.desktops;
        count.active += desktop.state == SessionState::active ? 1 : 0;
        count.cut += desktop.state == SessionState::cut ? 1 : 0;
    }
    return counts;
}

const Desktop* SessionTable::meet(const IpAddress& address) {
    if (const Desktop* known = find(address)) {
        return known;
    }
    const std::size_t index = class_of(address);
    if (index == classes_.size()) {
        return nullptr;
    }
    const std::string name = address.to_string();
    if (const auto found = by_name_.find(name); found != by_name_.end()) {
        Desktop& again = desktops_[found->second - 1]; // retired by a reload, and back
        if (!again.retired) {
            return nullptr; // a configured desktop bears this address as its name only
        }
        again.retired = false;
        again.configured = false;
        again.class_index = static_cast<std::uint16_t>(index);
        again.usage_class = classes_[index].name;
        bind(again, {address});
        return &again;
    }
    Desktop& desktop = add(name, static_cast<std::uint16_t>(index));
    bind(desktop, {address});
    return &desktop;
}

SessionEvent SessionTable::change(Desktop& desktop, SessionChange what, SessionState after,
                                  CutReason reason, SteadyTime now) {
    const SessionEvent event{what,  desktop.id, desktop.session, desktop.state,
                             after, reason,     desktop.source,  now};
    desktop.state = after;
    desktop.cut_reason = after == SessionState::cut ? reason : CutReason::none;
    desktop.changed_at = now;
    return event;
}

SessionEvent SessionTable::open(Desktop& desktop, LoginSource source, SteadyTime now) {
    desktop.session = ++last_session_;
    desktop.source = source;
    desktop.login_at = now;
    desktop.activity_at = now;
    return change(desktop, SessionChange::login, SessionState::active, CutReason::none, now);
}

std::optional<SessionEvent> SessionTable::login(DesktopId id, SteadyTime now) {
    Desktop* desktop = slot(id);
    if (desktop == nullptr || desktop->state == SessionState::active) {
        return std::nullopt;
    }
    if (!desktop->has_session()) {
        return open(*desktop, LoginSource::order, now);
    }
    if (!undone_by_login(desktop->cut_reason)) {
        return std::nullopt;
    }
    return restore(id, now);
}

std::optional<SessionEvent> SessionTable::logout(DesktopId id, SteadyTime now) {
    Desktop* desktop = slot(id);
    if (desktop == nullptr || !desktop->has_session()) {
        return std::nullopt;
    }
    return change(*desktop, SessionChange::logout, SessionState::logged_out, desktop->cut_reason,
                  now);
}

std::optional<SessionEvent> SessionTable::activity(DesktopId id, SteadyTime now) {
    Desktop* desktop = slot(id);
    if (desktop == nullptr) {
        return std::nullopt;
    }
    if (desktop->state == SessionState::none) {
        return open(*desktop, LoginSource::first_packet, now);
    }
    if (desktop->state == SessionState::cut && undone_by_activity(desktop->cut_reason)) {
        return restore(id, now);
    }
    if (desktop->state == SessionState::active) {
        desktop->activity_at = std::max(desktop->activity_at, now);
    }
    return std::nullopt;
}

std::optional<SessionEvent> SessionTable::cut(DesktopId id, CutReason reason, SteadyTime now) {
    Desktop* desktop = slot(id);
    if (desktop == nullptr || !desktop->has_session() || reason == CutReason::none) {
        return std::nullopt;
    }
    if (desktop->state == SessionState::cut && hardness(reason) <= hardness(desktop->cut_reason)) {
        return std::nullopt;
    }
    return change(*desktop, SessionChange::cut, SessionState::cut, reason, now);
}

std::optional<SessionEvent> SessionTable::restore(DesktopId id, SteadyTime now) {
    Desktop* desktop = slot(id);
    if (desktop == nullptr || desktop->state != SessionState::cut) {
        return std::nullopt;
    }
    desktop->activity_at = now; // else the next idle check would cut it again
    return change(*desktop, SessionChange::restore, SessionState::active, desktop->cut_reason, now);
}

std::vector<SessionEvent> SessionTable::cut_idle(SteadyTime now) {
    std::vector<SessionEvent> events;
    for (const Desktop& desktop : desktops_) {
        if (desktop.retired || desktop.state != SessionState::active) {
            continue;
        }
        const auto timeout = classes_[desktop.class_index].idle_timeout;
        if (timeout.count() > 0 && now - desktop.activity_at >= timeout) {
            if (auto event = cut(desktop.id, CutReason::inactivity, now)) {
                events.push_back(*event);
            }
        }
    }
    return events;
}

} // namespace foregate::control
