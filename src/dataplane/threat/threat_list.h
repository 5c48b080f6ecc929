// SPDX-License-Identifier: BSD-3-Clause
// A threat list as plain data: what the control plane reads from feeds and what a ThreatDb is built
// from. Units: lines count from 1. Built and used off the polling cores.
#pragma once

#include "dataplane/packet/ip_address.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace foregate::dataplane {

/// What a match means, in rising strength.
enum class ThreatAction : std::uint8_t {
    note, ///< report it, let it pass
    block,
};

[[nodiscard]] std::string_view threat_action_name(ThreatAction action) noexcept;

enum class ThreatKind : std::uint8_t {
    name,       ///< the name and everything below it
    name_below, ///< only what is below the name, as "*.name" in a feed
    prefix,     ///< an address or a prefix
};

struct ThreatEntry {
    ThreatKind kind = ThreatKind::name;
    ThreatAction action = ThreatAction::block;
    std::uint16_t feed = 0;     ///< index into ThreatListInput::feeds
    std::uint16_t category = 0; ///< index into ThreatListInput::categories
    std::uint32_t line = 0;     ///< in the feed's file
    std::string name;           ///< normalised: lower case, no trailing dot, no "*."; else empty
    IpPrefix prefix{};          ///< for ThreatKind::prefix, host bits clear

    /// As an operator would write it: "evil.example", "*.evil.example", "203.0.113.7",
    /// "203.0.113.0/24".
    [[nodiscard]] std::string text() const;
};

struct ThreatListInput {
    std::vector<std::string> feeds;
    std::vector<std::string> categories;
    std::vector<ThreatEntry> entries;
    std::vector<std::string> allow_names; ///< normalised; each wins for itself and all below it
    std::vector<IpPrefix> allow_prefixes; ///< each wins for every address in it
};

/// What judge_entries() says of an entry.
enum class ThreatFate : std::uint8_t {
    kept,
    duplicate, ///< the same entry, with the same or a stronger action, stands elsewhere
    shadowed,  ///< a shorter name or prefix with the same or a stronger action covers it
};

/// Decides for each entry whether a match could ever be decided by it. What is left has a useful
/// shape: of two entries that cover each other, the more specific one has the stronger action, so
/// "the most specific match" and "the strongest action" are the same entry.
/// Of equal entries the first stays. O(n log n). Throws std::bad_alloc only.
[[nodiscard]] std::vector<ThreatFate> judge_entries(const std::vector<ThreatEntry>& entries);

/// Removes the entries that judge_entries() does not keep; returns how many went.
std::size_t compact(std::vector<ThreatEntry>& entries);

} // namespace foregate::dataplane
