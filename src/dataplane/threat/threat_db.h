// SPDX-License-Identifier: BSD-3-Clause
// Everything that is known to be bad, ready to be asked: one immutable object, built on the control
// core, published to the workers as (part of) a generation, freed when no worker uses it any more.
#pragma once

#include "dataplane/threat/address_table.h"
#include "dataplane/threat/name_matcher.h"
#include "dataplane/threat/threat_list.h"

#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace foregate::dataplane {

class ThreatDb {
public:
    /// Knows nothing, matches nothing.
    ThreatDb() = default;
    /// Compacts the entries and builds the tables. Throws what NameMatcher and AddressTable throw.
    /// Takes seconds for 100,000 names that are not taken over: not on a polling core.
    [[nodiscard]] static ThreatDb build(ThreatListInput input, const NameBuild& how = {});

    /// The entry that decides about an address, or nullptr when it is unlisted or allowed: the
    /// longest prefix, which is also the strongest. Any thread.
    [[nodiscard]] const ThreatEntry* match_address(const IpAddress& address) const noexcept;

    /// The entry that decides about a host name (as in a NameBuffer), or nullptr. `scratch` was
    /// made for this database and belongs to the calling thread.
    [[nodiscard]] const ThreatEntry* match_name(std::string_view host,
                                                NameScratch& scratch) const noexcept;

    /// The same for a burst; `matches` has room for as many as there are hosts.
    void match_names(std::span<const std::string_view> hosts, std::span<const ThreatEntry*> matches,
                     NameScratch& scratch) const noexcept;

    /// One for each worker, made before the database is published.
    [[nodiscard]] NameScratch make_scratch() const { return NameScratch(names_); }

    [[nodiscard]] const std::vector<ThreatEntry>& entries() const noexcept { return entries_; }
    [[nodiscard]] std::string_view feed_of(const ThreatEntry& entry) const noexcept;
    [[nodiscard]] std::string_view category_of(const ThreatEntry& entry) const noexcept;
    /// To be taken over by the next list, or stored.
    [[nodiscard]] const NameMatcher& names() const noexcept { return names_; }
    [[nodiscard]] std::size_t name_count() const noexcept { return names_.size(); }
    [[nodiscard]] std::size_t prefix_count() const noexcept { return addresses_.size(); }
    /// Tables only, without the entries' texts.
    [[nodiscard]] std::size_t memory_bytes() const noexcept;

private:
    [[nodiscard]] bool is_allowed(std::string_view host) const noexcept;

    std::vector<std::string> feeds_;
    std::vector<std::string> categories_;
    std::vector<ThreatEntry> entries_;
    AddressTable addresses_;
    NameMatcher names_;
    AddressTable allowed_addresses_;
    std::set<std::string, std::less<>> allowed_names_; ///< asked on a match only
};

} // namespace foregate::dataplane
