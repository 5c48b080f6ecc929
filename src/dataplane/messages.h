// SPDX-License-Identifier: BSD-3-Clause
// The small orders and reports that pass between the control core and the polling cores by mailbox.
#pragma once

#include "dataplane/app_type.h"
#include "dataplane/drop_reason.h"
#include "dataplane/flow.h"
#include "dataplane/splice/held.h"
#include "dataplane/watch/trace.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <variant>
#include <vector>

namespace foregate::dataplane {

// ---- orders: control core -> worker -----------------------------------------------------------------------------

struct CloseHeld {
    std::uint64_t id = 0;
};
struct CloseHeldOfDesktop {
    std::uint32_t desktop = 0;
    CloseScope scope = CloseScope::held_only;
};
struct CloseHeldToServer {
    IpAddress server{};
    std::uint16_t port = 0;
    CloseScope scope = CloseScope::held_only;
};
/// Turn to the other usage table and a new salt; answered by UsageReady.
struct RotateUsage {
    std::uint32_t epoch = 0;
    std::uint64_t salt = 0;
};

/// One flow as `show flows` prints it.
struct FlowView {
    IpAddress desktop_address{}, server{};
    std::uint16_t desktop_port = 0, server_port = 0;
    std::uint8_t protocol = 0;
    std::uint32_t desktop = 0;
    std::uint16_t usage_class = 0;
    AppType app = AppType::other;
    std::uint16_t application_protocol = 0; ///< numbers of the catalogue; 0 = not known
    std::uint16_t application = 0;
    bool guessed = false;                   ///< application_protocol: by the port alone
    FlowVerdict verdict = FlowVerdict::undecided;
    DropReason blocked_for = DropReason::blocked_flow;
    TcpPhase tcp = TcpPhase::none;
    bool spliced = false;
    AllotmentRef allotment{};
    std::uint64_t packets_up = 0, packets_down = 0, bytes_up = 0, bytes_down = 0;
    std::uint32_t age_ms = 0, idle_ms = 0;
};

/// Filled by a worker, a part in each of its turns; owned by the control core, which waits for `done`.
struct Snapshot {
    std::vector<FlowView> flows;      ///< capacity reserved by the control core; never grown by the worker
    std::vector<HeldView> held;       ///< likewise
    std::atomic<bool> done{false};
    bool truncated = false;           ///< more matched than there was room for
};
/// desktop 0 = all.
struct TakeSnapshot {
    Snapshot* into = nullptr;
    std::uint32_t desktop = 0;
    bool flows = false;
    bool held = false;
};

/// What the worker knows of one five-tuple. Filled by the worker; owned by the control core, which waits for `done`.
struct FlowLookup {
    bool found = false;
    FlowView view{};
    /// Of the desktop, in this bucket: connections to destinations nobody expected, by application type.
    std::array<std::uint16_t, kAppTypeCount> unexpected{};
    std::atomic<bool> done{false};
};
/// Ports in host order, 0 where the protocol has none.
struct LookUpFlow {
    FlowLookup* into = nullptr;
    IpAddress source{}, destination{};
    std::uint16_t source_port = 0, destination_port = 0;
    std::uint8_t protocol = 0;
    std::uint32_t desktop = 0;
};

/// Note the next packets that match; until StopTrace, which sets `released`.
struct StartTrace {
    TraceJob* job = nullptr;
};
struct StopTrace {};

using Order = std::variant<OpenHeld, CloseHeld, CloseHeldOfDesktop, CloseHeldToServer, RotateUsage, TakeSnapshot,
                           LookUpFlow, StartTrace, StopTrace>;

// ---- reports: worker -> control core ----------------------------------------------------------------------------

/// A desktop without a session (or cut for inactivity) sent a packet; repeated at most once a second.
struct DesktopSeen {
    std::uint32_t desktop = 0; ///< 0 = an address that has no number yet
    std::uint16_t usage_class = 0;
    IpAddress address{};
};

struct DnsLearned {
    static constexpr unsigned kAddresses = 8;
    std::uint16_t usage_class = 0;
    std::array<char, 254> name{}; ///< zero-terminated, normalised
    std::array<IpAddress, kAddresses> addresses{};
    std::uint8_t count = 0;
    std::uint32_t ttl_s = 0;
};

/// A name seen inside a flow (TLS server name, HTTP host).
struct NameSeen {
    IpAddress server{};
    std::uint16_t port = 0;
    std::array<char, 254> name{};
};

/// A flow or question was stopped or noted.
struct ThreatMatched {
    std::uint32_t desktop = 0;
    IpAddress desktop_address{}, server{};
    std::uint16_t desktop_port = 0, server_port = 0;
    std::uint8_t protocol = 0;
    AppType app = AppType::other;
    DropReason where = DropReason::threat_address;
    bool blocked = false;
    std::uint32_t entry = 0;      ///< number in the threat database of `generation`
    std::uint32_t generation = 0;
    std::array<char, 254> name{}; ///< what was matched, when it was a name
};

/// A connection or question that an access list does not allow; at most a few a second for each desktop.
struct AccessDenied {
    std::uint32_t desktop = 0;
    std::uint16_t usage_class = 0; ///< AccessLists::kNoClass: of no class
    IpAddress desktop_address{}, server{};
    std::uint16_t desktop_port = 0, server_port = 0;
    std::uint8_t protocol = 0;
    AppType app = AppType::other;
    DropReason where = DropReason::access_address;
    bool question = false;        ///< of the DNS; else a connection
    std::uint16_t rule = 0;       ///< in the class's list; AccessAnswer::kDefault: none
    std::array<char, 254> name{}; ///< empty: by address
};

struct Deviated {
    std::uint32_t desktop = 0;
    std::uint16_t usage_class = 0;
    IpAddress desktop_address{}, server{};
    std::uint16_t desktop_port = 0, server_port = 0;
    std::uint8_t protocol = 0;
    AppType app = AppType::other;
    bool blocked = false;
    float expected = 0; ///< connections of one desktop in this bucket
    std::uint32_t seen = 0;
};

/// The SYN options a desktop uses, so that held connections look the same.
struct SynLearned {
    std::uint32_t desktop = 0;
    std::uint16_t usage_class = 0;
    SynTemplate syn{};
};

struct UsageReady {
    std::uint32_t epoch = 0; ///< of the table that is now the reader's
    std::uint8_t table = 0;
};

using Report = std::variant<HeldReport, DesktopSeen, DnsLearned, NameSeen, ThreatMatched, AccessDenied, Deviated, SynLearned,
                            UsageReady>;

} // namespace foregate::dataplane
