// SPDX-License-Identifier: BSD-3-Clause
#include "control/threat/feed_name.h"

#include "control/threat/feed_text.h"
#include "dataplane/packet/ip_address.h"

#include <idn2.h>

#include <algorithm>
#include <cstdio>

namespace foregate::control {

namespace {

constexpr std::size_t kMaxNameBytes = 253;
constexpr std::size_t kMaxLabelBytes = 63;

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_name_char(char c) {
    return (c >= 'a' && c <= 'z') || is_digit(c) || c == '_' || c == '-' || c == '.';
}

std::string describe_byte(char c) {
    const auto value = static_cast<unsigned char>(c);
    char text[48];
    if (value > 0x20 && value < 0x7f) {
        std::snprintf(text, sizeof text, "'%c' cannot stand in a host name", c);
    } else {
        std::snprintf(text, sizeof text, "byte 0x%02x cannot stand in a host name", value);
    }
    return text;
}

/// Words that are something else than a name, told apart for the sake of a useful reason.
std::string other_form(std::string_view word) {
    if (word.starts_with("||") || word.starts_with("@@") ||
        word.find("##") != std::string_view::npos || word.starts_with('[')) {
        return "an ad-blocker rule or section, not a name or an address";
    }
    if (word.find("://") != std::string_view::npos) {
        return "a URL; listing its host would widen it";
    }
    if (word.find('/') != std::string_view::npos) {
        return "a path or a malformed prefix; listing its host would widen it";
    }
    if (word.find(':') != std::string_view::npos) {
        return "an address or a name with a port; listing it without would widen it";
    }
    return {};
}

std::string check_labels(std::string_view name) {
    if (name.empty()) {
        return "an empty name";
    }
    if (name.size() > kMaxNameBytes) {
        return "longer than 253 bytes";
    }
    const auto wrong = std::find_if_not(name.begin(), name.end(), is_name_char);
    if (wrong != name.end()) {
        return describe_byte(*wrong);
    }
    std::size_t start = 0;
    while (start <= name.size()) {
        const std::size_t end = std::min(name.find('.', start), name.size());
        if (end == start) {
            return "an empty label";
        }
        if (end - start > kMaxLabelBytes) {
            return "a label longer than 63 bytes";
        }
        start = end + 1;
    }
    return {};
}

bool is_ascii(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

/// Unicode to punycode (IDNA 2008, with the mapping of case and width that browsers do); the reason
/// in `reason` when it does not go.
std::string to_punycode(const std::string& name, std::string& reason) {
    // A zero byte would end the text early, and a long one costs time for nothing.
    constexpr std::size_t kMaxUnicodeBytes = 1024;
    if (name.size() > kMaxUnicodeBytes || name.find('\0') != std::string::npos) {
        reason = "not ASCII, and no name in Unicode";
        return {};
    }
    char* converted = nullptr;
    const int status =
        idn2_to_ascii_8z(name.c_str(), &converted, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    if (status != IDN2_OK) {
        reason = std::string("not ASCII, and no name in Unicode: ") + idn2_strerror(status);
        return {};
    }
    std::string ascii = lower_case(converted);
    idn2_free(converted);
    return ascii;
}

bool last_label_is_numeric(std::string_view name) {
    const std::string_view last = name.substr(name.rfind('.') + 1);
    return std::all_of(last.begin(), last.end(), is_digit);
}

} // namespace

FeedName parse_feed_name(std::string_view word) {
    FeedName result;
    result.reason = other_form(word);
    if (!result.reason.empty()) {
        return result;
    }
    if (word.starts_with("*.")) {
        result.below_only = true;
        word.remove_prefix(2);
    }
    if (word.ends_with('.')) {
        word.remove_suffix(1);
    }
    std::string name = lower_case(word);
    if (!is_ascii(name)) {
        name = to_punycode(name, result.reason);
        if (!result.reason.empty()) {
            return result;
        }
    }
    result.reason = check_labels(name);
    if (!result.reason.empty()) {
        return result;
    }
    if (last_label_is_numeric(name)) {
        result.reason = result.below_only
                            ? "an address written as a wildcard; it is not widened"
                            : "neither an address nor a name (the last label is a number)";
        return result;
    }
    result.single_label = name.find('.') == std::string::npos;
    result.name = std::move(name);
    return result;
}

std::optional<std::string> host_of_query(std::string_view line) {
    if (dataplane::IpAddress::parse(line)) {
        return std::string(line);
    }
    const std::size_t scheme = line.find("://");
    if (scheme != std::string_view::npos) {
        line.remove_prefix(scheme + 3);
    }
    line = line.substr(0, line.find_first_of("/?#\\"));
    const std::size_t user = line.rfind('@');
    if (user != std::string_view::npos) {
        line.remove_prefix(user + 1);
    }
    const std::size_t bracket = line.find(']');
    if (line.starts_with('[') && bracket != std::string_view::npos) {
        line = line.substr(1, bracket - 1);
        return dataplane::IpAddress::parse(line) ? std::optional<std::string>(line) : std::nullopt;
    }
    line = line.substr(0, line.find(':'));
    while (line.ends_with('.')) {
        line.remove_suffix(1);
    }
    std::string host = lower_case(line);
    if (!check_labels(host).empty()) {
        return std::nullopt;
    }
    return host;
}

bool is_at_or_below(std::string_view name, std::string_view above) {
    return name.ends_with(above) &&
           (name.size() == above.size() || name[name.size() - above.size() - 1] == '.');
}

} // namespace foregate::control
