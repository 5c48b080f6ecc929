// SPDX-License-Identifier: BSD-3-Clause
#include "control/session/session_control.h"

#include "control/usage/destination_text.h"

#include <spdlog/spdlog.h>

namespace foregate::control {

SessionControl::SessionControl(const Config& config, dataplane::Dataplane& dataplane, Publisher& publisher,
                               EventLog& events)
    : config_(config), dataplane_(dataplane), publisher_(publisher), events_(events), table_(config) {}

const Desktop* SessionControl::desktop_named(const std::string& name, std::string& error) const {
    const Desktop* desktop = table_.find(std::string_view(name));
    if (desktop == nullptr) {
        error = "no desktop is called " + name + " or has this address";
    }
    return desktop;
}

std::string SessionControl::login(const std::string& name, SteadyTime now) {
    std::string error;
    const Desktop* desktop = desktop_named(name, error);
    if (desktop == nullptr) {
        if (const auto address = IpAddress::parse(name)) {
            desktop = table_.meet(*address);
        }
        if (desktop == nullptr) {
            return error;
        }
    }
    const auto event = table_.login(desktop->id, now);
    if (!event) {
        return desktop->name + " has a session already (" + session_state_name(desktop->state) + ")";
    }
    follow(*event);
    return {};
}

std::string SessionControl::logout(const std::string& name, SteadyTime now) {
    std::string error;
    const Desktop* desktop = desktop_named(name, error);
    if (desktop == nullptr) {
        return error;
    }
    const auto event = table_.logout(desktop->id, now);
    if (!event) {
        return desktop->name + " has no session";
    }
    follow(*event);
    return {};
}

std::string SessionControl::cut(const std::string& name, CutReason reason, SteadyTime now) {
    std::string error;
    const Desktop* desktop = desktop_named(name, error);
    if (desktop == nullptr) {
        return error;
    }
    const auto event = table_.cut(desktop->id, reason, now);
    if (!event) {
        return desktop->name + (desktop->has_session() ? " is cut already" : " has no session");
    }
    follow(*event);
    return {};
}

std::string SessionControl::restore(const std::string& name, SteadyTime now) {
    std::string error;
    const Desktop* desktop = desktop_named(name, error);
    if (desktop == nullptr) {
        return error;
    }
    const auto event = table_.restore(desktop->id, now);
    if (!event) {
        return desktop->name + " is not cut";
    }
    follow(*event);
    return {};
}

void SessionControl::seen(const dataplane::DesktopSeen& report, SteadyTime now) {
    const Desktop* desktop = table_.find(report.address);
    if (desktop == nullptr) {
        desktop = table_.meet(report.address);
        if (desktop == nullptr) {
            return;
        }
        set_pipe(*desktop);
        publisher_.set(desktop_table(table_, config_));
    }
    if (const auto event = table_.activity(desktop->id, now)) {
        follow(*event);
    }
}

void SessionControl::tick(SteadyTime now) {
    for (const Desktop& desktop : table_.desktops()) {
        if (!desktop.has_session()) {
            continue;
        }
        const dataplane::DesktopView view = dataplane_.desktop(desktop.id);
        if (ShadowSession* shadow = shadows_.find(desktop.id)) {
            shadow->count({view.bytes_up, view.bytes_down, view.packets_up, view.packets_down, view.connections}, now);
        }
        std::uint64_t& passed_on = activity_ms_[desktop.id];
        if (desktop.state == SessionState::active && view.last_activity_ms > passed_on) {
            passed_on = view.last_activity_ms;
            (void)table_.activity(desktop.id, now); // an active session has nothing to restore
        }
    }
    for (const SessionEvent& event : table_.cut_idle(now)) {
        follow(event);
    }
}

void SessionControl::publish_all() {
    for (const Desktop& desktop : table_.desktops()) {
        set_pipe(desktop);
    }
    publisher_.set(desktop_table(table_, config_));
}

/// A floor is guaranteed to those who have a session; everybody has the class's ceiling and weight.
void SessionControl::set_pipe(const Desktop& desktop) {
    const ClassConfig& usage_class = config_.classes[desktop.class_index];
    dataplane::SetPipe order;
    order.pipe = desktop.id;
    order.rates.floor_bps = desktop.state == SessionState::active ? usage_class.floor_bps : 0;
    order.rates.ceiling_bps = usage_class.ceiling_bps;
    order.rates.weight = usage_class.weight;
    for (std::uint16_t port = 0; port < config_.ports.size(); ++port) {
        if (!dataplane_.post_shaper(port, order)) {
            spdlog::warn("shaper of port {}: mailbox full, rates of desktop {} not set", config_.ports[port].name,
                         desktop.id);
        }
    }
}

void SessionControl::follow(const SessionEvent& event) {
    const Desktop& desktop = *table_.find(event.desktop);
    shadows_.follow(event);
    if (ShadowSession* shadow = shadows_.find(desktop.id)) {
        std::vector<std::string> monitored;
        for (const DestinationSpec& destination : config_.classes[desktop.class_index].monitor) {
            monitored.push_back(format_destination(destination));
        }
        shadow->set_monitored(monitored);
    }
    set_pipe(desktop);
    publisher_.set(desktop_table(table_, config_));
    if (event.change == SessionChange::cut || event.change == SessionChange::logout) {
        for (unsigned worker = 0; worker < dataplane_.worker_count(); ++worker) {
            (void)dataplane_.post(worker, dataplane::CloseHeldOfDesktop{desktop.id, dataplane::CloseScope::all});
        }
    }
    std::string kind = session_change_name(event.change);
    if (event.change == SessionChange::cut) {
        kind += std::string(":") + cut_reason_name(event.reason);
    }
    ++changes_[kind];
    const bool secondary = event.change == SessionChange::cut || event.change == SessionChange::restore;
    Event record;
    record.type = secondary ? "secondary" : "session";
    record.desktop = desktop.name;
    record.desktop_address = desktop.addresses.empty() ? "" : desktop.addresses.front().to_string();
    record.foregate["change"] = session_change_name(event.change);
    record.foregate["class"] = desktop.usage_class;
    record.foregate["session"] = event.session;
    record.foregate["state"] = session_state_name(event.after);
    if (event.reason != CutReason::none) {
        record.foregate["reason"] = cut_reason_name(event.reason);
    }
    if (event.change == SessionChange::login) {
        record.foregate["source"] = login_source_name(event.source);
    }
    events_.write(record, std::chrono::system_clock::now());
    if (on_change_) {
        on_change_(event);
    }
}

} // namespace foregate::control
