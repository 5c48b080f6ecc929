// SPDX-License-Identifier: BSD-3-Clause
// One console line taken apart: words, pipes and the JSON flag. Pure; any thread.
//
//   session login "desk 7" | match active | count --json
//
// Words are split at blanks; "..." and '...' keep blanks, a backslash keeps the next character. `|`
// outside quotes starts a pipe. A quoted word is never a keyword, a pipe or a flag.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace foregate::control {

/// Longest line accepted from anybody, in bytes.
inline constexpr std::size_t kMaxLineBytes = 64 * 1024;

struct Word {
    std::string text;
    bool quoted = false;
};

struct Pipe {
    enum class Kind { match, count };
    Kind kind = Kind::match;
    std::string text; ///< what `match` looks for; empty for count
};

struct CommandLine {
    std::vector<Word> words;
    std::vector<Pipe> pipes; ///< in the order written
    bool json = false;       ///< `--json` anywhere, a last word `json`, or `| json`
    std::string error;       ///< not empty: the line makes no sense, and says why
};

/// Keywords after `|`, with one line of help each: what completion and help show.
struct PipeHelp {
    const char* name;
    const char* help;
};
[[nodiscard]] const std::vector<PipeHelp>& pipe_help();

/// Never throws for any bytes; what is wrong stands in `error`.
[[nodiscard]] CommandLine parse_command_line(std::string_view line);

/// The line for these words as a shell handed them over: quoted where needed, `|` alone stays a
/// pipe, and one single word is taken as a whole line (so 'show ports | count' in quotes works
/// too).
[[nodiscard]] std::string join_words(const std::vector<std::string>& words);

} // namespace foregate::control
