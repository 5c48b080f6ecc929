// SPDX-License-Identifier: BSD-3-Clause
// Lists of one entry a line, each line by the format that it is in.
#include "control/threat/formats/feed_format.h"

#include "control/threat/feed_text.h"

#include <map>

namespace foregate::control {

namespace {

constexpr std::size_t kMaxLineBytes = 8192;

/// Rules of ad-blockers that hide parts of a page. Some begin like a comment.
bool hides_elements(std::string_view line) {
    for (const std::string_view mark : {"##", "#@#", "#?#", "#$#", "#%#"}) {
        const std::size_t at = line.find(mark);
        if (at != std::string_view::npos && at + mark.size() < line.size() &&
            kFeedBlanks.find(line[at + mark.size()]) == std::string_view::npos) {
            return true;
        }
    }
    return false;
}

bool is_adblock_list(const FeedHead& head) {
    return head.count([](std::string_view line) {
        return line.starts_with("||") || line.starts_with("[Adblock");
    }) > 0;
}

/// Nine tenths decide what a list is called.
std::string name_of(const std::map<std::string_view, std::size_t>& counts, bool any_entry) {
    std::size_t all = 0;
    for (const auto& [name, count] : counts) {
        all += count;
    }
    if (all == 0) {
        return any_entry ? "unknown" : "empty";
    }
    for (const auto& [name, count] : counts) {
        if (count * 10 >= all * 9) {
            return std::string(name);
        }
    }
    return "mixed";
}

std::string read_lines(const FeedHead& head, FeedIntake& intake) {
    const bool adblock = is_adblock_list(head);
    const std::size_t before = intake.entries_seen();
    std::map<std::string_view, std::size_t> counts;
    std::string_view rest = head.text;
    while (!rest.empty()) {
        const bool unended = rest.find('\n') == std::string_view::npos;
        const std::string_view line = trimmed(take_line(rest));
        intake.begin_line();
        if (adblock && hides_elements(line)) {
            intake.skip();
            continue;
        }
        if (line.empty() || FeedHead::is_comment(line)) {
            continue;
        }
        if (line.size() > kMaxLineBytes) {
            intake.reject(line.substr(0, 32), "a line longer than 8192 bytes");
            continue;
        }
        const std::size_t rejected = intake.rejected();
        for (const LineFormat& format : line_formats()) {
            if (format.takes(line)) {
                ++counts[format.name];
                format.read_line(line, intake);
                break;
            }
        }
        // Many lists end without a line feed; one that also ends in nonsense was cut off.
        if (unended && intake.rejected() != rejected) {
            intake.set_truncated("the last line has no end and is not understood");
        }
    }
    return name_of(counts, intake.entries_seen() != before);
}

bool takes_all(const FeedHead&) {
    return true;
}

} // namespace

const FeedFormat kLines{"lines", takes_all, read_lines};

} // namespace foregate::control
