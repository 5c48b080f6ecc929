// SPDX-License-Identifier: BSD-3-Clause
#include "control/threat/threat_loader.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <optional>
#include <stdexcept>
#include <system_error>
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

/// Returns how many entries are in force.
std::size_t append_feed(const FeedDefinition& feed, const FeedContent& content, std::int64_t now,
                        ThreatListInput& input) {
    const auto number = static_cast<std::uint16_t>(input.feeds.size());
    // What the feed says of an entry refines what the operator says of the feed.
    std::vector<std::uint16_t> categories;
    for (const std::string& own : content.categories) {
        categories.push_back(
            index_of(input.categories, own.empty() ? feed.category : feed.category + "/" + own));
    }
    input.feeds.push_back(feed.name);
    input.entries.reserve(input.entries.size() + content.entries.size());
    const std::size_t before = input.entries.size();
    for (std::size_t i = 0; i < content.entries.size(); ++i) {
        const std::int64_t end = i < content.expiries.size() ? content.expiries[i] : 0;
        if (now != 0 && end != 0 && end <= now) {
            continue;
        }
        ThreatEntry entry = content.entries[i];
        entry.feed = number;
        entry.category = categories.at(entry.category);
        entry.action = feed.action;
        input.entries.push_back(std::move(entry));
    }
    return input.entries.size() - before;
}

/// When the file, or the newest of a folder's, was written; seconds of 1970, 0 when unknown.
std::int64_t written_at(const std::filesystem::path& path) {
    std::error_code error;
    auto newest = std::filesystem::file_time_type::min();
    if (std::filesystem::is_directory(path, error)) {
        for (const auto& file : std::filesystem::directory_iterator(path, error)) {
            newest = std::max(newest, file.last_write_time(error));
        }
    } else {
        newest = std::filesystem::last_write_time(path, error);
    }
    if (error || newest == std::filesystem::file_time_type::min()) {
        return 0;
    }
    const auto system = std::chrono::file_clock::to_sys(newest).time_since_epoch();
    return std::chrono::duration_cast<std::chrono::seconds>(system).count();
}

