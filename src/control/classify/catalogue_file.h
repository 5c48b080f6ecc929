// SPDX-License-Identifier: BSD-3-Clause
// Catalogue files (conf/catalogue.yaml and an operator's own) as a CatalogueSpec. Control core, at start and at reload.
#pragma once

#include "control/config/config_error.h"
#include "dataplane/classify/catalogue.h"
#include "dataplane/classify/catalogue_spec.h"
#include "dataplane/patterns/pattern_cache.h"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace foregate::control {

/// The catalogue that was compiled in: conf/catalogue.yaml as it was at build time.
[[nodiscard]] std::string_view built_in_catalogue() noexcept;

/// Adds what the text says to `spec`. What it names again replaces what stood there; its new protocols go before those
/// of earlier files, so that an operator's signature wins. Problems are `file:line: message`; never throws on any text
/// but std::bad_alloc.
void read_catalogue(std::string_view text, const std::string& file, dataplane::CatalogueSpec& spec,
                    std::vector<ConfigProblem>& problems);

/// The built-in catalogue with `files` on top of it, in order; throws ConfigError with all problems.
[[nodiscard]] dataplane::CatalogueSpec load_catalogue(const std::vector<std::filesystem::path>& files);

/// load_catalogue() and Catalogue::build(); patterns that do not compile are a ConfigError too.
[[nodiscard]] dataplane::Catalogue compile_catalogue(const std::vector<std::filesystem::path>& files,
                                                     const dataplane::Catalogue* before = nullptr,
                                                     dataplane::PatternCache* cache = nullptr);

} // namespace foregate::control
