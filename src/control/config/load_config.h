// SPDX-License-Identifier: BSD-3-Clause
// From a config file to a Config that needs no further checks, or to the list of everything that is
// wrong with it. Control core, at start and at reload; looks at the file system (feeds, token, time
// zone), never at the clock or hardware.
#pragma once

#include "control/config/config.h"
#include "control/config/config_error.h"

#include <filesystem>
#include <string_view>

namespace foregate::control {

/// Throws ConfigError with all problems. Defaults that depend on other keys are filled in: twins,
/// socket, database, events. Relative paths are taken from the file's folder as `file` names it.
[[nodiscard]] Config load_config(const std::filesystem::path& file);

/// The same from text; `file` is for messages and for relative paths.
[[nodiscard]] Config parse_config(std::string_view text, const std::filesystem::path& file);

} // namespace foregate::control
