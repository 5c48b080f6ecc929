// SPDX-License-Identifier: BSD-3-Clause
// The reader of each feed format, whether it recognises the text or not. The first line of the
// input names the format, the rest is the feed's text. Whatever it holds: every entry is counted
// once, none is internal or of one label, nothing kept aside lost what makes it narrow.
#include "control/threat/feed_intake.h"
#include "control/threat/feed_text.h"
#include "control/threat/formats/feed_format.h"

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

bool is_narrow(const control::UnmatchedEntry& entry) {
    switch (entry.kind) {
    case control::UnmatchedKind::url:
        return entry.text.find('/') != std::string::npos && !entry.text.starts_with('/');
    case control::UnmatchedKind::path:
        return entry.text.starts_with('/');
    case control::UnmatchedKind::endpoint:
        return entry.text.find(':') != std::string::npos;
    case control::UnmatchedKind::pattern:
        return !entry.text.empty();
    }
    return false;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view text(reinterpret_cast<const char*>(data), size);
    if (text.empty()) {
        return 0;
    }
    const std::string_view wanted = control::take_line(text);
    const std::string file = "fuzz." + std::string(wanted.substr(0, 8));
    const control::FeedRules rules;
    for (const control::FeedFormat& format : control::feed_formats()) {
        if (format.name != wanted) {
            continue;
        }
        control::FeedContent content;
        control::FeedIntake intake(rules, content);
        intake.begin_file(file);
        const control::FeedHead head = control::FeedHead::of(text, file);
        static_cast<void>(format.recognises(head));
        static_cast<void>(format.read(head, intake));
        intake.finish();
        const control::FeedReport& report = content.report;
        require(report.entries_seen == report.loaded + report.rejected + report.refused +
                                           report.duplicate + report.shadowed + report.unmatched +
                                           report.expired);
        for (const dataplane::ThreatEntry& entry : content.entries) {
            require(entry.category < content.categories.size());
            require(entry.kind != dataplane::ThreatKind::prefix || entry.prefix.length >= 8);
            require(entry.kind == dataplane::ThreatKind::prefix ||
                    entry.name.find('.') != std::string::npos);
        }
        for (const control::UnmatchedEntry& entry : content.unmatched) {
            require(is_narrow(entry));
        }
    }
    return 0;
}
