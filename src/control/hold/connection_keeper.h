// SPDX-License-Identifier: BSD-3-Clause
// Turns the plan's connection targets into orders to the workers, and keeps what they report: how
// many connections are held for each desktop and destination, replaced before their time, moved
// with DNS, withdrawn after refusals. Control thread only; no I/O, no clock: time is an argument,
// orders come back as values for the caller to post.
#pragma once

#include "control/config/config.h"
#include "control/destination/directory.h"
#include "control/hold/destination_limits.h"
#include "control/hold/syn_templates.h"
#include "control/plan/plan.h"
#include "control/session/session_table.h"
#include "control/session/shadow_session.h"
#include "dataplane/messages.h"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

namespace foregate::control {

/// The caller posts it to worker_of(source, server).
struct KeeperOrder {
    std::variant<dataplane::OpenHeld, dataplane::CloseHeld> order;
    IpAddress source{};
    IpAddress server{};
};

/// What a held connection told about its destination: for the shadow session's monitors.
struct ProbeResult {
    DesktopId desktop = 0;
    std::string destination;
    std::uint32_t rtt_us = 0; ///< 0: lost (or refused)
    bool refused = false;
    bool operator==(const ProbeResult&) const = default;
};

/// One line of `show held`: a destination, a class, a purpose.
struct DestinationHold {
    std::string destination;
    std::string usage_class;
    dataplane::HeldPurpose purpose = dataplane::HeldPurpose::predicted;
    std::uint64_t wanted = 0;
    std::uint64_t dialing = 0;
    std::uint64_t held = 0;
    std::uint64_t spliced = 0;       ///< now
    std::uint64_t opened_total = 0;  ///< established upstream
    std::uint64_t used_total = 0;    ///< spliced
    std::uint64_t expired_total = 0; ///< gone unused by age, replaced ones included
    std::uint64_t failed_total = 0;  ///< dials that failed
    std::string last_failure;        ///< of the destination
    double backoff_s = 0;            ///< remaining
    double max_age_s = 0;            ///< in force now
    bool max_age_learned = false;
};

struct HoldTotals {
    std::uint64_t dialed = 0;
    std::uint64_t opened = 0;
    std::uint64_t used = 0;
    std::uint64_t expired = 0;
    std::uint64_t moved = 0; ///< closed because the name has another address now
    std::map<std::string, std::uint64_t> failed;    ///< dials, by reason
    std::map<std::string, std::uint64_t> closed;    ///< gone unused, by reason
    std::map<std::string, std::uint64_t> fallbacks; ///< a desktop's SYN did not fit, by reason
};

/// May the gateway connect to the destination, at this address, for a desktop of the class? Empty: always.
using MayConnect =
    std::function<bool(std::uint16_t class_index, const std::string& destination, const IpAddress& server)>;

/// Caps count connections that are dialed or held; one that has its successor on the way counts
/// once with it.
class ConnectionKeeper {
public:
    static constexpr std::chrono::seconds kGrace{10}; ///< before what is no longer wanted is closed
    static constexpr std::chrono::seconds kDialLost{30};   ///< a dial without any report
    static constexpr std::chrono::seconds kCloseLost{10};  ///< likewise a close
    static constexpr std::chrono::seconds kExpiryLost{10}; ///< past the maximum age
    static constexpr std::chrono::hours kSpliceLost{24 * 7};
    static constexpr std::chrono::seconds kClosedAtOnce{
        2}; ///< closed by the server so early: as a refusal
    static constexpr std::chrono::hours kForgetAfter{1}; ///< a destination without a target
    static constexpr std::size_t kMostProbes = 65536;

    explicit ConnectionKeeper(const Config& config, MayConnect may_connect = {});

    /// Orders that are due now, closes first.
    [[nodiscard]] std::vector<KeeperOrder> tick(std::span<const ConnectionTarget> targets,
                                                std::span<const Desktop> desktops,
                                                const DestinationDirectory& directory,
                                                SteadyTime now);
    void report(const dataplane::HeldReport& report, SteadyTime now);
    void learn(const dataplane::SynLearned& report) { templates_.learn(report); }
    /// What the SYN of a connection opened for this desktop looks like.
    [[nodiscard]] dataplane::SynTemplate syn_of(std::uint32_t desktop, std::uint16_t class_index, bool is_v6) const {
        return templates_.of(desktop, class_index, is_v6);
    }
    /// One connection by an operator's order; held until its maximum age, no successor. nullopt: no
    /// session, no address, or the total cap is reached.
    [[nodiscard]] std::optional<KeeperOrder> order_one(const Desktop& desktop,
                                                       const std::string& destination,
                                                       const DestinationDirectory& directory,
                                                       SteadyTime now);
    /// The worker's mailbox was full: an open is forgotten, a close comes again at the next tick.
    void not_sent(const KeeperOrder& order);

