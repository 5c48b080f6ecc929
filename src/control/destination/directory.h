// SPDX-License-Identifier: BSD-3-Clause
// What names mean now: the addresses of each name from the desktops' own DNS answers and from the
// resolver, the name of an address for the records, and the address that a desktop will pick.
// Control thread only; time is an argument.
#pragma once

#include "control/config/config.h"
#include "control/session/session_table.h"
#include "dataplane/messages.h"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace foregate::control {

enum class AnswerSource : std::uint8_t { desktop, resolver };
[[nodiscard]] const char* answer_source_name(AnswerSource source) noexcept;

/// The server address that a desktop will connect to, and the desktop's address it will use for
/// that.
struct Pick {
    IpAddress server{};
    IpAddress source{};
    bool operator==(const Pick&) const = default;
};

/// One line of `show destinations`: a name with one family's answer.
struct DestinationView {
    std::string name;
    bool is_v6 = false;
    std::vector<IpAddress> addresses; ///< empty: the name has none of this family
    std::int64_t ttl_left_s = 0;      ///< negative: since when it is stale
    AnswerSource source = AnswerSource::desktop;
    bool rotating = false; ///< the name's servers take turns in the answers
};

/// Errors: none; what cannot be understood is ignored or answered with nothing.
class DestinationDirectory {
public:
    static constexpr std::chrono::seconds kLeastTtl{1};
    static constexpr std::chrono::seconds kMostTtl{86400};
    static constexpr std::chrono::seconds kNamedAfterLeaving{
        600}; ///< an address keeps its name for so long
    static constexpr std::chrono::seconds kStaleKept{
        3600}; ///< an answer after its TTL, while no newer one comes
    static constexpr std::chrono::seconds kFlowNameKept{3600};
    static constexpr std::size_t kMostAddresses = 32; ///< of one answer; the rest is left out

    explicit DestinationDirectory(std::size_t most_names = 65536) : most_names_(most_names) {}

    /// One family's answer, in answer order; replaces what was known of that family. An empty one
    /// says that there is none. Addresses of the other family are left out. A resolver's answer
    /// does not replace a desktop's fresh one.
    void learn(std::string_view name, bool is_v6, std::span<const IpAddress> addresses,
               std::uint32_t ttl_s, SteadyTime now, AnswerSource source);
    /// A desktop's answer as the data plane reports it; both families if it holds both.
    void learn(const dataplane::DnsLearned& report, SteadyTime now);
    /// A name seen inside a flow (TLS server name, HTTP host).
    void learn_from_flow(std::string_view name, const IpAddress& address, std::uint16_t port,
                         SteadyTime now);
    /// So many connections of a class went to the address: tells which family the class uses.
    void note_use(std::uint16_t class_index, const IpAddress& address, std::uint16_t port,
                  std::uint64_t connections);
    /// Forgets what has been stale for long. Call now and then.
    void expire(SteadyTime now);

    /// "db.lab:5432", or "10.0.0.5:443" where no name is known: as records write it. Of several
    /// names the one that was seen in a flow to this port wins, then one that is of interest at
    /// this port, then the desktops' latest answer.
    [[nodiscard]] std::string name_of(const IpAddress& address, std::uint16_t port) const;
    /// All present addresses of both families; of an address destination itself; empty if unknown
    /// or a prefix.
    [[nodiscard]] std::vector<IpAddress> addresses_of(std::string_view destination) const;
    /// The name has at least one address from an answer whose TTL has not ended.
    [[nodiscard]] bool fresh(std::string_view name, SteadyTime now) const;
    /// A fresh answer for the destination's name no longer has the address (and the name's servers
    /// do not take turns).
    [[nodiscard]] bool has_left(std::string_view destination, const IpAddress& address,
                                SteadyTime now) const;
    /// Names to ask the resolver for: unknown, or shortly before their TTL's end. Remembers what is
    /// of interest.
    [[nodiscard]] std::vector<std::string> stale_names(std::span<const std::string> destinations,
                                                       SteadyTime now);
    /// What the desktop will pick: family by what its class used, else IPv6 where RFC 6724 says so;
    /// the first of the answer; the source of the same family. nullopt: no address, or the desktop
    /// has none of that family.
    [[nodiscard]] std::optional<Pick> pick(std::string_view destination, const Desktop& desktop,
                                           GuestSystem guest, SteadyTime now) const;
    /// Grows when the set of addresses of any name changes (their order alone does not count).
    [[nodiscard]] std::uint64_t version() const noexcept { return version_; }
    [[nodiscard]] std::vector<DestinationView> snapshot(SteadyTime now) const; ///< by name
    [[nodiscard]] std::size_t size() const noexcept { return names_.size(); }

private:
    struct Answer {
        std::vector<IpAddress> addresses;
        SteadyTime learned{};
        SteadyTime expires{};
        AnswerSource source = AnswerSource::desktop;
        bool known = false;
    };
    struct Entry {
        Answer v4, v6;
        std::vector<std::pair<IpAddress, SteadyTime>> left; ///< and until when they keep the name
        SteadyTime named_at{};   ///< a desktop's latest answer; else the resolver's first
        bool by_desktop = false; ///< named_at is a desktop's
        SteadyTime touched{};    ///< learnt or of interest
        SteadyTime rotating_until{};
        [[nodiscard]] Answer& of(bool is_v6) { return is_v6 ? v6 : v4; }
        [[nodiscard]] const Answer& of(bool is_v6) const { return is_v6 ? v6 : v4; }
    };
    struct FlowName {
        std::string name;
        SteadyTime at{};
    };
    struct FamilyUse {
        std::uint64_t v4 = 0, v6 = 0;
    };
    using PortKey = std::pair<IpAddress, std::uint16_t>;

    [[nodiscard]] const Entry* find(std::string_view name) const;
    void replace(const std::string& name, Entry& entry, Answer& answer, std::vector<IpAddress> next,
                 SteadyTime now);
    void unlink(const std::string& name, const IpAddress& address);
    void drop_left(const std::string& name, Entry& entry, SteadyTime now);
    void forget(const std::string& name);
    void make_room();
    /// The name only; empty: none known.
    [[nodiscard]] const std::string* dns_name(const IpAddress& address, std::uint16_t port,
                                              const std::string* in_flow) const;
    [[nodiscard]] const FamilyUse* use_of(std::uint16_t class_index, const std::string& name) const;

    std::size_t most_names_;
    std::map<std::string, Entry, std::less<>> names_;
    std::unordered_map<IpAddress, std::set<std::string>, dataplane::IpAddressHash> by_address_;
    std::map<PortKey, FlowName> flow_names_;
    std::map<std::pair<std::string, std::uint16_t>, FamilyUse> use_; ///< by name and class
    std::set<std::pair<std::string, std::uint16_t>> interest_; ///< names and ports asked for last
    std::uint64_t version_ = 0;
};

} // namespace foregate::control