void take_earlier(std::int64_t& earliest, std::int64_t time) {
    if (time != 0 && (earliest == 0 || time < earliest)) {
        earliest = time;
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

void report_unmatched(const std::string& path, const FeedReport& report,
                      std::vector<std::string>& notes) {
    if (report.unmatched == 0) {
        return;
    }
    std::string kinds;
    for (std::size_t i = 0; i < kUnmatchedKinds; ++i) {
        if (report.unmatched_by_kind[i] > 0) {
            kinds += (kinds.empty() ? "" : ", ") + std::to_string(report.unmatched_by_kind[i]) +
                     " of kind " + std::string(unmatched_kind_name(static_cast<UnmatchedKind>(i)));
        }
    }
    notes.push_back(path + ": " + std::to_string(report.unmatched) +
                    " entries kept but not matched yet (" + kinds + ")");
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

std::size_t size_of(const FeedContent& content) {
    return content.entries.size() + content.unmatched.size();
}

FeedRules rules_for(const FeedDefinition& feed, FeedRules rules) {
    rules.refuse_internal = rules.refuse_internal && !feed.private_addresses;
    if (feed.public_suffixes) {
        rules.refuse_single_label = false;
        rules.suffixes.reset();
    }
    return rules;
}

/// Whether a feed that could be read may take the place of its last good version (`before` entries,
/// 0: there is none); else why not.
FeedState judge(const FeedReport& report, std::size_t now, std::size_t before,
                double max_shrink_ratio, std::string& why) {
    if (before == 0) {
        return FeedState::fresh;
    }
    if (!report.truncated.empty()) {
        why = report.truncated;
        return FeedState::kept_truncated;
    }
    if (now == 0) {
        why = report.path + ": nothing usable in it";
        return FeedState::kept_empty;
    }
    if (shrank_too_much(before, now, max_shrink_ratio)) {
        why = report.path + ": shrank from " + std::to_string(before) + " to " +
              std::to_string(now) + " entries";
        return FeedState::kept_shrunk;
    }
    return FeedState::fresh;
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
    case FeedState::kept_truncated:
        return "kept: truncated";
    case FeedState::expired:
        return "expired";
    }
    return "unknown";
}

std::size_t ThreatLoader::last_good_size(const FeedDefinition& feed) const {
    const auto version = last_good_.find(version_key(feed));
    return version != last_good_.end() ? size_of(version->second)
                                       : store_.entries_of(feed.name).value_or(0);
}

const FeedContent* ThreatLoader::last_good_of(const FeedDefinition& feed, const FeedRules& rules,
                                              std::optional<FeedContent>& read) const {
    const auto version = last_good_.find(version_key(feed));
    if (version != last_good_.end()) {
        return &version->second;
    }
    if (!store_.entries_of(feed.name)) {
        return nullptr;
    }
    try {
        read = read_feed(store_.path_of(feed.name), rules);
        return &*read;
    } catch (const FeedUnreadable&) {
        return nullptr; // then there is none
    }
}

FeedStatus ThreatLoader::load_feed(const FeedDefinition& feed, const ThreatSources& sources,
                                   ShrunkFeeds shrunk, FeedContent& content,
                                   ThreatLoad& load) const {
    std::vector<std::string>& notes = load.notes;
    const FeedRules rules = rules_for(feed, sources.rules);
    const std::string path = feed.path.string();
    FeedStatus status;
    status.name = feed.name;
    status.report.path = path;
    std::string why;
    try {
        content = read_feed(feed.path, rules);
        status.report = std::move(content.report);
        report_lines(path, status.report, notes);
        report_unmatched(path, status.report, notes);
        if (shrunk == ShrunkFeeds::keep_last_good) {
            status.state = judge(status.report, size_of(content), last_good_size(feed),
                                 feed.max_shrink_ratio, why);
        }
    } catch (const FeedUnreadable& error) {
        status.state = FeedState::kept_missing;
        why = error.what();
    }
    if (status.state != FeedState::fresh) {
        std::optional<FeedContent> read;
        const FeedContent* last_good = last_good_of(feed, rules, read);
        if (last_good == nullptr && status.state == FeedState::kept_missing) {
            throw FeedUnreadable(why);
        }
        if (last_good != nullptr) {
            content = *last_good;
            notes.push_back(why + "; feed " + feed.name + " keeps its last good version (" +
                            std::to_string(size_of(content)) + " entries)");
            return status;
        }
        status.state = FeedState::fresh;
    }
    if (!status.report.truncated.empty()) {
        notes.push_back(status.report.truncated + "; feed " + feed.name +
                        ": what could be read is in force");
    } else if (size_of(content) == 0) {
        notes.push_back(path + ": feed " + feed.name + " is empty");
    } else if (std::string fault = store_.save(feed.name, feed.path, size_of(content));
               !fault.empty()) {
        notes.push_back(std::move(fault));
    }
    return status;
}

ThreatLoad ThreatLoader::load(const ThreatSources& sources, ShrunkFeeds shrunk) {
    ThreatLoad load;
    Versions versions;
    const std::int64_t now = sources.rules.now;
    for (const FeedDefinition& feed : sources.feeds) {
        FeedContent content;
        FeedStatus status = load_feed(feed, sources, shrunk, content, load);
        const std::int64_t written = feed.time_to_live == 0 ? 0 : written_at(feed.path);
        const std::int64_t end = written == 0 ? 0 : written + feed.time_to_live;
        if (now != 0 && end != 0 && end <= now) {
            status.state = FeedState::expired;
            load.notes.push_back(
                feed.path.string() + ": feed " + feed.name +
                " was not written for longer than its time to live; nothing of it is in force");
            append_feed(feed, FeedContent{}, now, load.input);
        } else {
            status.in_force = append_feed(feed, content, now, load.input);
            status.unmatched = content.unmatched;
            take_earlier(load.next_expiry, end);
            for (const std::int64_t entry_end : content.expiries) {
                take_earlier(load.next_expiry, now == 0 || entry_end > now ? entry_end : 0);
            }
        }
        load.feeds.push_back(std::move(status));
        content.report = {};
        versions[version_key(feed)] = std::move(content);
    }
    for (const std::filesystem::path& path : sources.allow_files) {
        load.allow.push_back(load_allow_file(path, load.input, load.notes));
    }
    last_good_ = std::move(versions);
    return load;
}

} // namespace foregate::control
