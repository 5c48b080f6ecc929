// SPDX-License-Identifier: BSD-3-Clause
// Desktops and their sessions: who is logged in, whose secondary is cut, and why. Control thread
// only. Time is an argument; every change comes back as a value, for the caller to publish and log.
//
//   none --login--> active --cut(reason)--> cut --restore / activity--> active
//     active, cut --logout--> logged_out --login--> active
//
// What ends a cut:
//   inactivity                            the desktop's own activity, a login, or an operator
//   suspension                            a login (the session is resumed) or an operator
//   server_activity, suspicion,
//   expected_usage, operator_order        an operator only; a new login does not lift it
// A session without an end is opened by a login order or by a known desktop's first packet; after a
// logout only a login order opens one, so that what a desktop still sends then changes nothing.
#pragma once

#include "control/config/config.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace foregate::control {

using DesktopId = std::uint32_t; ///< dense, 1..N; 0: none. Never reused, never changed by a reload.
using SteadyTime = std::chrono::steady_clock::time_point;

enum class SessionState : std::uint8_t { none, active, cut, logged_out };
enum class CutReason : std::uint8_t {
    none,
    inactivity,
    suspension,
    server_activity,
    suspicion,
    expected_usage,
    operator_order,
};
enum class LoginSource : std::uint8_t { order, first_packet };
enum class SessionChange : std::uint8_t { login, logout, cut, restore };

[[nodiscard]] const char* session_state_name(SessionState state) noexcept;
[[nodiscard]] const char* cut_reason_name(CutReason reason) noexcept; ///< "operator-order", ...
[[nodiscard]] std::optional<CutReason> cut_reason_from_name(std::string_view name) noexcept;
[[nodiscard]] const char* login_source_name(LoginSource source) noexcept;
[[nodiscard]] const char* session_change_name(SessionChange change) noexcept;
[[nodiscard]] bool undone_by_activity(CutReason reason) noexcept;
[[nodiscard]] bool undone_by_login(CutReason reason) noexcept;

struct Desktop {
    DesktopId id = 0;
    std::string name; ///< from the config, or its first address as text
    std::string usage_class;
    std::uint16_t class_index = 0; ///< index into the config's classes
    std::vector<IpAddress> addresses;
    bool configured = false; ///< false: found by its class's prefix
    bool retired = false;    ///< a reload took it from the config; the id stays taken

    SessionState state = SessionState::none;
    CutReason cut_reason = CutReason::none;
    LoginSource source = LoginSource::order;
    std::uint64_t session = 0; ///< number of the current or last session; 0: none yet
    SteadyTime login_at{};
    SteadyTime changed_at{};  ///< of the state
    SteadyTime activity_at{}; ///< last, keep-alives left out by the caller

    [[nodiscard]] bool has_session() const noexcept {
        return state == SessionState::active || state == SessionState::cut;
    }
};

struct SessionEvent {
    SessionChange change = SessionChange::login;
    DesktopId desktop = 0;
    std::uint64_t session = 0;
    SessionState before = SessionState::none;
    SessionState after = SessionState::none;
    CutReason reason = CutReason::none; ///< of the cut made or lifted
    LoginSource source = LoginSource::order;
    SteadyTime at{};

    bool operator==(const SessionEvent&) const = default;
};

struct ClassCount {
    unsigned desktops = 0; ///< retired ones left out
    unsigned active = 0;
    unsigned cut = 0;
};

class SessionTable {
public:
    explicit SessionTable(const Config& config);

    /// After a reload: desktops keep ids and sessions by name; desktops no longer configured are
    /// logged out and retired. Returns those logouts.
    [[nodiscard]] std::vector<SessionEvent> reconfigure(const Config& config, SteadyTime now);

    /// Pointers and spans are good until the next meet() or reconfigure(). A retired desktop is
    /// found by its id only.
    [[nodiscard]] const Desktop* find(DesktopId id) const;
    /// By name, or by one of its addresses as text.
    [[nodiscard]] const Desktop* find(std::string_view name) const;
    [[nodiscard]] const Desktop* find(const IpAddress& address) const;
    [[nodiscard]] std::span<const Desktop> desktops() const noexcept { return desktops_; }
    /// By class index.
    [[nodiscard]] std::vector<ClassCount> counts() const;

    /// The desktop with this address; made if a class's prefix holds it. nullptr: unknown.
    const Desktop* meet(const IpAddress& address);

    /// Each of these returns the change, or nullopt if nothing changed.
    std::optional<SessionEvent> login(DesktopId id, SteadyTime now);
    std::optional<SessionEvent> logout(DesktopId id, SteadyTime now);
    /// Traffic that a person caused. Opens a session if there never was one, lifts a cut for
    /// inactivity.
    std::optional<SessionEvent> activity(DesktopId id, SteadyTime now);
    /// Of a session that is cut already, only a reason that is harder to undo replaces the reason.
    std::optional<SessionEvent> cut(DesktopId id, CutReason reason, SteadyTime now);
    /// An operator's order: lifts any cut.
    std::optional<SessionEvent> restore(DesktopId id, SteadyTime now);
    /// Cuts every active session without activity for its class's idle timeout.
    [[nodiscard]] std::vector<SessionEvent> cut_idle(SteadyTime now);

private:
    struct ClassRule {
        std::string name;
        std::vector<IpPrefix> prefixes;
        std::chrono::seconds idle_timeout{};
    };
    Desktop* slot(DesktopId id); ///< nullptr: unknown or retired
    /// Index of the class whose prefix holds the address; the number of classes: none.
    [[nodiscard]] std::size_t class_of(const IpAddress& address) const;
    Desktop& add(std::string name, std::uint16_t class_index);
    void take_classes(const Config& config);
    void bind(Desktop& desktop, const std::vector<IpAddress>& addresses);
    SessionEvent change(Desktop& desktop, SessionChange what, SessionState after, CutReason reason,
                        SteadyTime now);
    SessionEvent open(Desktop& desktop, LoginSource source, SteadyTime now);

    std::vector<ClassRule> classes_;
    std::vector<Desktop> desktops_; ///< index id - 1
    std::unordered_map<std::string, DesktopId> by_name_;
    std::unordered_map<IpAddress, DesktopId, dataplane::IpAddressHash> by_address_;
    std::uint64_t last_session_ = 0;
};

} // namespace foregate::control
