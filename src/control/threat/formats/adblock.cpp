// SPDX-License-Identifier: BSD-3-Clause
// Host rules of Adblock Plus, uBlock Origin and AdGuard: "||name^", "||name/path^$all",
// "@@||name^". https://adguard.com/kb/general/ad-filtering/create-own-filters/ describes them.
// Rules that hold for some requests only ($script, $third-party, $dnstype=, ...) are rejected:
// without their limit they would be wider.
#include "control/threat/formats/feed_format.h"

#include "control/threat/feed_text.h"

namespace foregate::control {

namespace {

/// The modifier that makes the rule hold for some requests only, or empty.
std::string_view limit_of(std::string_view modifiers) {
    for (const std::string_view modifier : split_at(modifiers, ',')) {
        if (!modifier.empty() && modifier != "all" && modifier != "important") {
            return modifier;
        }
    }
    return {};
}

bool takes(std::string_view line) {
    const bool section =
        line.starts_with('[') && line.ends_with(']') && line.find(':') == std::string_view::npos &&
        line.find(".]") == std::string_view::npos && line.find("[.") == std::string_view::npos;
    return line.starts_with("||") || line.starts_with("@@") || line.starts_with("|http") || section;
}

void read_blocked(std::string_view line, std::string_view rule, FeedIntake& intake) {
    const bool host_start = rule.starts_with("||");
    rule.remove_prefix(host_start ? 2 : 1); // "|http://...": the address begins here
    if (rule.ends_with('|')) {
        rule.remove_suffix(1);
    }
    const bool whole = rule.ends_with('^');
    if (whole) {
        rule.remove_suffix(1);
    }
    const bool has_path = rule.find_first_of("/?") != std::string_view::npos;
    if (rule.find('^') != std::string_view::npos ||
        (has_path && rule.find('*') != std::string_view::npos)) {
        intake.reject(line, "a rule with a pattern inside");
    } else if (has_path) {
        intake.add_url(rule);
    } else if (!whole && host_start) {
        intake.reject(line, "a rule that matches the beginning of names; expected ^ at its end");
    } else {
        intake.add_word(rule);
    }
}

void read_line(std::string_view line, FeedIntake& intake) {
    if (line.starts_with('[')) {
        intake.skip(); // "[Adblock Plus 2.0]"
        return;
    }
    std::string_view rule = line;
    const std::size_t dollar = rule.rfind('$');
    if (dollar != std::string_view::npos) {
        const std::string_view limit = limit_of(rule.substr(dollar + 1));
        if (!limit.empty()) {
            intake.reject(line, "it holds for some requests only ($" +
                                    std::string(limit.substr(0, 24)) +
                                    "); without that it would be wider");
            return;
        }
        rule = rule.substr(0, dollar);
    }
    if (!rule.starts_with("@@")) {
        read_blocked(line, rule, intake);
        return;
    }
    rule.remove_prefix(2);
    rule.remove_prefix(rule.starts_with("||") ? 2 : 0);
    if (rule.ends_with('|')) {
        rule.remove_suffix(1);
    }
    if (rule.ends_with('^')) {
        rule.remove_suffix(1);
    }
    intake.add_exception(rule.starts_with("*.") ? rule.substr(2) : rule);
}

} // namespace

const LineFormat kAdblock{"adblock", takes, read_line};

} // namespace foregate::control
