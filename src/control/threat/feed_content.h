// SPDX-License-Identifier: BSD-3-Clause
// What a feed is read under, and what comes out of it: entries, what is kept beside them, a report.
// Plain data. Control core only.
#pragma once

#include "control/threat/public_suffixes.h"
#include "dataplane/packet/ip_address.h"
#include "dataplane/threat/threat_list.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace foregate::control {

/// What may not be listed, whoever says so: an entry that would cut off the fleet's own networks.
struct FeedRules {
    /// Refuse private, loopback, link-local, shared, multicast and reserved networks, everything
    /// that covers one of them, and prefixes shorter than /8 (IPv4) or /16 (IPv6).
    bool refuse_internal = true;
    /// Refuse names of one label: top-level domains, hosts without a domain.
    bool refuse_single_label = true;
    /// Names under which anybody may register are refused, when the list is here.
    std::shared_ptr<const PublicSuffixes> suffixes;
    std::vector<dataplane::IpPrefix> own_prefixes; ///< refused as soon as they overlap
    std::vector<std::string> own_names;            ///< refused above, at and below them; normalised
    std::size_t max_reported_lines = 100;          ///< of each kind; all are counted
    std::size_t max_entries = 4'000'000;           ///< of one feed; what is over is rejected
    std::int64_t now = 0; ///< seconds of 1970; entries that ended before are expired; 0: none is

    /// For a list of what is always allowed: it may name anything but the default route.
    [[nodiscard]] static FeedRules for_allow_list();
};

struct FeedLineNote {
    std::string file;
    std::uint32_t line = 0;
    std::string message;

    /// "file:line: message"
    [[nodiscard]] std::string to_string() const;
};

/// Entries that are understood and kept, but that the data plane has no table for. They are counted
/// and never widened into something that it has one for.
enum class UnmatchedKind : std::uint8_t {
    url,      ///< "host/path", "host:port/path"; the host may be an address
    path,     ///< "/path", on any host
    endpoint, ///< "address:port", "[address]:port", "name:port"
    pattern,  ///< a regular expression over the whole lower-case host name
};
inline constexpr std::size_t kUnmatchedKinds = 4;
[[nodiscard]] std::string_view unmatched_kind_name(UnmatchedKind kind) noexcept;

struct UnmatchedEntry {
    UnmatchedKind kind = UnmatchedKind::url;
    std::uint16_t category = 0; ///< index into FeedContent::categories
    std::uint32_t line = 0;
    std::string text;
};

/// entries_seen == loaded + rejected + refused + duplicate + shadowed + unmatched + expired.
struct FeedReport {
    std::string path;
    std::string format; ///< a format's name (docs/threats.md), "mixed", "empty" or "unknown"
    std::size_t lines = 0;
    std::size_t entries_seen =
        0; ///< several a line in a hosts file; a range counts as its prefixes
    std::size_t loaded = 0;
    std::size_t rejected = 0; ///< not understood
    std::size_t refused = 0;  ///< understood, and dangerous
    std::size_t duplicate = 0;
    std::size_t shadowed = 0;
    std::size_t unmatched = 0; ///< kept, but not matched yet
    std::size_t expired = 0;
    std::size_t bad_names = 0; ///< of the rejected: meant as a name, but none
    std::size_t skipped =
        0; ///< lines and records that list nothing: zone headers, file hashes, ...
    std::array<std::size_t, kUnmatchedKinds> unmatched_by_kind{};
    std::int64_t next_expiry =
        0;                 ///< the first end among the entries kept, seconds of 1970; 0: none
    std::string truncated; ///< why the file seems cut off; empty when it does not
    std::vector<FeedLineNote> rejected_lines; ///< the first max_reported_lines
    std::vector<FeedLineNote> refused_lines;  ///< likewise
};

/// The feed and action of entries are left at the defaults; categories are numbered by
/// `categories`.
struct FeedContent {
    /// Compacted, unless some of them end by themselves: then what is covered today may be needed
    /// tomorrow.
    std::vector<dataplane::ThreatEntry> entries;
    std::vector<std::int64_t>
        expiries; ///< beside entries, seconds of 1970, 0: never; empty: none ends
    std::vector<UnmatchedEntry> unmatched;
    std::vector<std::string> categories; ///< [0] is "": the feed says nothing of its own
    FeedReport report;
};

} // namespace foregate::control
