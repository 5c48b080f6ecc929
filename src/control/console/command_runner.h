// SPDX-License-Identifier: BSD-3-Clause
// What all doors of the console share: a line in, an answer out. Parsing, pipes and rendering
// happen on the caller's thread; only the command's own function runs on the control thread,
// through the queue.
#pragma once

#include "control/console/command.h"
#include "control/console/control_queue.h"

#include <string>
#include <string_view>
#include <vector>

namespace foregate::control {

struct CommandReply {
    bool ok = false;
    std::string text; ///< for people; JSON text where the line asked for JSON; empty on error
    nlohmann::ordered_json value; ///< after the pipes; null on error
    std::string error;
};

/// Whether the door lets its client change anything.
enum class ConsoleAccess { show_only, full };

/// Holds references: table and queue must outlive it. Any thread, many at once.
class CommandRunner {
public:
    CommandRunner(const CommandTable& table, ControlQueue& queue) : table_(table), queue_(queue) {}

    [[nodiscard]] CommandReply run(std::string_view line, ConsoleAccess access,
                                   bool json = false) const;

    /// Candidates for the word at the end of the line, keywords and arguments.
    [[nodiscard]] std::vector<Completion> complete(std::string_view line) const;

    /// Candidates for the next argument of one command.
    [[nodiscard]] std::vector<std::string> complete_argument(const Command& command,
                                                             const CommandArgs& before,
                                                             const std::string& partial) const;

    [[nodiscard]] std::string help(std::string_view line) const { return table_.help(line); }
    [[nodiscard]] const CommandTable& table() const { return table_; }

private:
    const CommandTable& table_;
    ControlQueue& queue_;
};

} // namespace foregate::control
