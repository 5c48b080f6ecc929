// SPDX-License-Identifier: BSD-3-Clause
// The subcommands `foregate threat check` and `foregate threat match`: offline, no gateway needed.
// Each returns the process's exit status: 0 only when all went well.
#pragma once

#include "control/threat/feed_reader.h"
#include "dataplane/threat/threat_db.h"

#include <iosfwd>
#include <string>
#include <vector>

namespace foregate::control {

/// Reads each file (or directory) as a feed of its own. Throws FeedUnreadable.
[[nodiscard]] std::vector<FeedReport> threat_check(const std::vector<std::string>& files);

/// `foregate threat check FEED... [--json]`. Reports to `out` (JSON: one array), unreadable files
/// to `err`. Status 1 when a file is unreadable or holds entries but none that is usable.
int run_threat_check(const std::vector<std::string>& files, bool json, std::ostream& out,
                     std::ostream& err);

/// `foregate threat match --feeds PATH --names F|- [--json]`. PATH is a feed or a directory, in
/// which each file is a feed called by its name. For each non-empty line of the names file (names,
/// addresses or URLs, of which the host counts) one line: input, verdict, feed, entry, separated
/// by tabs; with `json` one object a line. Verdicts: block, allow, malformed. `-` reads `in`.
int run_threat_match(const std::string& feeds, const std::string& names, bool json,
                     std::istream& in, std::ostream& out, std::ostream& err);

/// The threat list of a feed file, or of all files below a folder; the loader's notes go to `err`.
/// Throws FeedUnreadable.
[[nodiscard]] dataplane::ThreatDb threat_list_of(const std::string& feeds, std::ostream& err);

} // namespace foregate::control
