// SPDX-License-Identifier: BSD-3-Clause
#include "control/threat/feed_text.h"

#include <algorithm>
#include <array>
#include <chrono>

namespace foregate::control {

namespace {

/// `count` digits at `at`, or -1.
int digits(std::string_view text, std::size_t at, std::size_t count) {
    if (at + count > text.size() || !is_number(text.substr(at, count))) {
        return -1;
    }
    int value = 0;
    for (const char digit : text.substr(at, count)) {
        value = value * 10 + (digit - '0');
    }
    return value;
}

} // namespace

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kEnds = " \t\v\f\r";
    const std::size_t first = text.find_first_not_of(kEnds);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(kEnds) - first + 1);
}

std::string_view without_comment(std::string_view line, std::string_view marks) {
    for (std::size_t i = 1; i < line.size(); ++i) {
        if (marks.find(line[i]) != std::string_view::npos &&
            kFeedBlanks.find(line[i - 1]) != std::string_view::npos) {
            return line.substr(0, i);
        }
    }
    return line;
}

std::vector<std::string_view> split_words(std::string_view line) {
    std::vector<std::string_view> words;
    std::size_t at = line.find_first_not_of(kFeedBlanks);
    while (at != std::string_view::npos) {
        const std::size_t end = std::min(line.find_first_of(kFeedBlanks, at), line.size());
        words.push_back(line.substr(at, end - at));
        at = line.find_first_not_of(kFeedBlanks, end);
    }
    return words;
}

std::vector<std::string_view> split_at(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (true) {
        const std::size_t end = text.find(separator);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos) {
            return parts;
        }
        text.remove_prefix(end + 1);
    }
}

bool is_number(std::string_view word) {
    return !word.empty() && word.find_first_not_of("0123456789") == std::string_view::npos;
}

bool may_be_address(std::string_view word) {
    constexpr auto kAllowed = [] {
        std::array<bool, 256> allowed{};
        for (const char c : std::string_view("0123456789abcdefABCDEF:./- ")) {
            allowed[static_cast<unsigned char>(c)] = true;
        }
        return allowed;
    }();
    // "203.0.113.7/gate.php" begins like a prefix; what follows the slash is looked at later.
    word = word.substr(0, word.find('/'));
    return std::all_of(word.begin(), word.end(),
                       [&](char c) { return kAllowed[static_cast<unsigned char>(c)]; });
}

std::string lower_case(std::string_view text) {
    std::string lower(text);
    std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return lower;
}

std::string_view take_line(std::string_view& text) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    return line;
}

std::string_view without_mark(std::string_view text) {
    constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
    return text.starts_with(kByteOrderMark) ? text.substr(kByteOrderMark.size()) : text;
}

std::int64_t parse_feed_time(std::string_view text) {
    const int year = digits(text, 0, 4);
    const int month = digits(text, 5, 2);
    const int day = digits(text, 8, 2);
    if (year < 1970 || month < 1 || day < 1 || text[4] != '-' || text[7] != '-') {
        return 0;
    }
    const std::chrono::year_month_day date{std::chrono::year(year),
                                           std::chrono::month(static_cast<unsigned>(month)),
                                           std::chrono::day(static_cast<unsigned>(day))};
    if (!date.ok()) {
        return 0;
    }
    std::int64_t seconds =
        static_cast<std::int64_t>(std::chrono::sys_days(date).time_since_epoch().count()) * 86400;
    if (text.size() >= 19 && (text[10] == 'T' || text[10] == ' ')) {
        const std::array<int, 3> clock{digits(text, 11, 2), digits(text, 14, 2),
                                       digits(text, 17, 2)};
        if (*std::min_element(clock.begin(), clock.end()) < 0 || clock[0] > 23 || clock[1] > 59 ||
            clock[2] > 60) {
            return 0;
        }
        seconds += clock[0] * 3600 + clock[1] * 60 + clock[2];
    } else if (text.size() != 10) {
        return 0;
    }
    return seconds;
}

} // namespace foregate::control
