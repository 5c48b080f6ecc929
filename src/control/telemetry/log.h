// SPDX-License-Identifier: BSD-3-Clause
// Sets up spdlog's default logger, which everybody uses as spdlog::info(...) and so on. Never from
// a polling core.
#pragma once

#include <filesystem>
#include <string>

namespace foregate::control {

/// Level: trace, debug, info, warning, error, critical or off. Empty file: stderr. Lines are
/// written at once. Throws std::runtime_error that lists the levels, or names the file.
void start_log(const std::string& level, const std::filesystem::path& file);

/// After rotation: opens the file anew; nothing to do on stderr. Throws std::runtime_error, the old
/// file stays in use.
void reopen_log();

} // namespace foregate::control
