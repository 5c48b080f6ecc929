// SPDX-License-Identifier: BSD-3-Clause
#include "control/threat/formats/feed_format.h"

#include "control/threat/feed_text.h"

#include <array>
#include <filesystem>

namespace foregate::control {

bool FeedHead::is_comment(std::string_view line) noexcept {
    return line.starts_with('#') || line.starts_with(';') || line.starts_with('!') ||
           line.starts_with("//");
}

FeedHead FeedHead::of(std::string_view text, std::string_view file) {
    FeedHead head;
    head.extension = lower_case(std::filesystem::path(file).extension().string());
    head.text = without_mark(text);
    std::string_view rest = head.text;
    while (!rest.empty() && head.lines.size() < kLines) {
        const std::string_view line = trimmed(take_line(rest));
        if (!line.empty() && !is_comment(line)) {
            head.lines.push_back(line);
        }
    }
    return head;
}

std::span<const FeedFormat> feed_formats() {
    static const std::array<FeedFormat, 8> kFormats{
        kJsonFormat, kSuricataRules, kResponsePolicyZone, kBindZones, kReputation, kDataset,
        kCsv,        kLines};
    return kFormats;
}

std::span<const LineFormat> line_formats() {
    static const std::array<LineFormat, 12> kFormats{
        kAdblock,  kDnsmasq,         kUnbound,   kTrackingProtectionList,
        kRanges,   kScoredAddresses, kHosts,     kAddresses,
        kPatterns, kIndicators,      kWildcards, kDomains};
    return kFormats;
}

} // namespace foregate::control
