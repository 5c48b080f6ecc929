// SPDX-License-Identifier: BSD-3-Clause
// Internet Explorer's tracking protection lists: "msFilterList", "-d name" and "-d name path".
#include "control/threat/formats/feed_format.h"

#include "control/threat/feed_text.h"

namespace foregate::control {

namespace {

bool takes(std::string_view line) {
    return line == "msFilterList" || line.starts_with(": Expires=") || line.starts_with("-d ") ||
           line.starts_with("+d ") || (line.starts_with("- ") && line.size() > 2);
}

void read_line(std::string_view line, FeedIntake& intake) {
    if (line.starts_with('m') || line.starts_with(':')) {
        intake.skip();
        return;
    }
    const std::vector<std::string_view> words = split_words(line);
    if (line.starts_with("- ")) {
        intake.reject(line, "a part of an address, on any host");
    } else if (line.starts_with('+')) {
        intake.add_exception(words[1]);
    } else if (words.size() == 2) {
        intake.add_word(words[1]);
    } else {
        // "-d name path": the path of that host, never the host.
        intake.add_url(std::string(words[1]) + (words[2].starts_with('/') ? "" : "/") +
                       std::string(words[2]));
    }
}

} // namespace

const LineFormat kTrackingProtectionList{"tpl", takes, read_line};

} // namespace foregate::control
