// SPDX-License-Identifier: BSD-3-Clause
// From entries to a compiled threat list: in parallel, at low priority, taking over from the list in force and from disk what
// has not changed. Any thread but a polling one; one build at a time.
#pragma once

#include "dataplane/patterns/pattern_cache.h"
#include "dataplane/threat/threat_db.h"

#include <filesystem>

namespace foregate::control {

class ThreatBuild {
public:
    /// `folder`: where compiled names are kept over a restart; made when there is something to keep.
    explicit ThreatBuild(std::filesystem::path folder);

    /// `in_force` may be null: then what an earlier process has stored is taken over. Throws what ThreatDb::build throws.
    [[nodiscard]] dataplane::ThreatDb build(dataplane::ThreatListInput input, const dataplane::ThreatDb* in_force);

private:
    dataplane::PatternCache cache_;
};

} // namespace foregate::control
