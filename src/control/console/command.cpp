// SPDX-License-Identifier: BSD-3-Clause
#include "control/console/command.h"

#include <algorithm>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace foregate::control {

struct CommandTable::Node {
    std::string word;
    std::string path; ///< from the root
    const Command* command = nullptr;
    std::vector<std::unique_ptr<Node>> children;

    [[nodiscard]] std::vector<const Node*> beginning_with(std::string_view text) const {
        std::vector<const Node*> found;
        for (const auto& child : children) {
            if (child->word == text) {
                return {child.get()};
            }
            if (std::string_view(child->word).starts_with(text)) {
                found.push_back(child.get());
            }
        }
        return found;
    }

    /// The command's help, or for a mere beginning of commands, what may follow it.
    [[nodiscard]] std::string one_line() const {
        if (command != nullptr) {
            return command->help;
        }
        std::string words;
        for (const auto& child : children) {
            words += (words.empty() ? "" : ", ") + child->word;
        }
        if (words.size() > 72) {
            words.resize(words.rfind(',', 68));
            words += ", ...";
        }
        return words;
    }
};

/// How far the first words lead into the tree.
struct CommandTable::Walk {
    const Node* node = nullptr;
    std::size_t used = 0;                ///< words that were keywords
    std::vector<const Node*> candidates; ///< more than one: words[used] is ambiguous
};

namespace {

struct ArgumentRange {
    std::size_t least = 0;
    std::size_t most = 0;
    std::vector<std::string> names;
};

/// Reads a usage text: bracketed names are optional, `...` means any number.
ArgumentRange argument_range(const std::string& usage) {
    ArgumentRange range;
    std::istringstream in(usage);
    std::string token;
    int depth = 0;
    while (in >> token) {
        const bool optional = depth > 0 || token.front() == '[';
        depth += static_cast<int>(std::count(token.begin(), token.end(), '['));
        depth -= static_cast<int>(std::count(token.begin(), token.end(), ']'));
        range.least += optional ? 0 : 1;
        if (token.find("...") != std::string::npos) {
            range.most = std::numeric_limits<std::size_t>::max();
        } else if (range.most != std::numeric_limits<std::size_t>::max()) {
            ++range.most;
        }
        range.names.push_back(token);
    }
    return range;
}

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        if (c >= 'A' && c <= 'Z') {
            c = static_cast<char>(c - 'A' + 'a');
        }
    }
    return out;
}

std::string full_usage(const Command& command) {
    return command.usage.empty() ? command.path : command.path + ' ' + command.usage;
}

std::string check_arguments(const Command& command, const CommandArgs& args) {
    const ArgumentRange range = argument_range(command.usage);
    if (args.words.size() < range.least) {
        return command.path + ": missing " + range.names[args.words.size()] +
               "; usage: " + full_usage(command);
    }
    if (args.words.size() > range.most) {
        const std::string extra = "'" + args.words[range.most] + "'";
        return command.path + (range.most == 0 ? ": takes no argument, got " + extra
                                               : ": one argument too many: " + extra +
                                                     "; usage: " + full_usage(command));
    }
    return {};
}

} // namespace

CommandTable::CommandTable() : root_(std::make_unique<Node>()) {}
CommandTable::~CommandTable() = default;

void CommandTable::add(Command command) {
    if (command.help.empty() || !command.run) {
        throw std::invalid_argument("command '" + command.path +
                                    "': needs a help text and a function");
    }
    std::istringstream in(command.path);
    std::string word;
    Node* node = root_.get();
    while (in >> word) {
        if (word.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") != std::string::npos) {
            throw std::invalid_argument("command '" + command.path +
                                        "': a path is made of lower-case words");
        }
        auto at = std::find_if(node->children.begin(), node->children.end(),
                               [&](const auto& child) { return child->word == word; });
        if (at == node->children.end()) {
            auto child = std::make_unique<Node>();
            child->word = word;
            child->path = node->path.empty() ? word : node->path + ' ' + word;
            node->children.push_back(std::move(child));
            at = std::prev(node->children.end());
        }
        node = at->get();
    }
    if (node == root_.get() || node->command != nullptr || node->path != command.path) {
        throw std::invalid_argument("command '" + command.path +
                                    "': empty, repeated or with odd blanks");
    }
    commands_.push_back(std::make_unique<Command>(std::move(command)));
    node->command = commands_.back().get();
}

