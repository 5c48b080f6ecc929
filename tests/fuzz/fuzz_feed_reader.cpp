// SPDX-License-Identifier: BSD-3-Clause
// A threat feed: every entry is counted once, nothing internal gets through, and what was read
// reads back as itself.
#include "control/threat/feed_reader.h"

#include <cstdlib>
#include <string>
#include <string_view>

using namespace foregate;

namespace {

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const control::FeedRules rules;
    const control::FeedContent content = control::read_feed_text(text, "fuzz", rules);
    const control::FeedReport& report = content.report;
    require(report.loaded <= content.entries.size());
    require(report.unmatched == content.unmatched.size());
    require(report.entries_seen == report.loaded + report.rejected + report.refused +
                                       report.duplicate + report.shadowed + report.unmatched +
                                       report.expired);
    if (!content.expiries.empty()) {
        require(content.expiries.size() == content.entries.size());
        return 0; // not compacted, so reading it back would be shorter
    }
    std::string again;
    for (const dataplane::ThreatEntry& entry : content.entries) {
        require(entry.kind != dataplane::ThreatKind::prefix || entry.prefix.length >= 8);
        require(entry.kind == dataplane::ThreatKind::prefix ||
                entry.name.find('.') != std::string::npos);
        again += entry.text() + "\n";
    }
    const control::FeedContent second = control::read_feed_text(again, "fuzz", rules);
    require(second.entries.size() == content.entries.size());
    for (std::size_t i = 0; i < second.entries.size(); ++i) {
        require(second.entries[i].text() == content.entries[i].text());
    }
    return 0;
}
