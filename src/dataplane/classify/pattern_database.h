// SPDX-License-Identifier: BSD-3-Clause
// Patterns and the Hyperscan database of them, compiled or from the cache. Control core.
#pragma once

#include "dataplane/patterns/pattern_cache.h"

#include <hs.h>

#include <memory>
#include <string>
#include <vector>

namespace foregate::dataplane {

struct DatabaseDeleter {
    void operator()(hs_database_t* database) const noexcept { hs_free_database(database); }
};
using Database = std::unique_ptr<hs_database_t, DatabaseDeleter>;

/// Patterns of one database, with what to say when one does not compile.
struct Patterns {
    std::vector<std::string> texts;
    std::vector<unsigned> ids;
    std::vector<std::string> where;

    void add(std::string text, unsigned id, std::string place) {
        texts.push_back(std::move(text));
        ids.push_back(id);
        where.push_back(std::move(place));
    }
};

/// Null for no patterns. Throws std::invalid_argument for what does not compile. `cache` may be null.
[[nodiscard]] Database compile_patterns(const Patterns& patterns, PatternCache* cache);

} // namespace foregate::dataplane
