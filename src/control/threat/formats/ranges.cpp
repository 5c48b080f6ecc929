// SPDX-License-Identifier: BSD-3-Clause
// Block lists of peer-to-peer clients: "label:first-last" (PeerGuardian), "first - last , level ,
// label" (eMule's ipfilter.dat), "first-last". In ipfilter.dat a level above 127 means that the
// range is let in.
#include "control/threat/formats/feed_format.h"

#include "control/threat/address_range.h"
#include "control/threat/feed_text.h"

#include <cstdlib>
#include <optional>

namespace foregate::control {

namespace {

struct RangeLine {
    AddressRange range;
    bool let_in = false;
};

std::optional<RangeLine> parse(std::string_view line) {
    constexpr std::string_view kRangeBytes = "0123456789abcdefABCDEF.:- ";
    constexpr long kHighestBlocked = 127;
    if (line.find('-') == std::string_view::npos) {
        return std::nullopt;
    }
    const std::vector<std::string_view> parts = split_at(line, ',');
    if (parts.size() >= 2) {
        if (const auto range = parse_range(parts[0])) {
            const std::string level(trimmed(parts[1]));
            const bool let_in =
                is_number(level) && std::atol(level.substr(0, 6).c_str()) > kHighestBlocked;
            return RangeLine{*range, let_in};
        }
    }
    // The label may hold colons and dashes itself, so the range is what parses behind one of them.
    for (std::size_t colon = line.find(':'); colon != std::string_view::npos;
         colon = line.find(':', colon + 1)) {
        const std::string_view rest = line.substr(colon + 1);
        if (rest.find_first_not_of(kRangeBytes) != std::string_view::npos) {
            continue;
        }
        if (const auto range = parse_range(rest)) {
            return RangeLine{*range, false};
        }
    }
    return std::nullopt;
}

bool takes(std::string_view line) {
    const std::string_view bare = trimmed(without_comment(line, "#;"));
    if (bare.find('-') == std::string_view::npos ||
        (bare.find_first_of(":,") == std::string_view::npos && !may_be_address(bare))) {
        return false;
    }
    return parse_range(bare).has_value() || parse(bare).has_value();
}

void read_line(std::string_view line, FeedIntake& intake) {
    line = trimmed(without_comment(line, "#;"));
    if (const auto range = parse_range(line)) {
        intake.add_range(line, *range);
        return;
    }
    const std::optional<RangeLine> labelled = parse(line);
    if (!labelled || labelled->let_in) {
        intake.skip();
        return;
    }
    intake.add_range(line, labelled->range);
}

} // namespace

const LineFormat kRanges{"ranges", takes, read_line};

} // namespace foregate::control
