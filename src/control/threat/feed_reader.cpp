// SPDX-License-Identifier: BSD-3-Clause
#include "control/threat/feed_reader.h"

#include "control/threat/feed_name.h"
#include "control/threat/feed_rules.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

namespace foregate::control {

using dataplane::IpAddress;
using dataplane::IpPrefix;
using dataplane::ThreatEntry;
using dataplane::ThreatFate;
using dataplane::ThreatKind;

namespace {

constexpr std::size_t kMaxLineBytes = 8192;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr std::string_view kBlanks = " \t\v\f";

// What the hosts file of an operating system holds besides.
constexpr std::array<std::string_view, 12> kLocalNames{
    "localhost",     "localhost.localdomain", "local",        "broadcasthost",
    "ip6-localhost", "ip6-loopback",          "ip6-localnet", "ip6-mcastprefix",
    "ip6-allnodes",  "ip6-allrouters",        "ip6-allhosts", "0.0.0.0"};

constexpr std::array<std::string_view, 4> kSinkAddresses{"0.0.0.0", "127.0.0.1", "::", "::1"};

template <typename Range> bool has(const Range& range, std::string_view text) {
    return std::find(std::begin(range), std::end(range), text) != std::end(range);
}

bool is_number(std::string_view word) {
    return !word.empty() && word.find_first_not_of("0123456789") == std::string_view::npos;
}

std::string_view without_comment(std::string_view line) {
    for (std::size_t i = 1; i < line.size(); ++i) {
        if ((line[i] == '#' || line[i] == ';') && kBlanks.find(line[i - 1]) != kBlanks.npos) {
            return line.substr(0, i);
        }
    }
    return line;
}

std::vector<std::string_view> split_words(std::string_view line) {
    std::vector<std::string_view> words;
    std::size_t at = line.find_first_not_of(kBlanks);
    while (at != std::string_view::npos) {
        const std::size_t end = std::min(line.find_first_of(kBlanks, at), line.size());
        words.push_back(line.substr(at, end - at));
        at = line.find_first_not_of(kBlanks, end);
    }
    return words;
}

/// How many lines of each kind a feed has had, to name its format.
struct FormatCounts {
    std::size_t domains = 0;
    std::size_t hosts = 0;
    std::size_t addresses = 0;
    std::size_t scored = 0;

    [[nodiscard]] std::string name(bool any_entry) const {
        const std::size_t all = domains + hosts + addresses + scored;
        if (all == 0) {
            return any_entry ? "unknown" : "empty";
        }
        // Nine tenths decide: a stray line does not change what a file is.
        const auto most = [all](std::size_t part) { return part * 10 >= all * 9; };
        if (most(hosts)) {
            return "hosts";
        }
        if (most(domains)) {
            return "domains";
        }
        if (most(scored)) {
            return "scored addresses";
        }
        return most(addresses) ? "addresses" : "mixed";
    }
};

class FeedParser {
public:
    FeedParser(const FeedRules& rules, FeedContent& content) : rules_(rules), content_(content) {}

    void parse_file(std::string_view text, const std::string& file) {
        file_ = &file;
        line_ = 0;
        if (text.starts_with(kByteOrderMark)) {
            text.remove_prefix(kByteOrderMark.size());
        }
        while (!text.empty()) {
            const std::size_t end = std::min(text.find('\n'), text.size());
            ++line_;
            ++content_.report.lines;
            parse_line(text.substr(0, end));
            text.remove_prefix(std::min(end + 1, text.size()));
        }
    }

    /// Compacts what was read and completes the report.
    void finish() {
        FeedReport& report = content_.report;
        const std::vector<ThreatFate> fates = dataplane::judge_entries(content_.entries);
        report.duplicate +=
            static_cast<std::size_t>(std::count(fates.begin(), fates.end(), ThreatFate::duplicate));
        report.shadowed +=
            static_cast<std::size_t>(std::count(fates.begin(), fates.end(), ThreatFate::shadowed));
        dataplane::compact(content_.entries);
        report.loaded = content_.entries.size();
        report.format = formats_.name(report.entries_seen > 0);
    }

private:
    void parse_line(std::string_view line) {
        if (line.ends_with('\r')) {
            line.remove_suffix(1);
        }
        const std::size_t first = line.find_first_not_of(kBlanks);
        if (first == std::string_view::npos ||
            std::string_view("#;!").find(line[first]) != std::string_view::npos) {
            return;
        }
        if (line.size() > kMaxLineBytes) {
            reject(line.substr(0, 32), "a line longer than 8192 bytes");
            return;
        }
        const std::vector<std::string_view> words = split_words(without_comment(line));
        if (IpAddress::parse(words[0])) {
            parse_address_line(words);
        } else if (IpAddress::parse(words[0].substr(0, words[0].find('/')))) {
            parse_prefix_line(words);
        } else if (words.size() > 1) {
            reject(line.substr(first),
                   "more than one word; expected a name, an address or a prefix");
        } else {
            ++formats_.domains;
            add_name(words[0]);
        }
    }

