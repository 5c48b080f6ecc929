// SPDX-License-Identifier: BSD-3-Clause
// Suricata's reputation lists: "address,category,score" or "prefix,category,score" (score 0..127; 0
// says that nothing is held against it). The category is a number of the site's own; shown as
// iprep-N.
#include "control/threat/formats/feed_format.h"

#include "control/threat/feed_text.h"
#include "dataplane/packet/ip_address.h"

namespace foregate::control {

namespace {

bool is_reputation(std::string_view line) {
    const std::vector<std::string_view> parts = split_at(line, ',');
    return parts.size() == 3 &&
           dataplane::IpAddress::parse(parts[0].substr(0, parts[0].find('/'))) &&
           is_number(trimmed(parts[1])) && is_number(trimmed(parts[2]));
}

bool recognises(const FeedHead& head) {
    return head.mostly(head.count(is_reputation));
}

std::string read(const FeedHead& head, FeedIntake& intake) {
    std::string_view rest = head.text;
    while (!rest.empty()) {
        const bool unended = rest.find('\n') == std::string_view::npos;
        const std::string_view line = trimmed(take_line(rest));
        intake.begin_line();
        if (line.empty() || FeedHead::is_comment(line)) {
            continue;
        }
        if (!is_reputation(line)) {
            intake.reject(line, "expected address,category,score");
            if (unended) {
                intake.set_truncated("the last line has no end and is not understood");
            }
            continue;
        }
        const std::vector<std::string_view> parts = split_at(line, ',');
        if (trimmed(parts[2]).find_first_not_of('0') == std::string_view::npos) {
            intake.skip();
            continue;
        }
        intake.set_category("iprep-" + std::string(trimmed(parts[1])));
        intake.add_address(parts[0]);
    }
    return "iprep";
}

} // namespace

const FeedFormat kReputation{"iprep", recognises, read};

} // namespace foregate::control
