// SPDX-License-Identifier: BSD-3-Clause
// `foregate check --config F`: validates and says what is in it, or what is wrong with it.
#pragma once

#include <filesystem>
#include <iosfwd>

namespace foregate::control {

/// Exit status: 0 and a one-line summary on `out` (warnings on `err`), or 1 and `file:line:
/// message` lines on `err`. With `json` one object on `out` in both cases:
/// {"ok","file","ports",...,"warnings"} or {"ok","file","errors":[{"file","line","message"}]}.
int run_check(const std::filesystem::path& file, bool json, std::ostream& out, std::ostream& err);

} // namespace foregate::control
