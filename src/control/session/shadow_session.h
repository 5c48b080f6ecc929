// SPDX-License-Identifier: BSD-3-Clause
// The shadow session: the mirror, in memory, of what one desktop does on the network now. Made at
// login, gone at logout; nothing of it is ever stored or aggregated. Control thread only; it is fed
// each tick with what the workers counted.
#pragma once

#include "control/session/round_trip.h"
#include "control/session/session_table.h"

#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace foregate::control {

/// A desktop's counters, as sums over all workers since the gateway started; they only grow.
struct DesktopCounters {
    std::uint64_t bytes_up = 0;
    std::uint64_t bytes_down = 0;
    std::uint64_t packets_up = 0;
    std::uint64_t packets_down = 0;
    std::uint64_t connections = 0;
};

/// A rate from a growing counter: exponential mean with a time constant, right for any tick length.
class RateMeter {
public:
    static constexpr double kTimeConstantSeconds = 5.0;
    /// A counter that went back (the gateway restarted its counting) starts anew.
    void update(std::uint64_t counter, SteadyTime now) noexcept;
    [[nodiscard]] double per_second() const noexcept { return rate_; }

private:
    std::uint64_t last_ = 0;
    SteadyTime at_{};
    double rate_ = 0;
    bool started_ = false;
};

struct DestinationNow {
    std::string destination;
    std::uint32_t live_flows = 0;
    std::uint64_t bytes_up = 0; ///< of the flows live now
    std::uint64_t bytes_down = 0;
};

/// Held connections of one session to one destination, by state.
struct HeldCount {
    std::uint32_t dialing = 0;
    std::uint32_t held = 0;
    std::uint32_t spliced = 0;
    std::uint32_t closing = 0;
    [[nodiscard]] std::uint32_t total() const noexcept {
        return dialing + held + spliced + closing;
    }
    bool operator==(const HeldCount&) const = default;
};

enum class WarningKind : std::uint8_t { threat, deviation };
[[nodiscard]] const char* warning_kind_name(WarningKind kind) noexcept;

struct Warning {
    WarningKind kind = WarningKind::threat;
    std::string destination;
    std::string reason; ///< feed and entry, or expected against seen
    bool blocked = false;
    std::uint32_t times = 1; ///< the same one again only counts up
    SteadyTime first{};
    SteadyTime last{};
};

class ShadowSession {
public:
    static constexpr std::size_t kMaxWarnings = 32; ///< the oldest go first

    ShadowSession(DesktopId desktop, std::uint64_t session, SteadyTime now);

    void count(const DesktopCounters& counters, SteadyTime now);
    /// What is live now; replaces what was.
    void set_destinations(std::vector<DestinationNow> destinations);
    void set_held(const std::string& destination, const HeldCount& count);
    /// Monitored destinations from now on; what is known of those that stay is kept.
    void set_monitored(std::span<const std::string> destinations);
    /// The health of a monitored destination; nullptr: not monitored.
    DestinationHealth* health(const std::string& destination);
    void warn(WarningKind kind, const std::string& destination, const std::string& reason,
              bool blocked, SteadyTime now);
    /// The secondary is cut: held connections, monitors too, are the caller's to close; rates
    /// and flows are forgotten, warnings and health stay.
    void shrink();

    [[nodiscard]] DesktopId desktop() const noexcept { return desktop_; }
    [[nodiscard]] std::uint64_t session() const noexcept { return session_; }
    [[nodiscard]] SteadyTime made_at() const noexcept { return made_at_; }
    [[nodiscard]] double up_bps() const noexcept { return up_.per_second() * 8; }
    [[nodiscard]] double down_bps() const noexcept { return down_.per_second() * 8; }
    /// Since login.
    [[nodiscard]] DesktopCounters totals() const noexcept;
    [[nodiscard]] std::uint32_t live_flows() const noexcept;
    [[nodiscard]] const std::vector<DestinationNow>& destinations() const { return destinations_; }
    [[nodiscard]] const std::map<std::string, HeldCount>& held() const { return held_; }
    [[nodiscard]] const std::map<std::string, DestinationHealth>& monitored() const {
        return monitored_;
    }
    /// Oldest first.
    [[nodiscard]] const std::deque<Warning>& warnings() const { return warnings_; }

private:
    DesktopId desktop_;
    std::uint64_t session_;
    SteadyTime made_at_;
    DesktopCounters first_{}, last_{};
    bool counted_ = false;
    RateMeter up_, down_;
    std::vector<DestinationNow> destinations_; ///< most flows first
    std::map<std::string, HeldCount> held_;
    std::map<std::string, DestinationHealth> monitored_;
    std::deque<Warning> warnings_;
};

/// Shadow sessions by desktop; follows the session table's events.
class ShadowSessions {
public:
    /// login: made; logout: gone; cut: shrunk.
    void follow(const SessionEvent& event);
    [[nodiscard]] ShadowSession* find(DesktopId desktop);
    [[nodiscard]] const ShadowSession* find(DesktopId desktop) const;
    [[nodiscard]] std::size_t size() const noexcept { return sessions_.size(); }

private:
    std::unordered_map<DesktopId, ShadowSession> sessions_;
};

} // namespace foregate::control
