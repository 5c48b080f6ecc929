// SPDX-License-Identifier: BSD-3-Clause
// Threat feeds from text to entries. Understood, and told apart line by line:
//   evil.example            a name: itself and everything below it
//   *.evil.example          everything below the name, not the name itself
//   0.0.0.0 a.example b...  hosts file (also 127.0.0.1, ::, ::1): each name as above
//   203.0.113.7             an address; also with a count behind it ("203.0.113.7<TAB>5")
//   203.0.113.0/24          a prefix, host bits clear
// Comments: lines starting with # ; or !, and what follows a blank and # or ;. A byte order mark,
// CRLF and a missing last line end are fine. Control core only; throws for unreadable files only.
#pragma once

#include "dataplane/packet/ip_address.h"
#include "dataplane/threat/threat_list.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <stdexcept>
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
    std::vector<dataplane::IpPrefix> own_prefixes; ///< refused as soon as they overlap
    std::vector<std::string> own_names;            ///< refused above, at and below them; normalised
    std::size_t max_reported_lines = 100;          ///< of each kind; all are counted

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

/// entries_seen == loaded + rejected + refused + duplicate + shadowed.
struct FeedReport {
    std::string path;
    std::string format; ///< "domains", "hosts", "addresses", "scored addresses", "mixed", "empty",
                        ///< "unknown"
    std::size_t lines = 0;
    std::size_t entries_seen =
        0; ///< several a line in a hosts file; `localhost` and such not counted
    std::size_t loaded = 0;
    std::size_t rejected = 0; ///< not understood
    std::size_t refused = 0;  ///< understood, and dangerous
    std::size_t duplicate = 0;
    std::size_t shadowed = 0;
    std::vector<FeedLineNote> rejected_lines; ///< the first max_reported_lines
    std::vector<FeedLineNote> refused_lines;  ///< likewise
};

/// Entries are compacted; their feed, category and action are left at the defaults.
struct FeedContent {
    std::vector<dataplane::ThreatEntry> entries;
    FeedReport report;
};

/// The file or directory cannot be read; what() is "path: why".
struct FeedUnreadable : std::runtime_error {
    using std::runtime_error::runtime_error;
};

[[nodiscard]] FeedContent read_feed_text(std::string_view text, const std::string& path,
                                         const FeedRules& rules);

/// A file, or a directory whose files (by name, hidden ones left out, not recursive) form one feed.
[[nodiscard]] FeedContent read_feed(const std::filesystem::path& path, const FeedRules& rules);

} // namespace foregate::control
