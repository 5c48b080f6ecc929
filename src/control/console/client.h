// SPDX-License-Identifier: BSD-3-Clause
// `foregate console`: the client of the gateway's unix socket. Runs in a process of its own, one
// thread.
#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>
#include <vector>

namespace foregate::control {

/// With words: one command, its text (JSON on one line with `json`) to `out`, errors to `err`.
/// Without: an interactive console when `in` is std::cin and a terminal; otherwise one command a
/// line from `in` (blank lines and those beginning with # are skipped), up to the first error,
/// which is reported with its line number. Returns the process's exit status: 0 only if everything
/// was well.
int run_console(const std::filesystem::path& socket, const std::vector<std::string>& words,
                bool json, std::ostream& out, std::ostream& err, std::istream& in);
int run_console(const std::filesystem::path& socket, const std::vector<std::string>& words,
                bool json, std::ostream& out, std::ostream& err);

} // namespace foregate::control
