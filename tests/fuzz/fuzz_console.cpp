// SPDX-License-Identifier: BSD-3-Clause
// Any bytes as a console line: parsed, matched, completed, explained and filtered for the editor.
// What must hold is checked; the rest is the sanitizers' work.
#include "control/console/command.h"
#include "control/console/render.h"
#include "control/console/telnet_input.h"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using namespace foregate::control;

const CommandTable& table() {
    static const CommandTable* const kTable = [] {
        auto* t = new CommandTable;
        const auto run = [](const CommandArgs&) { return CommandResult::success(); };
        for (const char* path : {"show ports", "show sessions", "show forecast", "threat reload"}) {
            t->add({path, "", "help", false, run, {}});
        }
        t->add({"show session", "NAME", "help", false, run, {}});
        t->add({"session logout", "NAME [REASON]", "help", true, run, {}});
        t->add({"threat match", "NAME...", "help", false, run, {}});
        return t;
    }();
    return *kTable;
}

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const CommandLine line = parse_command_line(text);
    const CommandTable::Match match = table().find(line.words);
    require((match.command == nullptr) == !match.error.empty());
    require(match.args.words.size() <= line.words.size());
    const CommandTable::Completions completions = table().complete(text);
    require(completions.keywords.size() <= table().list().size());
    require(!table().help(text).empty());
    if (line.error.empty() && !line.words.empty()) {
        nlohmann::ordered_json rows = nlohmann::ordered_json::array();
        for (const Word& word : line.words) {
            rows.push_back({{"word", word.text}, {"bytes", word.text.size()}});
        }
        const auto kept = apply_pipes(rows, line.pipes);
        const std::string shown = render_text(kept);
        require(shown.ends_with('\n') && shown.find('\x1b') == std::string::npos);
        require(!render_json(kept, -1).empty());
    }
    TelnetInput input;
    std::string to_editor;
    std::string to_client;
    input.feed(text, to_editor, to_client);
    require(to_editor.size() <= size && to_editor.find('\n') == std::string::npos);
    require(to_editor.find('\xff') == std::string::npos);
    return 0;
}
