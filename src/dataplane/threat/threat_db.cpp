// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/threat/threat_db.h"

#include <algorithm>
#include <array>
#include <utility>

namespace foregate::dataplane {

ThreatDb ThreatDb::build(ThreatListInput input, const NameBuild& how) {
    ThreatDb db;
    compact(input.entries);
    std::vector<NamePattern> names;
    std::vector<AddressTableEntry> prefixes;
    for (std::size_t i = 0; i < input.entries.size(); ++i) {
        const ThreatEntry& entry = input.entries[i];
        const auto value = static_cast<std::uint32_t>(i);
        if (entry.kind == ThreatKind::prefix) {
            prefixes.push_back({entry.prefix, value});
        } else {
            names.push_back({entry.name, value, entry.kind == ThreatKind::name_below});
        }
    }
    std::vector<AddressTableEntry> allowed;
    for (const IpPrefix& prefix : input.allow_prefixes) {
        allowed.push_back({prefix, 0});
    }
    db.names_ = NameMatcher(names, how);
    db.addresses_ = AddressTable(prefixes);
    db.allowed_addresses_ = AddressTable(allowed);
    db.allowed_names_.insert(input.allow_names.begin(), input.allow_names.end());
    db.feeds_ = std::move(input.feeds);
    db.categories_ = std::move(input.categories);
    db.entries_ = std::move(input.entries);
    return db;
}

const ThreatEntry* ThreatDb::match_address(const IpAddress& address) const noexcept {
    const std::uint32_t found = addresses_.lookup(address);
    if (found == AddressTable::kNone || allowed_addresses_.lookup(address) != AddressTable::kNone) {
        return nullptr;
    }
    return &entries_[found];
}

bool ThreatDb::is_allowed(std::string_view host) const noexcept {
    if (allowed_names_.empty()) {
        return false;
    }
    while (!allowed_names_.contains(host)) {
        const std::size_t dot = host.find('.');
        if (dot == std::string_view::npos) {
            return false;
        }
        host.remove_prefix(dot + 1);
    }
    return true;
}

const ThreatEntry* ThreatDb::match_name(std::string_view host,
                                        NameScratch& scratch) const noexcept {
    const ThreatEntry* match = nullptr;
    match_names({&host, 1}, {&match, 1}, scratch);
    return match;
}

void ThreatDb::match_names(std::span<const std::string_view> hosts,
                           std::span<const ThreatEntry*> matches,
                           NameScratch& scratch) const noexcept {
    const std::size_t total = std::min(hosts.size(), matches.size());
    std::array<std::uint32_t, NameMatcher::kMaxBurst> found;
    for (std::size_t first = 0; first < total; first += found.size()) {
        const std::size_t count = std::min(found.size(), total - first);
        names_.match_burst(hosts.subspan(first, count), std::span(found).first(count), scratch);
        for (std::size_t i = 0; i < count; ++i) {
            const bool hit = found[i] != NameMatcher::kNone && !is_allowed(hosts[first + i]);
            matches[first + i] = hit ? &entries_[found[i]] : nullptr;
        }
    }
}

std::string_view ThreatDb::feed_of(const ThreatEntry& entry) const noexcept {
    return entry.feed < feeds_.size() ? std::string_view(feeds_[entry.feed]) : "";
}

std::string_view ThreatDb::category_of(const ThreatEntry& entry) const noexcept {
    return entry.category < categories_.size() ? std::string_view(categories_[entry.category]) : "";
}

std::size_t ThreatDb::memory_bytes() const noexcept {
    return addresses_.memory_bytes() + names_.memory_bytes() + allowed_addresses_.memory_bytes();
}

} // namespace foregate::dataplane
