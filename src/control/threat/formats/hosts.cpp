// SPDX-License-Identifier: BSD-3-Clause
// Hosts files: "0.0.0.0 name name..." (also 127.0.0.1, ::, ::1). A line that maps a name to a real
// address is no listing.
#include "control/threat/formats/feed_format.h"

#include "control/threat/feed_text.h"
#include "control/threat/formats/sinks.h"
#include "dataplane/packet/ip_address.h"

#include <algorithm>
#include <array>

namespace foregate::control {

namespace {

// What the hosts file of an operating system holds besides.
constexpr std::array<std::string_view, 12> kLocalNames{
    "localhost",     "localhost.localdomain", "local",        "broadcasthost",
    "ip6-localhost", "ip6-loopback",          "ip6-localnet", "ip6-mcastprefix",
    "ip6-allnodes",  "ip6-allrouters",        "ip6-allhosts", "0.0.0.0"};

bool is_local(std::string_view name) {
    return std::find(kLocalNames.begin(), kLocalNames.end(), name) != kLocalNames.end();
}

bool takes(std::string_view line) {
    const std::size_t blank = line.find_first_of(kFeedBlanks);
    if (blank == std::string_view::npos || !dataplane::IpAddress::parse(line.substr(0, blank))) {
        return false;
    }
    const std::vector<std::string_view> words = split_words(without_comment(line, "#;"));
    return words.size() > 1 &&
           (is_sink_address(words[0]) || std::all_of(words.begin() + 1, words.end(), is_local));
}

void read_line(std::string_view line, FeedIntake& intake) {
    const std::vector<std::string_view> words = split_words(without_comment(line, "#;"));
    for (std::size_t i = 1; i < words.size(); ++i) {
        if (is_local(words[i])) {
            intake.skip();
        } else {
            intake.add_name(words[i]);
        }
    }
}

} // namespace

const LineFormat kHosts{"hosts", takes, read_line};

} // namespace foregate::control
