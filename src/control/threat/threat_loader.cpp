// SPDX-License-Identifier: BSD-3-Clause
#include "control/threat/threat_loader.h"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <utility>

namespace foregate::control {

using dataplane::ThreatEntry;
using dataplane::ThreatKind;
using dataplane::ThreatListInput;

namespace {

std::string version_key(const FeedDefinition& feed) {
    return feed.name + '\n' + feed.path.string();
}

std::uint16_t index_of(std::vector<std::string>& texts, const std::string& text) {
    const auto at = std::find(texts.begin(), texts.end(), text);
    const auto index = static_cast<std::size_t>(at - texts.begin());
    if (at == texts.end()) {
        if (texts.size() > std::numeric_limits<std::uint16_t>::max()) {
            throw std::runtime_error("more than 65536 feeds or categories");
        }
        texts.push_back(text);
    }
    return static_cast<std::uint16_t>(index);
}

bool shrank_too_much(std::size_t before, std::size_t now, double max_shrink_ratio) {
    return static_cast<double>(now) < static_cast<double>(before) * (1.0 - max_shrink_ratio);
}

void append_feed(const FeedDefinition& feed, const std::vector<ThreatEntry>& entries,
                 ThreatListInput& input) {
    const auto number = static_cast<std::uint16_t>(input.feeds.size());
    const std::uint16_t category = index_of(input.categories, feed.category);
    input.feeds.push_back(feed.name);
    input.entries.reserve(input.entries.size() + entries.size());
    for (ThreatEntry entry : entries) {
        entry.feed = number;
        entry.category = category;
        entry.action = feed.action;
        input.entries.push_back(std::move(entry));
    }
}

void report_lines(const std::string& path, const FeedReport& report,
                  std::vector<std::string>& notes) {
    for (const FeedLineNote& line : report.refused_lines) {
        notes.push_back(line.to_string() + "; refused");
    }
    if (report.refused > report.refused_lines.size()) {
        notes.push_back(path + ": " + std::to_string(report.refused) + " entries refused in all");
    }
    if (report.rejected > 0) {
        notes.push_back(path + ": " + std::to_string(report.rejected) + " of " +
                        std::to_string(report.entries_seen) + " entries not understood, first " +
                        (report.rejected_lines.empty() ? std::string("not recorded")
                                                       : report.rejected_lines[0].to_string()));
    }
}

FeedReport load_allow_file(const std::filesystem::path& path, ThreatListInput& input,
                           std::vector<std::string>& notes) {
    FeedContent content = read_feed(path, FeedRules::for_allow_list());
    for (const ThreatEntry& entry : content.entries) {
        if (entry.kind == ThreatKind::prefix) {
            input.allow_prefixes.push_back(entry.prefix);
        } else if (entry.kind == ThreatKind::name) {
            input.allow_names.push_back(entry.name);
        } else {
            // "*.name" would have to be widened to the name itself; say so instead.
            --content.report.loaded;
            ++content.report.rejected;
            content.report.rejected_lines.push_back(
                {path.string(), entry.line,
                 "\"" + entry.text() + "\": a wildcard; write the name, it allows what is below"});
        }
    }
    report_lines(path.string(), content.report, notes);
    return content.report;
}

} // namespace

std::string_view feed_state_name(FeedState state) noexcept {
    switch (state) {
    case FeedState::fresh:
        return "fresh";
    case FeedState::kept_missing:
        return "kept: unreadable";
    case FeedState::kept_empty:
        return "kept: empty";
    case FeedState::kept_shrunk:
        return "kept: shrunk";
    }
    return "unknown";
}

FeedStatus ThreatLoader::load_feed(const FeedDefinition& feed, const ThreatSources& sources,
                                   ShrunkFeeds shrunk, Entries& entries,
                                   std::vector<std::string>& notes) const {
    const auto version = last_good_.find(version_key(feed));
    const Entries* last_good = version == last_good_.end() ? nullptr : &version->second;
    FeedStatus status;
    status.name = feed.name;
    status.report.path = feed.path.string();
    std::string why;
    try {
        FeedRules rules = sources.rules;
        rules.refuse_internal = rules.refuse_internal && !feed.private_addresses;
        FeedContent content = read_feed(feed.path, rules);
        status.report = std::move(content.report);
        entries = std::move(content.entries);
        report_lines(feed.path.string(), status.report, notes);
    } catch (const FeedUnreadable& error) {
        if (last_good == nullptr) {
            throw;
        }
        status.state = FeedState::kept_missing;
        why = error.what();
    }
    const bool judge = status.state == FeedState::fresh && last_good != nullptr &&
                       shrunk == ShrunkFeeds::keep_last_good;
    if (judge && entries.empty() && !last_good->empty()) {
        status.state = FeedState::kept_empty;
        why = feed.path.string() + ": nothing usable in it";
    } else if (judge && shrank_too_much(last_good->size(), entries.size(), feed.max_shrink_ratio)) {
        status.state = FeedState::kept_shrunk;
        why = feed.path.string() + ": shrank from " + std::to_string(last_good->size()) + " to " +
              std::to_string(entries.size()) + " entries";
    }
    if (status.state != FeedState::fresh) {
        entries = *last_good;
        notes.push_back(why + "; feed " + feed.name + " keeps its last good version (" +
                        std::to_string(entries.size()) + " entries)");
    } else if (entries.empty()) {
        notes.push_back(feed.path.string() + ": feed " + feed.name + " is empty");
    }
    status.in_force = entries.size();
    return status;
}

ThreatLoad ThreatLoader::load(const ThreatSources& sources, ShrunkFeeds shrunk) {
    ThreatLoad load;
    Versions versions;
    for (const FeedDefinition& feed : sources.feeds) {
        Entries entries;
        load.feeds.push_back(load_feed(feed, sources, shrunk, entries, load.notes));
        append_feed(feed, entries, load.input);
        versions[version_key(feed)] = std::move(entries);
    }
    for (const std::filesystem::path& path : sources.allow_files) {
        load.allow.push_back(load_allow_file(path, load.input, load.notes));
    }
    last_good_ = std::move(versions);
    return load;
}

} // namespace foregate::control
