// SPDX-License-Identifier: BSD-3-Clause
// unbound's configuration: `local-zone: "name" always_nxdomain` lists the name and everything below
// it, `local-data: "name A 0.0.0.0"` the name. Zone types are those of unbound.conf(5).
#include "control/threat/formats/feed_format.h"

#include "control/threat/feed_text.h"
#include "control/threat/formats/sinks.h"

#include <algorithm>
#include <array>

namespace foregate::control {

namespace {

constexpr std::array<std::string_view, 12> kDenying{
    "always_nxdomain", "always_refuse", "always_deny", "always_null", "always_nodata",
    "refuse",          "deny",          "static",      "redirect",    "inform_deny",
    "inform_redirect", "nxdomain"};

bool takes(std::string_view line) {
    return line.starts_with("local-zone:") || line.starts_with("local-data:") ||
           line.starts_with("local-data-ptr:") || line == "server:" ||
           line.starts_with("local-zone-tag:");
}

/// The text in quotes, or the first word; what follows in `rest`.
std::string_view take_value(std::string_view& rest) {
    rest = trimmed(rest);
    if (rest.starts_with('"') || rest.starts_with('\'')) {
        const char quote = rest.front();
        const std::size_t end = std::min(rest.find(quote, 1), rest.size());
        const std::string_view value = rest.substr(1, end - 1);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        return value;
    }
    const std::size_t end = std::min(rest.find_first_of(kFeedBlanks), rest.size());
    const std::string_view value = rest.substr(0, end);
    rest.remove_prefix(end);
    return value;
}

void read_zone(std::string_view line, std::string_view rest, FeedIntake& intake) {
    const std::string_view name = take_value(rest);
    const std::string_view type = take_value(rest);
    if (std::find(kDenying.begin(), kDenying.end(), type) == kDenying.end()) {
        intake.reject(line,
                      "a zone that answers; expected a type that denies, such as always_nxdomain");
    } else {
        intake.add_name(name);
    }
}

/// "name [ttl] [IN] A 0.0.0.0"
void read_data(std::string_view line, std::string_view rest, FeedIntake& intake) {
    const std::vector<std::string_view> words = split_words(take_value(rest));
    if (words.size() < 3 || !is_sink_address(words.back())) {
        intake.reject(line, "it maps the name; that is no listing");
    } else {
        intake.add_name(words.front());
    }
}

void read_line(std::string_view line, FeedIntake& intake) {
    const std::string_view value = without_comment(line, "#").substr(line.find(':') + 1);
    if (line.starts_with("local-zone:")) {
        read_zone(line, value, intake);
    } else if (line.starts_with("local-data:")) {
        read_data(line, value, intake);
    } else {
        intake.skip();
    }
}

} // namespace

const LineFormat kUnbound{"unbound", takes, read_line};

} // namespace foregate::control
