// SPDX-License-Identifier: BSD-3-Clause
// Console commands as rows of one explicit table: path, usage, help, function. Words may be
// shortened to any unique beginning, as on Cisco consoles.
//
// The table is filled once at start and only read afterwards, from any thread. `run` and `complete`
// are called on the control thread only (CommandRunner sees to it).
#pragma once

#include "control/console/command_line.h"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace foregate::control {

struct CommandArgs {
    std::vector<std::string> words; ///< what stands after the command's path
};

struct CommandResult {
    bool ok = true;
    nlohmann::ordered_json
        value;         ///< columns appear in the order of insertion; units belong in the key names
    std::string error; ///< why, when not ok
    /// Set: the result is still to come. Asked again on the control thread until it gives one; the console waits meanwhile,
    /// the control thread does not.
    std::function<std::optional<CommandResult>()> later;

    [[nodiscard]] static CommandResult success(nlohmann::ordered_json v = nullptr) {
        return {true, std::move(v), {}, {}};
    }
    [[nodiscard]] static CommandResult failure(std::string why) {
        return {false, nullptr, std::move(why), {}};
    }
};

struct Command {
    std::string path;     ///< "show sessions", "session login"; lower case words
    std::string usage;    ///< arguments: "", "NAME", "[NAME]", "NAME [SECONDS]", "FILE..."
    std::string help;     ///< one line
    bool changes = false; ///< alters anything: refused where only showing is allowed
    std::function<CommandResult(const CommandArgs&)> run;
    /// Optional: candidates for the argument being typed, given those before it.
    std::function<std::vector<std::string>(const CommandArgs& before, const std::string& partial)>
        complete;
};

struct Completion {
    std::string text;
    std::string help;
};

class CommandTable {
public:
    CommandTable();
    ~CommandTable();
    CommandTable(const CommandTable&) = delete;
    CommandTable& operator=(const CommandTable&) = delete;

    /// Throws std::invalid_argument for a repeated path, a path of other than lower-case words, or
    /// no help or function.
    void add(Command command);

    struct Match {
        const Command* command = nullptr; ///< nullptr: see error
        CommandArgs args;
        std::string error; ///< names the candidates
    };
    /// Keywords first, each by its unique beginning; the rest are arguments, counted against the
    /// usage.
    [[nodiscard]] Match find(const std::vector<Word>& words) const;

    struct Completions {
        std::vector<Completion> keywords; ///< that continue the line here
        const Command* command = nullptr; ///< set when an argument of this command is being typed
        CommandArgs before;               ///< its arguments already there
        std::string partial;              ///< the word being typed; empty after a blank
    };
    /// What may stand at the end of this unfinished line.
    [[nodiscard]] Completions complete(std::string_view line) const;

    /// All commands that begin with these words (all, for none) with usage and help, one a line.
    [[nodiscard]] std::string help(std::string_view line) const;

    /// In the order in which they were added.
    [[nodiscard]] const std::vector<std::unique_ptr<Command>>& list() const { return commands_; }

private:
    struct Node;
    struct Walk;
    [[nodiscard]] Walk walk(const std::vector<Word>& words, std::size_t count) const;

    std::vector<std::unique_ptr<Command>> commands_;
    std::unique_ptr<Node> root_;
};

} // namespace foregate::control