CommandTable::Walk CommandTable::walk(const std::vector<Word>& words, std::size_t count) const {
    Walk w{root_.get(), 0, {}};
    while (w.used < count && !words[w.used].quoted && !words[w.used].text.empty()) {
        std::vector<const Node*> found = w.node->beginning_with(lower(words[w.used].text));
        if (found.size() > 1) {
            w.candidates = std::move(found);
        }
        if (found.size() != 1) {
            break;
        }
        w.node = found.front();
        ++w.used;
    }
    return w;
}

CommandTable::Match CommandTable::find(const std::vector<Word>& words) const {
    const auto names = [](const auto& nodes) {
        std::string text;
        for (const auto& node : nodes) {
            text += (text.empty() ? "" : ", ") + node->word;
        }
        return text;
    };
    Match match;
    if (words.empty()) {
        match.error = "no command given; one of: " + names(root_->children);
        return match;
    }
    const Walk w = walk(words, words.size());
    const std::string before = w.node->path.empty() ? "" : w.node->path + ": ";
    if (!w.candidates.empty()) {
        match.error = before + "ambiguous '" + words[w.used].text + "': " + names(w.candidates);
        return match;
    }
    const Command* command = w.node->command;
    const bool rest = w.used < words.size();
    if (command == nullptr || (rest && command->usage.empty() && !w.node->children.empty())) {
        match.error = rest ? before + "unknown word '" + words[w.used].text + "'"
                           : before + "incomplete command";
        match.error += "; one of: " + names(w.node->children);
        return match;
    }
    for (std::size_t i = w.used; i < words.size(); ++i) {
        match.args.words.push_back(words[i].text);
    }
    match.error = check_arguments(*command, match.args);
    match.command = match.error.empty() ? command : nullptr;
    return match;
}

CommandTable::Completions CommandTable::complete(std::string_view text) const {
    Completions out;
    const std::size_t bar = text.rfind('|');
    const bool piped = bar != std::string_view::npos;
    const bool after_blank = text.empty() || text.back() == ' ' || text.back() == '|';
    const CommandLine line = parse_command_line(piped ? text.substr(bar + 1) : text);
    if (!line.error.empty() || (!after_blank && line.json && text.ends_with("json"))) {
        return out; // an open quote, or the JSON flag: nothing sensible to offer
    }
    std::vector<Word> words = line.words;
    if (!after_blank && !words.empty()) {
        out.partial = words.back().text;
        words.pop_back();
    }
    if (piped) {
        for (const PipeHelp& pipe : pipe_help()) {
            if (words.empty() && std::string_view(pipe.name).starts_with(lower(out.partial))) {
                out.keywords.push_back({pipe.name, pipe.help});
            }
        }
        return out;
    }
    const Walk w = walk(words, words.size());
    if (w.used == words.size()) {
        for (const auto& child : w.node->children) {
            if (std::string_view(child->word).starts_with(lower(out.partial))) {
                out.keywords.push_back({child->word, child->one_line()});
            }
        }
    }
    if (w.candidates.empty() && w.node->command != nullptr && !w.node->command->usage.empty()) {
        for (std::size_t i = w.used; i < words.size(); ++i) {
            out.before.words.push_back(words[i].text);
        }
        if (out.before.words.size() < argument_range(w.node->command->usage).most) {
            out.command = w.node->command;
        }
    }
    return out;
}

std::string CommandTable::help(std::string_view text) const {
    const CommandLine line = parse_command_line(text);
    const Walk w = walk(line.words, line.words.size());
    std::vector<std::string> prefixes;
    for (const Node* node : w.candidates) {
        prefixes.push_back(node->path);
    }
    if (prefixes.empty()) {
        prefixes.push_back(w.node->path);
    }
    std::vector<const Command*> shown;
    std::size_t width = 0;
    for (const auto& command : commands_) {
        const bool wanted =
            std::any_of(prefixes.begin(), prefixes.end(), [&](const std::string& p) {
                return p.empty() || command->path == p || command->path.starts_with(p + ' ');
            });
        if (wanted) {
            shown.push_back(command.get());
            width = std::max(width, full_usage(*command).size());
        }
    }
    std::string out;
    for (const Command* command : shown) {
        std::string usage = full_usage(*command);
        usage.resize(width, ' ');
        out += usage + "  " + command->help + (command->changes ? " (changes)" : "") + '\n';
    }
    return out + "Any command: --json, or | match TEXT, | count, | json\n";
}

} // namespace foregate::control
