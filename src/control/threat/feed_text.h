// SPDX-License-Identifier: BSD-3-Clause
// Words and lines of a feed's text. Pure; views into the text given.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace foregate::control {

inline constexpr std::string_view kFeedBlanks = " \t\v\f";

/// Without blanks and carriage returns at both ends.
[[nodiscard]] std::string_view trimmed(std::string_view text);

/// Without what follows a blank and one of `marks`.
[[nodiscard]] std::string_view without_comment(std::string_view line, std::string_view marks);

[[nodiscard]] std::vector<std::string_view> split_words(std::string_view line);

/// Every part between separators, empty ones included.
[[nodiscard]] std::vector<std::string_view> split_at(std::string_view text, char separator);

/// Digits only, at least one.
[[nodiscard]] bool is_number(std::string_view word);

/// False for what is surely no address, prefix or range of addresses: cheaper than parsing, and
/// most words of most lists are names.
[[nodiscard]] bool may_be_address(std::string_view word);

/// ASCII only; other bytes stay.
[[nodiscard]] std::string lower_case(std::string_view text);

/// The next line of `text` without its end, which is taken off; `text` must not be empty.
[[nodiscard]] std::string_view take_line(std::string_view& text);

/// Without a byte order mark.
[[nodiscard]] std::string_view without_mark(std::string_view text);

/// Seconds of 1970 from "2025-07-19T12:11:28Z", "2025-07-19 12:11:28" or "2025-07-19" (UTC); 0 when
/// it is none of them or before 1970.
[[nodiscard]] std::int64_t parse_feed_time(std::string_view text);

} // namespace foregate::control
