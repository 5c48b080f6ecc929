// SPDX-License-Identifier: BSD-3-Clause
// Lines and values of text protocols, read leniently. Inside classify/ only; pure.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace foregate::dataplane {

constexpr char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

constexpr bool equal_folded(std::string_view text, std::string_view lower_case) noexcept {
    return text.size() == lower_case.size() &&
           std::equal(text.begin(), text.end(), lower_case.begin(),
                      [](char a, char b) { return lower(a) == b; });
}

constexpr bool is_blank(char c) noexcept {
    return c == ' ' || c == '\t';
}

constexpr std::string_view trimmed(std::string_view text) noexcept {
    while (!text.empty() && is_blank(text.front())) {
        text.remove_prefix(1);
    }
    while (!text.empty() && is_blank(text.back())) {
        text.remove_suffix(1);
    }
    return text;
}

/// Takes one line off `rest`, without its CRLF or LF; false when its end is not there yet.
constexpr bool take_line(std::string_view& rest, std::string_view& line) noexcept {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) {
        return false;
    }
    line = rest.substr(0, end);
    if (!line.empty() && line.back() == '\r') {
        line.remove_suffix(1);
    }
    rest.remove_prefix(end + 1);
    return true;
}

struct HeaderField {
    std::string_view name;
    std::string_view value;
};

/// "name: value" without the blanks around both; an empty name when the line has no colon.
constexpr HeaderField header_field(std::string_view line) noexcept {
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) {
        return {};
    }
    return {trimmed(line.substr(0, colon)), trimmed(line.substr(colon + 1))};
}

} // namespace foregate::dataplane
