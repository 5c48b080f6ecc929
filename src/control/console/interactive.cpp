// SPDX-License-Identifier: BSD-3-Clause
#include "control/console/interactive.h"

#include "control/console/command_line.h"
#include "control/console/render.h"

#include <editline/readline.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <ostream>
#include <stdexcept>
#include <string>

namespace foregate::control {
namespace {

// libedit's callbacks carry no context: the one console of this process.
Connection* asked = nullptr;

std::vector<Completion> candidates_for(const std::string& line) {
    try {
        return asked != nullptr ? asked->complete(line) : std::vector<Completion>{};
    } catch (const std::exception&) {
        return {}; // the next command will say that the gateway is gone
    }
}

/// readline's contract: [0] is what all have in common, then the candidates, then nullptr; all from
/// malloc.
char** complete_word(const char* word, int start, int) {
    rl_attempted_completion_over = 1; // never file names
    const std::string line(rl_line_buffer, static_cast<std::size_t>(start));
    const std::vector<Completion> found = candidates_for(line + word);
    if (found.empty()) {
        return nullptr;
    }
    std::string shared = found.front().text;
    for (const Completion& c : found) {
        const auto differ =
            std::mismatch(shared.begin(), shared.end(), c.text.begin(), c.text.end());
        shared.erase(differ.first, shared.end());
    }
    auto** matches = static_cast<char**>(std::calloc(found.size() + 2, sizeof(char*)));
    if (matches == nullptr) {
        return nullptr;
    }
    matches[0] = ::strdup(shared.c_str());
    for (std::size_t i = 0; found.size() > 1 && i < found.size(); ++i) {
        matches[i + 1] = ::strdup(found[i].text.c_str());
    }
    return matches;
}

int show_help(int, int key) {
    const std::string line(rl_line_buffer, static_cast<std::size_t>(rl_point));
    if (std::count(line.begin(), line.end(), '"') % 2 == 1) {
        return rl_insert(1, key); // inside quotes it is text
    }
    std::fputs("\r\n", rl_outstream);
    const std::vector<Completion> found = candidates_for(line);
    for (const Completion& c : found) {
        std::fprintf(rl_outstream, "  %-20s %s\r\n", c.text.c_str(), c.help.c_str());
    }
    if (found.empty()) {
        try {
            std::string text = asked->help(line);
            std::fputs(text.c_str(), rl_outstream);
        } catch (const std::exception& e) {
            std::fprintf(rl_outstream, "%s\n", e.what());
        }
    }
    rl_forced_update_display();
    return 0;
}

bool is_leave(const CommandLine& line) {
    return line.words.size() == 1 && (line.words[0].text == "quit" || line.words[0].text == "exit");
}

void run_one(Connection& gateway, const std::string& text, const CommandLine& line, bool json,
             std::ostream& out, std::ostream& err) {
    if (line.words.size() == 1 && line.words[0].text == "help") {
        out << gateway.help("");
        return;
    }
    const nlohmann::ordered_json reply = gateway.command(text, json);
    if (!reply["ok"].get<bool>()) {
        err << "error: " << reply.value("error", "failed") << std::endl;
    } else {
        out << reply.value("text", "");
    }
    out.flush();
}

} // namespace

int run_interactive(Connection& gateway, bool json, std::ostream& out, std::ostream& err) {
    asked = &gateway;
    rl_readline_name = "foregate";
    rl_initialize();
    rl_attempted_completion_function = complete_word;
    rl_basic_word_break_characters = " \t|";
    rl_completer_word_break_characters =
        const_cast<char*>(" \t|"); // not written to; readline's type
    rl_add_defun("foregate-help", show_help, '?');
    using_history();
    while (true) {
        const std::unique_ptr<char, decltype(&std::free)> typed(readline("foregate> "), &std::free);
        if (!typed) {
            out << '\n';
            break;
        }
        const std::string text = typed.get();
        if (text.find_first_not_of(" \t") == std::string::npos) {
            continue;
        }
        add_history(text.c_str());
        const CommandLine line = parse_command_line(text);
        if (is_leave(line)) {
            break;
        }
        run_one(gateway, text, line, json, out,
                err); // throws when the gateway is gone: the session is over
    }
    asked = nullptr;
    return 0;
}

} // namespace foregate::control
