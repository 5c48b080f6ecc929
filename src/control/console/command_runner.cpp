// SPDX-License-Identifier: BSD-3-Clause
#include "control/console/command_runner.h"

#include "control/console/render.h"

#include <chrono>
#include <thread>
#include <utility>

namespace foregate::control {

namespace {

constexpr std::chrono::milliseconds kAskAgain{20};

} // namespace

CommandReply CommandRunner::run(std::string_view text, ConsoleAccess access, bool json) const {
    const CommandLine line = parse_command_line(text);
    CommandReply reply;
    if (!line.error.empty()) {
        reply.error = line.error;
        return reply;
    }
    const CommandTable::Match match = table_.find(line.words);
    if (match.command == nullptr) {
        reply.error = match.error;
        return reply;
    }
    if (match.command->changes && access == ConsoleAccess::show_only) {
        reply.error =
            match.command->path + ": only shows over TCP; use `foregate console` or `enable TOKEN`";
        return reply;
    }
    // Copies for the work: after a deadline it may outlive this frame.
    CommandResult result =
        queue_.call([command = match.command, args = match.args] { return command->run(args); });
    while (result.ok && result.later) {
        std::this_thread::sleep_for(kAskAgain);
        result = queue_.call([later = result.later] {
            CommandResult waiting = CommandResult::success();
            waiting.later = later;
            return later().value_or(std::move(waiting));
        });
    }
    if (!result.ok) {
        reply.error =
            result.error.empty() ? match.command->path + ": failed" : std::move(result.error);
        return reply;
    }
    reply.ok = true;
    reply.value = apply_pipes(std::move(result.value), line.pipes);
    if (line.json || json) {
        reply.text = render_json(reply.value, 2) + '\n';
    } else if (!reply.value.is_null() || !match.command->changes) {
        reply.text = render_text(reply.value); // a change with nothing to tell answers nothing
    }
    return reply;
}

std::vector<std::string> CommandRunner::complete_argument(const Command& command,
                                                          const CommandArgs& before,
                                                          const std::string& partial) const {
    std::vector<std::string> found;
    if (!command.complete) {
        return found;
    }
    const CommandResult result = queue_.call([c = &command, before, partial] {
        return CommandResult::success(c->complete(before, partial));
    });
    if (result.ok && result.value.is_array()) {
        for (const auto& item : result.value) {
            if (item.is_string() && item.get_ref<const std::string&>().starts_with(partial)) {
                found.push_back(item.get<std::string>());
            }
        }
    }
    return found;
}

std::vector<Completion> CommandRunner::complete(std::string_view line) const {
    CommandTable::Completions at = table_.complete(line);
    std::vector<Completion> out = std::move(at.keywords);
    if (at.command != nullptr) {
        for (std::string& text : complete_argument(*at.command, at.before, at.partial)) {
            out.push_back({std::move(text), at.command->help});
        }
    }
    return out;
}

} // namespace foregate::control
