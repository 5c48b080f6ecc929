// SPDX-License-Identifier: BSD-3-Clause
// One word a line: addresses and prefixes (with a count or without), names, wildcards, URLs, paths
// and hosts with ports. Comments begin with a blank and # or ;.
#include "control/threat/formats/feed_format.h"

#include "control/threat/feed_text.h"
#include "dataplane/packet/ip_address.h"

namespace foregate::control {

using dataplane::IpAddress;

namespace {

constexpr std::string_view kMarks = "#;";

std::string_view bare(std::string_view line) {
    return trimmed(without_comment(line, kMarks));
}

/// An address, or a word that begins like a prefix.
bool begins_with_address(std::string_view line) {
    const std::string_view word = line.substr(0, line.find_first_of(" \t\v\f"));
    return may_be_address(word) &&
           (IpAddress::parse(word) || IpAddress::parse(word.substr(0, word.find('/'))));
}

void read_first_word(std::string_view line, FeedIntake& intake) {
    const std::vector<std::string_view> words = split_words(bare(line));
    if (words.size() > 1) {
        intake.reject(line, "more than one word; expected a name, an address or a prefix");
    } else {
        intake.add_word(words[0]);
    }
}

bool takes_scored(std::string_view line) {
    if (!begins_with_address(line)) {
        return false;
    }
    const std::vector<std::string_view> words = split_words(bare(line));
    return words.size() == 2 && is_number(words[1]);
}

void read_scored(std::string_view line, FeedIntake& intake) {
    intake.add_address(split_words(line)[0]);
}

bool takes_address(std::string_view line) {
    return begins_with_address(line);
}

void read_address(std::string_view line, FeedIntake& intake) {
    const std::vector<std::string_view> words = split_words(bare(line));
    if (words.size() > 1) {
        intake.reject(words[0],
                      "words behind an address; a hosts line starts with 0.0.0.0, 127.0.0.1, :: or "
                      "::1, and behind others only a count or a comment may stand");
    } else {
        intake.add_word(words[0]);
    }
}

bool takes_indicator(std::string_view line) {
    const std::string_view word = bare(line);
    return word.find_first_of("/?:") != std::string_view::npos;
}

bool takes_wildcard(std::string_view line) {
    return bare(line).find('*') != std::string_view::npos;
}

bool takes_any(std::string_view) {
    return true;
}

} // namespace

const LineFormat kScoredAddresses{"scored addresses", takes_scored, read_scored};
const LineFormat kAddresses{"addresses", takes_address, read_address};
const LineFormat kIndicators{"indicators", takes_indicator, read_first_word};
const LineFormat kWildcards{"wildcards", takes_wildcard, read_first_word};
const LineFormat kDomains{"domains", takes_any, read_first_word};

} // namespace foregate::control
