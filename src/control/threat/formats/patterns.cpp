// SPDX-License-Identifier: BSD-3-Clause
// Regular expressions over host names, as Pi-hole and others list them:
// "(^|\.)ads[0-9]+\.example$", AdGuard's "/ads[0-9]+\.example/". One that says no more than a name
// does becomes that name.
#include "control/threat/formats/feed_format.h"

#include "control/threat/feed_text.h"

namespace foregate::control {

namespace {

constexpr std::string_view kMeta = "\\^$()[]{}|+";

/// "/dir/" is a path; between the slashes of a pattern there is something that no path has.
bool is_slashed(std::string_view line) {
    if (line.size() < 4 || !line.starts_with('/') || line.find('/', 1) != line.size() - 1) {
        return false;
    }
    return line.find_first_of("^$()[]{}|") != std::string_view::npos ||
           line.find("\\.") != std::string_view::npos || line.find("\\d") != std::string_view::npos;
}

bool takes(std::string_view line) {
    line = trimmed(without_comment(line, "#;"));
    if (is_slashed(line)) {
        return true;
    }
    const std::size_t meta = line.find_first_of(kMeta);
    if (meta == std::string_view::npos ||
        line.find_first_of(kFeedBlanks) != std::string_view::npos) {
        return false;
    }
    // "[2001:db8::1]:443", "evil[.]example" and "host/path?(x)" are no patterns.
    const bool bracket_word = line.find("[.]") != std::string_view::npos ||
                              line.find("[:") != std::string_view::npos || line.starts_with('[') ||
                              line.starts_with('{');
    return !bracket_word && line.find_first_of("/?:") > meta &&
           line.find("://") == std::string_view::npos;
}

void read_line(std::string_view line, FeedIntake& intake) {
    line = trimmed(without_comment(line, "#;"));
    intake.add_pattern(is_slashed(line) ? line.substr(1, line.size() - 2) : line);
}

} // namespace

const LineFormat kPatterns{"patterns", takes, read_line};

} // namespace foregate::control
