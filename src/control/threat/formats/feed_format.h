// SPDX-License-Identifier: BSD-3-Clause
// The one interface behind which the readers of all feed formats stand. A file is read by the first
// format that recognises its beginning; lists of one entry a line are the last, and in them each
// line is read by the first line format that takes it, so that such formats may mix in one file.
// Readers are bounded by the text's size in time and memory, and hand what they find to a
// FeedIntake; they throw nothing but std::bad_alloc. Pure.
#pragma once

#include "control/threat/feed_intake.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace foregate::control {

/// What formats are told by. Views into the feed's text.
struct FeedHead {
    std::string extension;               ///< lower case, with the dot: ".csv"
    std::string_view text;               ///< all of it, without a byte order mark
    std::vector<std::string_view> lines; ///< the first ones that are no comment, trimmed
    static constexpr std::size_t kLines = 200;

    [[nodiscard]] static FeedHead of(std::string_view text, std::string_view file);
    /// True when the line begins with # ; ! or //.
    [[nodiscard]] static bool is_comment(std::string_view line) noexcept;
    /// How many of the lines hold.
    template <class Test> [[nodiscard]] std::size_t count(Test test) const {
        std::size_t holding = 0;
        for (const std::string_view line : lines) {
            holding += test(line) ? 1 : 0;
        }
        return holding;
    }
    /// At least nine of ten lines, and at least one: a stray line does not change what a file is.
    [[nodiscard]] bool mostly(std::size_t holding) const {
        return holding > 0 && holding * 10 >= lines.size() * 9;
    }
};

struct FeedFormat {
    std::string_view name;
    bool (*recognises)(const FeedHead& head);
    /// Returns the name for the report.
    std::string (*read)(const FeedHead& head, FeedIntake& intake);
};

/// In the order in which they are asked; the last one takes everything.
[[nodiscard]] std::span<const FeedFormat> feed_formats();

/// A line of a list, trimmed, not empty, no comment.
struct LineFormat {
    std::string_view name;
    bool (*takes)(std::string_view line);
    void (*read_line)(std::string_view line, FeedIntake& intake);
};

/// In the order in which they are asked; the last one takes everything.
[[nodiscard]] std::span<const LineFormat> line_formats();

// Each is in the file of its name.
extern const FeedFormat kJsonFormat;
extern const FeedFormat kSuricataRules;
extern const FeedFormat kResponsePolicyZone;
extern const FeedFormat kBindZones;
extern const FeedFormat kReputation;
extern const FeedFormat kDataset;
extern const FeedFormat kCsv;
extern const FeedFormat kLines;

extern const LineFormat kAdblock;
extern const LineFormat kDnsmasq;
extern const LineFormat kUnbound;
extern const LineFormat kTrackingProtectionList;
extern const LineFormat kRanges;
extern const LineFormat kScoredAddresses;
extern const LineFormat kAddresses;
extern const LineFormat kHosts;
extern const LineFormat kPatterns;
extern const LineFormat kIndicators;
extern const LineFormat kWildcards;
extern const LineFormat kDomains;

} // namespace foregate::control