    /// What may be connected to has changed: the next tick closes what no longer may.
    void permissions_changed() noexcept { check_permissions_ = true; }

    [[nodiscard]] std::vector<ProbeResult> take_probes();
    [[nodiscard]] std::vector<DestinationHold> holds(SteadyTime now) const;
    [[nodiscard]] std::map<std::string, HeldCount> counts_of(DesktopId desktop) const;
    [[nodiscard]] const HoldTotals& totals() const noexcept { return totals_; }
    /// The destination of a connection by its id; empty: unknown. For `show held`.
    [[nodiscard]] std::string destination_of(std::uint64_t id) const;

private:
    enum class State : std::uint8_t { dialing, held, spliced, closing };
    struct Destination;
    struct Need {
        std::vector<std::uint64_t> ids;
        unsigned wanted = 0;
        unsigned present = 0; ///< dialed or held, without those that have a successor
        std::optional<SteadyTime> surplus_since;
    };
    /// What is wanted for one destination, class and purpose.
    struct Row {
        Destination* destination = nullptr;
        std::uint16_t class_index = 0;
        dataplane::HeldPurpose purpose = dataplane::HeldPurpose::predicted;
        unsigned per_desktop = 0, limit = 0; ///< of this tick's target; 0: none
        std::uint64_t wanted = 0, present = 0;
        SteadyTime wanted_at{};
        std::uint64_t opened = 0, used = 0, expired = 0, failed = 0;
        std::unordered_map<DesktopId, Need> needs;
    };
    struct Destination {
        std::string text;
        std::uint16_t port = 0;
        AgeLimit age;
        Retreat retreat;
        bool refuses_late =
            false; ///< takes the handshake and then ends it: only time clears the retreat
        std::uint64_t dialing = 0, present = 0; ///< counted anew each tick
        std::map<std::pair<std::uint16_t, dataplane::HeldPurpose>, Row> rows;
    };
    struct Connection {
        Row* row = nullptr;
        DesktopId desktop = 0;
        State state = State::dialing;
        IpAddress source{}, server{};
        dataplane::SynTemplate syn{};
        SynKnown syn_known = SynKnown::guess;
        SteadyTime since{}; ///< of the state; of held: established
        std::chrono::nanoseconds max_age{};
        std::uint64_t successor = 0, predecessor = 0;
        bool close_again = false; ///< the order could not be sent
    };
    using Orders = std::vector<KeeperOrder>;
    struct Turn; ///< what one tick works with

    Destination& destination(const std::string& text, std::uint16_t port);
    Row& row(Destination& of, std::uint16_t class_index, dataplane::HeldPurpose purpose);
    void take_targets(Turn& turn, std::span<const ConnectionTarget> targets);
    void count_present();
    void review(Turn& turn);
    [[nodiscard]] bool lost(const Connection& c, SteadyTime now) const;
    void close_surplus(Turn& turn);
    void open_successors(Turn& turn);
    void open_missing(Turn& turn);
    [[nodiscard]] bool successor_due(std::uint64_t id, const Connection& c, SteadyTime now) const;
    [[nodiscard]] bool may_dial(Destination& to, SteadyTime now) const;
    [[nodiscard]] bool may_connect(const Row& row, const IpAddress& server) const;
    /// 0: not possible now.
    std::uint64_t open(Turn& turn, Row& row, const Desktop& desktop);
    KeeperOrder dial(Row& row, const Desktop& desktop, const Pick& pick, SteadyTime now);
    void close(std::uint64_t id, Connection& c, Orders& orders, SteadyTime now);
    void erase(std::uint64_t id);
    void forget_unused(SteadyTime now);

    void on_established(std::uint64_t id, Connection& c, const dataplane::HeldReport& r,
                        SteadyTime now);
    void on_failed(std::uint64_t id, Connection& c, const dataplane::HeldReport& r, SteadyTime now);
    void on_closed(std::uint64_t id, Connection& c, const dataplane::HeldReport& r, SteadyTime now);
    void probed(const Connection& c, std::uint32_t rtt_us, bool refused);

    const HoldConfig config_;
    MayConnect may_connect_;
    bool check_permissions_ = false;
    std::vector<std::string> class_names_;
    std::vector<GuestSystem> guests_;
    SynTemplates templates_;
    DialRate rate_;
    std::map<std::string, Destination> destinations_;
    std::unordered_map<std::uint64_t, Connection> connections_;
    std::unordered_map<DesktopId, unsigned> present_of_; ///< counted anew each tick
    std::uint64_t present_ = 0;
    std::uint64_t last_id_ = 0;
    std::uint64_t directory_version_ = 0;   ///< addresses are compared when it has changed
    std::vector<std::uint64_t> close_soon_; ///< predecessors whose successor is established
    std::vector<ProbeResult> probes_;
    HoldTotals totals_;
};

} // namespace foregate::control
