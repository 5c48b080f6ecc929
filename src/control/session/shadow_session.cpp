// SPDX-License-Identifier: BSD-3-Clause
#include "control/session/shadow_session.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace foregate::control {

const char* warning_kind_name(WarningKind kind) noexcept {
    return kind == WarningKind::threat ? "threat" : "deviation";
}

void RateMeter::update(std::uint64_t counter, SteadyTime now) noexcept {
    const double seconds = std::chrono::duration<double>(now - at_).count();
    if (started_ && counter >= last_) {
        if (seconds <= 0) {
            return; // counted with the next tick
        }
        const double rate = static_cast<double>(counter - last_) / seconds;
        rate_ += (rate - rate_) * -std::expm1(-seconds / kTimeConstantSeconds);
    }
    started_ = true;
    last_ = counter;
    at_ = now;
}

ShadowSession::ShadowSession(DesktopId desktop, std::uint64_t session, SteadyTime now)
    : desktop_(desktop), session_(session), made_at_(now) {}

void ShadowSession::count(const DesktopCounters& counters, SteadyTime now) {
    if (!counted_ || counters.packets_up < last_.packets_up ||
        counters.packets_down < last_.packets_down) {
        first_ = counters; // the first look, or the workers began anew
        counted_ = true;
    }
    last_ = counters;
    up_.update(counters.bytes_up, now);
    down_.update(counters.bytes_down, now);
}

DesktopCounters ShadowSession::totals() const noexcept {
    return {last_.bytes_up - first_.bytes_up, last_.bytes_down - first_.bytes_down,
            last_.packets_up - first_.packets_up, last_.packets_down - first_.packets_down,
            last_.connections - first_.connections};
}

void ShadowSession::set_destinations(std::vector<DestinationNow> destinations) {
    destinations_ = std::move(destinations);
    std::sort(destinations_.begin(), destinations_.end(),
              [](const DestinationNow& a, const DestinationNow& b) {
                  return a.live_flows != b.live_flows ? a.live_flows > b.live_flows
                                                      : a.destination < b.destination;
              });
}

void ShadowSession::set_held(const std::string& destination, const HeldCount& count) {
    if (count.total() == 0) {
        held_.erase(destination);
    } else {
        held_[destination] = count;
    }
}

void ShadowSession::set_monitored(std::span<const std::string> destinations) {
    std::map<std::string, DestinationHealth> next;
    for (const std::string& destination : destinations) {
        const auto known = monitored_.find(destination);
        next[destination] = known != monitored_.end() ? known->second : DestinationHealth{};
    }
    monitored_ = std::move(next);
}

DestinationHealth* ShadowSession::health(const std::string& destination) {
    const auto found = monitored_.find(destination);
    return found == monitored_.end() ? nullptr : &found->second;
}

void ShadowSession::warn(WarningKind kind, const std::string& destination,
                         const std::string& reason, bool blocked, SteadyTime now) {
    const auto same = std::find_if(warnings_.begin(), warnings_.end(), [&](const Warning& w) {
        return w.kind == kind && w.destination == destination && w.blocked == blocked;
    });
    if (same != warnings_.end()) {
        ++same->times;
        same->reason = reason;
        same->last = now;
        return;
    }
    warnings_.push_back({kind, destination, reason, blocked, 1, now, now});
    if (warnings_.size() > kMaxWarnings) {
        warnings_.pop_front();
    }
}

void ShadowSession::shrink() {
    destinations_.clear();
    destinations_.shrink_to_fit();
    up_ = RateMeter{};
    down_ = RateMeter{};
}

std::uint32_t ShadowSession::live_flows() const noexcept {
    return std::accumulate(
        destinations_.begin(), destinations_.end(), 0U,
        [](std::uint32_t sum, const DestinationNow& d) { return sum + d.live_flows; });
}

void ShadowSessions::follow(const SessionEvent& event) {
    switch (event.change) {
    case SessionChange::login:
        sessions_.insert_or_assign(event.desktop,
                                   ShadowSession(event.desktop, event.session, event.at));
        break;
    case SessionChange::logout:
        sessions_.erase(event.desktop);
        break;
    case SessionChange::cut:
        if (ShadowSession* shadow = find(event.desktop)) {
            shadow->shrink();
        }
        break;
    case SessionChange::restore:
        break; // the next tick fills it again
    }
}

ShadowSession* ShadowSessions::find(DesktopId desktop) {
    const auto found = sessions_.find(desktop);
    return found == sessions_.end() ? nullptr : &found->second;
}

const ShadowSession* ShadowSessions::find(DesktopId desktop) const {
    const auto found = sessions_.find(desktop);
    return found == sessions_.end() ? nullptr : &found->second;
}

} // namespace foregate::control
