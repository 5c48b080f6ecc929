// SPDX-License-Identifier: BSD-3-Clause
// Where the readers of all formats hand in what they found: words become entries, or are rejected,
// refused or kept aside, each counted once. Control core only.
#pragma once

#include "control/threat/feed_content.h"
#include "control/threat/feed_name.h"
#include "control/threat/feed_url.h"

#include <map>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace foregate::control {

struct AddressRange;

class FeedIntake {
public:
    /// Both outlive the intake.
    FeedIntake(const FeedRules& rules, FeedContent& content);

    /// From here on, lines are of this file; the name outlives the intake.
    void begin_file(const std::string& file);
    /// The line that what follows stands in; counted by begin_line() only.
    void set_line(std::uint32_t line) noexcept { line_ = line; }
    void begin_line() {
        ++line_;
        ++content_.report.lines;
    }

    /// Counts all lines of `text` at once, for formats without them.
    void count_lines(std::string_view text);

    /// What the next entries say of themselves; both hold until set anew.
    void set_category(std::string_view category);
    void set_expiry(std::int64_t seconds) noexcept { expiry_ = seconds; }

    /// Anything: an address, a prefix, a range, a name, "*.name", ".name", a URL, a path, a host
    /// with a port, a name with stars in it, or such a word defanged.
    void add_word(std::string_view word);
    /// A name or "*.name"; ".name" as a name.
    void add_name(std::string_view word);
    /// An address or prefix and nothing else; host bits clear.
    void add_address(std::string_view word);
    void add_range(std::string_view word, const AddressRange& range);
    /// A URL, a path, or a host with a port.
    void add_url(std::string_view word);
    /// A regular expression over host names; tried alone before it is kept.
    void add_pattern(std::string_view regex);

    /// The list itself says that this name is not meant: entries that cover it, or that it covers,
    /// are refused when the feed ends.
    void add_exception(std::string_view word);
    void reject(std::string_view word, const std::string& why);
    /// Something that lists nothing and is no mistake.
    void skip() noexcept { ++content_.report.skipped; }
    /// The file ends in the middle of something.
    void set_truncated(const std::string& why);

    [[nodiscard]] std::uint32_t line() const noexcept { return line_; }
    [[nodiscard]] std::size_t entries_seen() const noexcept { return content_.report.entries_seen; }

    [[nodiscard]] std::size_t rejected() const noexcept { return content_.report.rejected; }

    /// Judges the entries against each other and completes the report but for the format.
    void finish();

private:
    void add_prefix(std::string_view word, const dataplane::IpPrefix& prefix);
    void add_parsed_name(std::string_view word, FeedName parsed);
    void add_wildcard(std::string_view word);
    void keep_unmatched(std::string_view word, UnmatchedKind kind, std::string text);
    void add(dataplane::ThreatEntry entry);
    /// Counts the entry; false when it is expired or one too many.
    bool take(std::string_view word);
    void reject_name(std::string_view word, const std::string& why);
    void refuse(std::string_view word, const std::string& why);
    void note(std::vector<FeedLineNote>& notes, std::uint32_t line, std::string_view word,
              const std::string& why);
    void apply_exceptions();

    const FeedRules& rules_;
    FeedContent& content_;
    const std::string* file_ = nullptr;
    std::uint32_t line_ = 0;
    std::uint16_t category_ = 0;
    std::int64_t expiry_ = 0;
    std::map<std::string, std::uint16_t, std::less<>> category_numbers_;
    std::vector<std::int64_t> expiries_;             ///< as FeedContent::expiries, for every entry
    std::unordered_set<std::string> unmatched_seen_; ///< kind and text
    std::vector<std::string> exceptions_;
};

} // namespace foregate::control
