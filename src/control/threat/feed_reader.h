// SPDX-License-Identifier: BSD-3-Clause
// Threat feeds from text to entries. The format is told by content and, where that leaves a doubt,
// by the file's extension (formats/feed_format.h); lists of one entry a line are told apart line by
// line:
//   evil.example            a name: itself and everything below it
//   *.evil.example          everything below the name, not the name itself
//   0.0.0.0 a.example b...  hosts file (also 127.0.0.1, ::, ::1): each name as above
//   203.0.113.7             an address; also with a count behind it ("203.0.113.7<TAB>5")
//   203.0.113.0/24          a prefix, host bits clear
// Comments: lines starting with # ; or !, and what follows a blank and # or ;. A byte order mark,
// CRLF and a missing last line end are fine. Control core only; throws for unreadable files only.
#pragma once

#include "control/threat/feed_content.h"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace foregate::control {

/// The file or directory cannot be read; what() is "path: why".
struct FeedUnreadable : std::runtime_error {
    using std::runtime_error::runtime_error;
};

[[nodiscard]] FeedContent read_feed_text(std::string_view text, const std::string& path,
                                         const FeedRules& rules);

/// The files that read_feed() reads: the file itself, or those of the directory (by name, hidden
/// ones left out, not recursive). Throws FeedUnreadable.
[[nodiscard]] std::vector<std::filesystem::path> files_of_feed(const std::filesystem::path& path);

/// A file, or a directory whose files (by name, hidden ones left out, not recursive) form one feed.
[[nodiscard]] FeedContent read_feed(const std::filesystem::path& path, const FeedRules& rules);

} // namespace foregate::control
