// SPDX-License-Identifier: BSD-3-Clause
// From configured feeds to one threat list, keeping the last good version of a feed that has gone
// missing, empty or suspiciously small. Control core only.
#pragma once

#include "control/threat/feed_reader.h"
#include "control/threat/feed_store.h"
#include "dataplane/threat/threat_list.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace foregate::control {

struct FeedDefinition {
    std::string name;
    std::filesystem::path path; ///< a file, or a directory of files
    dataplane::ThreatAction action = dataplane::ThreatAction::block;
    std::string category;
    /// The share of its entries (0..1) that a feed may lose from one load to the next.
    double max_shrink_ratio = 0.5;
    bool private_addresses = false; ///< entries in private address space are taken, not refused
    bool public_suffixes = false; ///< public suffixes and names of one label are taken, not refused
    std::int64_t time_to_live = 0; ///< seconds after the file was written; 0: for ever
};

struct ThreatSources {
    std::vector<FeedDefinition> feeds;
    std::vector<std::filesystem::path> allow_files; ///< read as feeds; what they name always passes
    FeedRules rules;
};

enum class FeedState : std::uint8_t {
    fresh,          ///< as the file says
    kept_missing,   ///< unreadable; the last good version stays
    kept_empty,     ///< nothing usable in it; the last good version stays
    kept_shrunk,    ///< lost more than max_shrink_ratio; the last good version stays
    kept_truncated, ///< ends in the middle of something; the last good version stays
    expired,        ///< not written for longer than its time to live; nothing of it is in force
};

[[nodiscard]] std::string_view feed_state_name(FeedState state) noexcept;

struct FeedStatus {
    std::string name;
    FeedState state = FeedState::fresh;
    std::size_t in_force = 0;              ///< entries of this feed in the list
    FeedReport report;                     ///< of the file as it is now; path only when unreadable
    std::vector<UnmatchedEntry> unmatched; ///< of the version in force: kept, not matched yet
};

struct ThreatLoad {
    dataplane::ThreatListInput input; ///< for ThreatDb::build
    std::vector<FeedStatus> feeds;    ///< one for each definition, in order
    std::vector<FeedReport> allow;    ///< one for each allow file, in order
    std::int64_t next_expiry = 0; ///< when an entry or a feed ends next, seconds of 1970; 0: never
    std::vector<std::string> notes; ///< for events and the log: "path: what, and what was done"
};

enum class ShrunkFeeds : std::uint8_t { keep_last_good, accept };

class ThreatLoader {
public:
    /// `store` keeps last good versions over a restart.
    explicit ThreatLoader(FeedStore store = FeedStore()) : store_(std::move(store)) {}

    /// Reads everything. Throws FeedUnreadable when a feed cannot be read and there is no earlier
    /// version of it, or an allow file cannot be read; then nothing is remembered of this attempt.
    /// Entries and feeds that ended before `sources.rules.now` are left out (0: none is).
    /// `accept` is the operator's word that smaller or empty feeds are right.
    [[nodiscard]] ThreatLoad load(const ThreatSources& sources,
                                  ShrunkFeeds shrunk = ShrunkFeeds::keep_last_good);

private:
    using Versions =
        std::map<std::string, FeedContent>; ///< by name and path of the feed; no reports

    [[nodiscard]] FeedStatus load_feed(const FeedDefinition& feed, const ThreatSources& sources,
                                       ShrunkFeeds shrunk, FeedContent& content,
                                       ThreatLoad& load) const;

    /// The last good version, or null: what is remembered, or else what is stored.
    [[nodiscard]] const FeedContent* last_good_of(const FeedDefinition& feed,
                                                  const FeedRules& rules,
                                                  std::optional<FeedContent>& read) const;
    [[nodiscard]] std::size_t last_good_size(const FeedDefinition& feed) const;

    FeedStore store_;
    Versions last_good_;
};

} // namespace foregate::control