    void parse_address_line(const std::vector<std::string_view>& words) {
        const bool scored = words.size() == 2 && is_number(words[1]);
        if (words.size() == 1 || scored) {
            ++(scored ? formats_.scored : formats_.addresses);
            add_prefix(words[0], IpPrefix::parse(words[0]));
            return;
        }
        if (!has(kSinkAddresses, words[0])) {
            parse_other_hosts_line(words);
            return;
        }
        ++formats_.hosts;
        for (std::size_t i = 1; i < words.size(); ++i) {
            if (!has(kLocalNames, words[i])) {
                add_name(words[i]);
            }
        }
    }

    /// "255.255.255.255 broadcasthost" is part of every hosts file; "203.0.113.5 a.example" is not
    /// a listing but a mapping.
    void parse_other_hosts_line(const std::vector<std::string_view>& words) {
        const bool local = std::all_of(words.begin() + 1, words.end(), [](std::string_view word) {
            return has(kLocalNames, word);
        });
        if (!local) {
            reject(words[0], "words behind an address; a hosts line starts with 0.0.0.0, "
                             "127.0.0.1, :: or ::1");
        }
    }

    void parse_prefix_line(const std::vector<std::string_view>& words) {
        if (words.size() > 2 || (words.size() == 2 && !is_number(words[1]))) {
            reject(words[0], "words behind a prefix; expected a count or a comment");
            return;
        }
        const std::optional<IpPrefix> loose = IpPrefix::parse_interface(words[0]);
        if (!loose) {
            reject(words[0], "a prefix length that is no number or too long");
            return;
        }
        if (loose->network() != *loose) {
            reject(words[0], "host bits are set; expected " + loose->network().to_string());
            return;
        }
        ++formats_.addresses;
        add_prefix(words[0], loose);
    }

    void add_prefix(std::string_view word, const std::optional<IpPrefix>& prefix) {
        if (!prefix) {
            reject(word, "not an address");
            return;
        }
        const std::string why = why_refused(*prefix, rules_);
        if (!why.empty()) {
            refuse(word, why);
            return;
        }
        ThreatEntry entry;
        entry.kind = ThreatKind::prefix;
        entry.prefix = *prefix;
        add(std::move(entry));
    }

    void add_name(std::string_view word) {
        FeedName parsed = parse_feed_name(word);
        if (!parsed.reason.empty()) {
            reject(word, parsed.reason);
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
        add(std::move(entry));
    }

    void add(ThreatEntry entry) {
        ++content_.report.entries_seen;
        entry.line = line_;
        content_.entries.push_back(std::move(entry));
    }

    void reject(std::string_view word, const std::string& why) {
        ++content_.report.rejected;
        note(content_.report.rejected_lines, word, why);
    }

    void refuse(std::string_view word, const std::string& why) {
        ++content_.report.refused;
        note(content_.report.refused_lines, word, why);
    }

    void note(std::vector<FeedLineNote>& notes, std::string_view word, const std::string& why) {
        ++content_.report.entries_seen;
        if (notes.size() < rules_.max_reported_lines) {
            notes.push_back({*file_, line_, "\"" + printable(word) + "\": " + why});
        }
    }

    /// Control bytes and broken text must not reach a terminal or a JSON file.
    static std::string printable(std::string_view word) {
        constexpr std::size_t kMaxShown = 80;
        std::string shown(word.substr(0, kMaxShown));
        for (char& c : shown) {
            c = c >= 0x20 && c < 0x7f ? c : '?';
        }
        return word.size() > kMaxShown ? shown + "..." : shown;
    }

    const FeedRules& rules_;
    FeedContent& content_;
    const std::string* file_ = nullptr;
    std::uint32_t line_ = 0;
    FormatCounts formats_;
};

std::string read_whole_file(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    if (!in) {
        throw FeedUnreadable(path.string() + ": cannot open: " + std::strerror(errno));
    }
    std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    if (in.bad()) {
        throw FeedUnreadable(path.string() + ": cannot read: " + std::strerror(errno));
    }
    return text;
}

std::vector<std::filesystem::path> files_of(const std::filesystem::path& path) {
    std::error_code error;
    if (!std::filesystem::is_directory(path, error)) {
        return {path};
    }
    std::vector<std::filesystem::path> files;
    std::filesystem::directory_iterator entries(path, error);
    if (error) {
        throw FeedUnreadable(path.string() + ": cannot list: " + error.message());
    }
    for (const auto& entry : entries) {
        if (entry.is_regular_file() && !entry.path().filename().string().starts_with('.')) {
            files.push_back(entry.path());
        }
    }
    std::sort(files.begin(), files.end());
    return files;
}

} // namespace

std::string FeedLineNote::to_string() const {
    return file + ":" + std::to_string(line) + ": " + message;
}

FeedContent read_feed_text(std::string_view text, const std::string& path, const FeedRules& rules) {
    FeedContent content;
    content.report.path = path;
    FeedParser parser(rules, content);
    parser.parse_file(text, path);
    parser.finish();
    return content;
}

FeedContent read_feed(const std::filesystem::path& path, const FeedRules& rules) {
    FeedContent content;
    content.report.path = path.string();
    FeedParser parser(rules, content);
    for (const std::filesystem::path& file : files_of(path)) {
        parser.parse_file(read_whole_file(file), file.string());
    }
    parser.finish();
    return content;
}

} // namespace foregate::control
