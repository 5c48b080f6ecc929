// SPDX-License-Identifier: BSD-3-Clause
#include "control/threat/feed_intake.h"

#include "control/threat/address_range.h"
#include "control/threat/feed_rules.h"
#include "control/threat/feed_text.h"
#include "dataplane/threat/pattern_trial.h"

#include <algorithm>
#include <utility>

namespace foregate::control {

using dataplane::IpAddress;
using dataplane::IpPrefix;
using dataplane::ThreatEntry;
using dataplane::ThreatFate;
using dataplane::ThreatKind;

namespace {

constexpr std::size_t kMaxCategories = 4096;
constexpr std::size_t kMaxCategoryBytes = 64;
constexpr std::size_t kMaxPatternBytes = 1024;
constexpr std::size_t kMaxPatterns =
    2048; ///< of one feed; each is compiled alone, which takes time

/// Control bytes and broken text must not reach a terminal or a JSON file.
std::string printable(std::string_view word) {
    constexpr std::size_t kMaxShown = 80;
    std::string shown(word.substr(0, kMaxShown));
    for (char& c : shown) {
        c = c >= 0x20 && c < 0x7f ? c : '?';
    }
    return word.size() > kMaxShown ? shown + "..." : shown;
}

/// "ads*.evil.example" as a regular expression over the whole name.
std::string regex_of_wildcard(std::string_view word) {
    std::string regex = "^";
    for (const char c : word) {
        if (c == '*') {
            regex += ".*";
        } else {
            regex += c == '.' ? "\\." : std::string(1, c);
        }
    }
    return regex + "$";
}

/// "(^|\.)evil\.example$" says no more than a name does; the name, or empty.
std::string name_of_regex(std::string_view regex) {
    for (const std::string_view start : {"(^|\\.)", "(\\.|^)", "(?:^|\\.)"}) {
        if (!regex.starts_with(start) || !regex.ends_with('$')) {
            continue;
        }
        std::string name;
        const std::string_view rest = regex.substr(start.size(), regex.size() - start.size() - 1);
        for (std::size_t i = 0; i < rest.size(); ++i) {
            const char c =
                rest[i] == '\\' && i + 1 < rest.size() && rest[i + 1] == '.' ? rest[++i] : rest[i];
            const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
                               c == '_' || (c == '.' && i > 0 && rest[i - 1] == '\\');
            if (!plain || (i == 0 && c == '.')) {
                return {};
            }
            name += c;
        }
        return name;
    }
    return {};
}

} // namespace

FeedIntake::FeedIntake(const FeedRules& rules, FeedContent& content)
    : rules_(rules), content_(content) {
    content_.categories.assign(1, "");
}

void FeedIntake::begin_file(const std::string& file) {
    file_ = &file;
    line_ = 0;
    category_ = 0;
    expiry_ = 0;
}

void FeedIntake::count_lines(std::string_view text) {
    content_.report.lines += static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
    content_.report.lines += !text.empty() && !text.ends_with('\n') ? 1 : 0;
}

void FeedIntake::set_category(std::string_view category) {
    category = trimmed(category);
    if (category.empty()) {
        category_ = 0;
        return;
    }
    const std::string shown = printable(category.substr(0, kMaxCategoryBytes));
    const auto known = category_numbers_.find(shown);
    if (known != category_numbers_.end()) {
        category_ = known->second;
    } else if (content_.categories.size() >= kMaxCategories) {
        category_ = 0;
    } else {
        category_ = static_cast<std::uint16_t>(content_.categories.size());
        content_.categories.push_back(shown);
        category_numbers_[shown] = category_;
    }
}

void FeedIntake::add_word(std::string_view word) {
    if (may_be_address(word)) {
        if (IpAddress::parse(word) || IpAddress::parse(word.substr(0, word.find('/')))) {
            add_address(word);
            return;
        }
        if (const auto range = parse_range(word)) {
            add_range(word, *range);
            return;
        }
    }
    if (word.starts_with('/')) {
        add_url(word);
        return;
    }
    std::string plain;
    if (word.find_first_of("[({") != std::string_view::npos || word.starts_with('h') ||
        word.starts_with('H')) {
        plain = refanged(word);
        if (plain != word && IpAddress::parse(plain)) {
            add_address(plain);
            return;
        }
        word = plain;
    }
    if (word.find_first_of("/?:") != std::string_view::npos) {
        add_url(word);
    } else if (word.find('*') != std::string_view::npos) {
        add_wildcard(word);
    } else {
        add_name(word);
    }
}

void FeedIntake::add_wildcard(std::string_view word) {
    if (word.starts_with("*.") && word.find('*', 1) == std::string_view::npos) {
        const std::string_view below = word.substr(2);
        // An address that a converter took for a name: it has nothing below it, so it is meant
        // itself.
        if (IpAddress::parse(below)) {
            add_address(below);
        } else {
            add_name(word);
        }
        return;
    }
    const std::string lower = lower_case(word);
    std::string bare = lower;
    std::erase(bare, '*');
    const bool listed_all = bare.find_first_not_of('.') == std::string::npos;
    const bool odd =
        bare.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-_") != std::string::npos;
    if (listed_all || odd) {
        reject_name(word, listed_all ? "a wildcard that matches everything"
                                     : "no wildcard over host names");
        return;
    }
    // What is left of the last star must not be a whole public suffix with nothing to tell names
    // apart.
    const std::string_view tail = std::string_view(lower).substr(lower.rfind('*') + 1);
    if (lower.find_first_not_of('*') == lower.rfind('*') + 1 && tail.starts_with('.') &&
        !why_refused(parse_feed_name(tail.substr(1)), rules_).empty()) {
        refuse(word, why_refused(parse_feed_name(tail.substr(1)), rules_));
        return;
    }
    add_pattern(regex_of_wildcard(lower));
}

void FeedIntake::add_name(std::string_view word) {
    // ".name" is how proxies write a name with all below it.
    const bool dotted = word.starts_with('.') && word.size() > 1;
    add_parsed_name(word, parse_feed_name(dotted ? word.substr(1) : word));
}

void FeedIntake::add_parsed_name(std::string_view word, FeedName parsed) {
    if (!parsed.reason.empty()) {
        reject_name(word, parsed.reason);
        return;
    }
    const std::string why = why_refused(parsed, rules_);
    if (!why.empty()) {
        refuse(word, why);
        return;
    }
    ThreatEntry entry;
    entry.kind = parsed.below_only ? ThreatKind::name_below : ThreatKind::name;
    entry.name = std::move(parsed.name);
    if (take(word)) {
        add(std::move(entry));
    }
}

void FeedIntake::add_address(std::string_view word) {
    const std::optional<IpPrefix> loose = word.find('/') == std::string_view::npos
                                              ? IpPrefix::parse(word)
                                              : IpPrefix::parse_interface(word);
    if (!loose) {
        // "1.2.3.4/gate.php" begins like a prefix.
        if (word.find('/') != std::string_view::npos &&
            !is_number(word.substr(word.find('/') + 1))) {
            add_url(word);
        } else {
            reject(word, "a prefix length that is no number or too long");
        }
        return;
    }
    if (loose->network() != *loose) {
        reject(word, "host bits are set; expected " + loose->network().to_string());
        return;
    }
    add_prefix(word, *loose);
}

void FeedIntake::add_prefix(std::string_view word, const IpPrefix& prefix) {
    const std::string why = why_refused(prefix, rules_);
    if (!why.empty()) {
        refuse(word, why);
        return;
    }
    ThreatEntry entry;
    entry.kind = ThreatKind::prefix;
    entry.prefix = prefix;
    if (take(word)) {
        add(std::move(entry));
    }
}

void FeedIntake::add_range(std::string_view word, const AddressRange& range) {
    const std::vector<IpPrefix> prefixes = prefixes_of(range);
    // A range is one statement: if any part of it is dangerous, none of it is taken.
    for (const IpPrefix& prefix : prefixes) {
        const std::string why = why_refused(prefix, rules_);
        if (!why.empty()) {
            refuse(word, why);
            return;
        }
    }
    for (const IpPrefix& prefix : prefixes) {
        add_prefix(word, prefix);
    }
}

void FeedIntake::add_url(std::string_view word) {
    if (word.starts_with('/')) {
        if (word.size() < 3 || word.size() > 2048) {
            reject(word, "a path of nearly nothing, or longer than 2048 bytes");
        } else {
            keep_unmatched(word, UnmatchedKind::path, std::string(word));
        }
        return;
    }
    const std::string plain = refanged(word);
    FeedUrl url = parse_feed_url(plain);
    if (!url.reason.empty()) {
        url.bad_name ? reject_name(word, url.reason) : reject(word, url.reason);
        return;
    }
    if (!url.is_address && url.host.find('.') == std::string::npos) {
        reject_name(word, "a host of one label");
        return;
    }
    // Our own services must not be reachable in part only.
    const std::optional<IpPrefix> address =
        url.is_address ? IpPrefix::parse(url.host) : std::nullopt;
    FeedRules own_only = FeedRules::for_allow_list();
    own_only.own_prefixes = rules_.own_prefixes;
    own_only.own_names = rules_.own_names;
    own_only.refuse_internal = rules_.refuse_internal;
    FeedName name;
    name.name = url.host;
    const std::string why = address ? why_refused(*address, own_only) : why_refused(name, own_only);
    if (!why.empty()) {
        refuse(word, why);
        return;
    }
    keep_unmatched(word, url.kind, std::move(url.text));
}

void FeedIntake::add_pattern(std::string_view regex) {
    const std::string name = name_of_regex(regex);
    if (!name.empty()) {
        add_name(name);
        return;
    }
    if (regex.size() > kMaxPatternBytes) {
        reject(regex, "a pattern longer than 1024 bytes");
        return;
    }
    if (content_.report.unmatched_by_kind[static_cast<std::size_t>(UnmatchedKind::pattern)] >=
        kMaxPatterns) {
        reject(regex, "more than " + std::to_string(kMaxPatterns) + " patterns in one feed");
        return;
    }
    const std::string why = dataplane::pattern_fault(regex);
    if (!why.empty()) {
        reject(regex, why);
        return;
    }
    keep_unmatched(regex, UnmatchedKind::pattern, std::string(regex));
}

void FeedIntake::add_exception(std::string_view word) {
    FeedName name = parse_feed_name(word);
    if (name.reason.empty()) {
        skip();
        exceptions_.push_back(std::move(name.name));
    } else {
        reject(word, "an exception for what is no name: " + name.reason);
    }
}

void FeedIntake::keep_unmatched(std::string_view word, UnmatchedKind kind, std::string text) {
    if (!take(word)) {
        return;
    }
    if (!unmatched_seen_
             .insert(std::string(1, static_cast<char>('0' + static_cast<int>(kind))) + text)
             .second) {
        ++content_.report.duplicate;
        return;
    }
    ++content_.report.unmatched;
    ++content_.report.unmatched_by_kind[static_cast<std::size_t>(kind)];
    content_.unmatched.push_back({kind, category_, line_, std::move(text)});
}

bool FeedIntake::take(std::string_view word) {
    if (rules_.now != 0 && expiry_ != 0 && expiry_ <= rules_.now) {
        ++content_.report.entries_seen;
        ++content_.report.expired;
        return false;
    }
    if (content_.entries.size() + content_.unmatched.size() >= rules_.max_entries) {
        reject(word, "more than " + std::to_string(rules_.max_entries) + " entries in one feed");
        return false;
    }
    ++content_.report.entries_seen;
    return true;
}

void FeedIntake::add(ThreatEntry entry) {
    entry.line = line_;
    entry.category = category_;
    content_.entries.push_back(std::move(entry));
    expiries_.push_back(expiry_);
}

void FeedIntake::reject(std::string_view word, const std::string& why) {
    ++content_.report.entries_seen;
    ++content_.report.rejected;
    note(content_.report.rejected_lines, line_, word, why);
}

void FeedIntake::reject_name(std::string_view word, const std::string& why) {
    ++content_.report.bad_names;
    reject(word, why);
}

void FeedIntake::refuse(std::string_view word, const std::string& why) {
    ++content_.report.entries_seen;
    ++content_.report.refused;
    note(content_.report.refused_lines, line_, word, why);
}

void FeedIntake::note(std::vector<FeedLineNote>& notes, std::uint32_t line, std::string_view word,
                      const std::string& why) {
    if (notes.size() < rules_.max_reported_lines) {
        notes.push_back({*file_, line, "\"" + printable(word) + "\": " + why});
    }
}

void FeedIntake::set_truncated(const std::string& why) {
    if (content_.report.truncated.empty()) {
        content_.report.truncated = *file_ + ":" + std::to_string(line_) + ": " + why;
    }
}

void FeedIntake::apply_exceptions() {
    if (exceptions_.empty()) {
        return;
    }
    const std::unordered_set<std::string_view> excepted(exceptions_.begin(), exceptions_.end());
    std::unordered_set<std::string_view> above; // what an exception lies below of, itself left out
    for (const std::string& name : exceptions_) {
        for (std::size_t dot = name.find('.'); dot != std::string::npos;
             dot = name.find('.', dot + 1)) {
            above.insert(std::string_view(name).substr(dot + 1));
        }
    }
    std::size_t kept = 0;
    for (std::size_t i = 0; i < content_.entries.size(); ++i) {
        ThreatEntry& entry = content_.entries[i];
        bool touched = entry.kind != ThreatKind::prefix && above.contains(entry.name);
        for (std::string_view name = entry.name; !touched && !name.empty();) {
            touched = excepted.contains(name);
            const std::size_t dot = name.find('.');
            name = dot == std::string_view::npos ? std::string_view() : name.substr(dot + 1);
        }
        if (touched) {
            ++content_.report.refused;
            note(content_.report.refused_lines, entry.line, entry.text(),
                 "touches an exception of its own list");
            continue;
        }
        if (kept != i) {
            content_.entries[kept] = std::move(entry);
        }
        expiries_[kept++] = expiries_[i];
    }
    content_.entries.resize(kept);
    expiries_.resize(kept);
}

void FeedIntake::finish() {
    apply_exceptions();
    FeedReport& report = content_.report;
    const std::vector<ThreatFate> fates = dataplane::judge_entries(content_.entries);
    std::size_t kept = 0;
    for (const ThreatFate fate : fates) {
        kept += fate == ThreatFate::kept ? 1 : 0;
        report.duplicate += fate == ThreatFate::duplicate ? 1 : 0;
        report.shadowed += fate == ThreatFate::shadowed ? 1 : 0;
    }
    report.loaded = kept;
    for (const std::int64_t end : expiries_) {
        if (end != 0 && (report.next_expiry == 0 || end < report.next_expiry)) {
            report.next_expiry = end;
        }
    }
    if (report.next_expiry != 0) {
        content_.expiries = std::move(expiries_);
        return;
    }
    std::size_t to = 0;
    for (std::size_t i = 0; i < fates.size(); ++i) {
        if (fates[i] == ThreatFate::kept) {
            if (to != i) {
                content_.entries[to] = std::move(content_.entries[i]);
            }
            ++to;
        }
    }
    content_.entries.resize(to);
}

} // namespace foregate::control
