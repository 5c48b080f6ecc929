// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/threat/threat_list.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <tuple>
#include <unordered_map>

namespace foregate::dataplane {

namespace {

/// The strongest entries listed under one name, as indices.
struct ListedName {
    std::optional<std::size_t> whole; ///< ThreatKind::name
    std::optional<std::size_t> below; ///< ThreatKind::name_below
};

using NameIndex = std::unordered_map<std::string_view, ListedName>;

/// Puts `i` into `slot`, unless something as strong is there; the loser becomes a duplicate.
void keep_stronger(const std::vector<ThreatEntry>& entries, std::optional<std::size_t>& slot,
                   std::size_t i, std::vector<ThreatFate>& fates) {
    if (!slot) {
        slot = i;
    } else if (entries[*slot].action < entries[i].action) {
        fates[*slot] = ThreatFate::duplicate;
        slot = i;
    } else {
        fates[i] = ThreatFate::duplicate;
    }
}

bool covers(const std::vector<ThreatEntry>& entries, const std::optional<std::size_t>& by,
            const ThreatEntry& entry) {
    return by && entries[*by].action >= entry.action;
}

bool covered_from_above(const std::vector<ThreatEntry>& entries, const NameIndex& index,
                        const ThreatEntry& entry) {
    std::string_view name = entry.name;
    for (std::size_t dot = name.find('.'); dot != std::string_view::npos; dot = name.find('.')) {
        name.remove_prefix(dot + 1);
        const auto parent = index.find(name);
        if (parent != index.end() && (covers(entries, parent->second.whole, entry) ||
                                      covers(entries, parent->second.below, entry))) {
            return true;
        }
    }
    return false;
}

void judge_names(const std::vector<ThreatEntry>& entries, std::vector<ThreatFate>& fates) {
    NameIndex index;
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const ThreatEntry& entry = entries[i];
        if (entry.kind == ThreatKind::name) {
            keep_stronger(entries, index[entry.name].whole, i, fates);
        } else if (entry.kind == ThreatKind::name_below) {
            keep_stronger(entries, index[entry.name].below, i, fates);
        }
    }
    for (std::size_t i = 0; i < entries.size(); ++i) {
        const ThreatEntry& entry = entries[i];
        if (entry.kind == ThreatKind::prefix || fates[i] != ThreatFate::kept) {
            continue;
        }
        const bool by_itself = entry.kind == ThreatKind::name_below &&
                               covers(entries, index.find(entry.name)->second.whole, entry);
        if (by_itself || covered_from_above(entries, index, entry)) {
            fates[i] = ThreatFate::shadowed;
        }
    }
}

void judge_prefixes(const std::vector<ThreatEntry>& entries, std::vector<ThreatFate>& fates) {
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < entries.size(); ++i) {
        if (entries[i].kind == ThreatKind::prefix) {
            order.push_back(i);
        }
    }
    // Shorter before longer, stronger before weaker, earlier before later.
    std::sort(order.begin(), order.end(), [&entries](std::size_t a, std::size_t b) {
        const auto key = [&entries](std::size_t i) {
            const ThreatEntry& e = entries[i];
            return std::tuple(e.prefix.is_v4(), e.prefix.address, e.prefix.length,
                              -static_cast<int>(e.action), i);
        };
        return key(a) < key(b);
    });
    std::vector<std::size_t> enclosing; // kept prefixes around the current place, outermost first
    for (const std::size_t i : order) {
        const IpPrefix& prefix = entries[i].prefix;
        while (!enclosing.empty() && !entries[enclosing.back()].prefix.contains(prefix.address)) {
            enclosing.pop_back();
        }
        // Kept ones grow stronger inwards, so the innermost is the strongest.
        if (!enclosing.empty() && entries[enclosing.back()].action >= entries[i].action) {
            const bool same = entries[enclosing.back()].prefix == prefix;
            fates[i] = same ? ThreatFate::duplicate : ThreatFate::shadowed;
            continue;
        }
        enclosing.push_back(i);
    }
}

} // namespace

std::string_view threat_action_name(ThreatAction action) noexcept {
    return action == ThreatAction::block ? "block" : "note";
}

std::string ThreatEntry::text() const {
    switch (kind) {
    case ThreatKind::name:
        return name;
    case ThreatKind::name_below:
        return "*." + name;
    case ThreatKind::prefix:
        return prefix.bits128() == 128 ? prefix.address.to_string() : prefix.to_string();
    }
    return name;
}

std::vector<ThreatFate> judge_entries(const std::vector<ThreatEntry>& entries) {
    std::vector<ThreatFate> fates(entries.size(), ThreatFate::kept);
    judge_names(entries, fates);
    judge_prefixes(entries, fates);
    return fates;
}

std::size_t compact(std::vector<ThreatEntry>& entries) {
    const std::vector<ThreatFate> fates = judge_entries(entries);
    std::size_t kept = 0;
    for (std::size_t i = 0; i < entries.size(); ++i) {
        if (fates[i] == ThreatFate::kept) {
            if (kept != i) {
                entries[kept] = std::move(entries[i]);
            }
            ++kept;
        }
    }
    const std::size_t removed = entries.size() - kept;
    entries.resize(kept);
    return removed;
}

} // namespace foregate::dataplane
