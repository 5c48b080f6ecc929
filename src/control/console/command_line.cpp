// SPDX-License-Identifier: BSD-3-Clause
#include "control/console/command_line.h"

namespace foregate::control {
namespace {

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
bool is_control(char c) {
    return (static_cast<unsigned char>(c) < 0x20 && !is_blank(c)) || c == 0x7f;
}

/// A word or a bar; bars separate the stages.
struct Token {
    Word word;
    bool bar = false;
};

class Splitter {
public:
    explicit Splitter(std::string_view line) : line_(line) {}

    /// Empty string: all well, `tokens` filled.
    std::string split(std::vector<Token>& tokens) {
        while (at_ < line_.size()) {
            const char c = line_[at_];
            if (is_blank(c)) {
                ++at_;
            } else if (c == '|') {
                tokens.push_back({{}, true});
                ++at_;
            } else {
                Token token;
                if (std::string error = read_word(token.word); !error.empty()) {
                    return error;
                }
                tokens.push_back(std::move(token));
            }
        }
        return {};
    }

private:
    std::string read_word(Word& word) {
        while (at_ < line_.size() && !is_blank(line_[at_]) && line_[at_] != '|') {
            const char c = line_[at_++];
            if (is_control(c)) {
                return "control character in the line";
            }
            if (c == '"' || c == '\'') {
                if (!read_quoted(c, word)) {
                    return std::string("missing closing ") + c;
                }
            } else if (c == '\\' && at_ < line_.size()) {
                word.quoted = true;
                word.text += line_[at_++];
            } else {
                word.text += c;
            }
        }
        return {};
    }

    bool read_quoted(char quote, Word& word) {
        word.quoted = true;
        while (at_ < line_.size()) {
            const char c = line_[at_++];
            if (c == quote) {
                return true;
            }
            if (c == '\\' && quote == '"' && at_ < line_.size()) {
                word.text += line_[at_++];
            } else {
                word.text += c;
            }
        }
        return false;
    }

    std::string_view line_;
    std::size_t at_ = 0;
};

/// The one pipe keyword that `word` begins, or nullptr.
const PipeHelp* find_pipe(const std::string& word) {
    for (const PipeHelp& pipe : pipe_help()) {
        if (!word.empty() && std::string_view(pipe.name).starts_with(word)) {
            return &pipe; // the three names differ in their first letter
        }
    }
    return nullptr;
}

std::string read_pipe(const std::vector<Word>& words, CommandLine& line) {
    if (words.empty()) {
        return "nothing after |; expected match TEXT, count or json";
    }
    const PipeHelp* pipe = words[0].quoted ? nullptr : find_pipe(words[0].text);
    if (pipe == nullptr) {
        return "unknown pipe '" + words[0].text + "'; expected match TEXT, count or json";
    }
    const std::string_view name = pipe->name;
    if (name == "match") {
        if (words.size() < 2) {
            return "| match: missing TEXT";
        }
        std::string text = words[1].text;
        for (std::size_t i = 2; i < words.size(); ++i) {
            text += ' ' + words[i].text;
        }
        line.pipes.push_back({Pipe::Kind::match, std::move(text)});
        return {};
    }
    if (words.size() > 1) {
        return "| " + std::string(name) + " takes no argument, got '" + words[1].text + "'";
    }
    if (name == "count") {
        line.pipes.push_back({Pipe::Kind::count, {}});
    } else {
        line.json = true;
    }
    return {};
}

} // namespace

const std::vector<PipeHelp>& pipe_help() {
    static const std::vector<PipeHelp> kPipes{
        {"match", "only rows or lines that contain TEXT (upper or lower case)"},
        {"count", "the number of rows or lines"},
        {"json", "as JSON"},
    };
    return kPipes;
}

CommandLine parse_command_line(std::string_view text) {
    CommandLine line;
    if (text.size() > kMaxLineBytes) {
        line.error = "line longer than " + std::to_string(kMaxLineBytes) + " bytes";
        return line;
    }
    std::vector<Token> tokens;
    line.error = Splitter(text).split(tokens);
    if (!line.error.empty()) {
        return line;
    }
    std::vector<std::vector<Word>> stages(1);
    for (Token& token : tokens) {
        if (token.bar) {
            stages.emplace_back();
        } else if (!token.word.quoted && token.word.text == "--json") {
            line.json = true;
        } else {
            stages.back().push_back(std::move(token.word));
        }
    }
    line.words = std::move(stages.front());
    if (line.words.size() > 1 && !line.words.back().quoted && line.words.back().text == "json") {
        line.json = true;
        line.words.pop_back();
    }
    if (stages.size() > 1 && line.words.empty()) {
        line.error = "no command before |";
    }
    for (std::size_t i = 1; i < stages.size() && line.error.empty(); ++i) {
        line.error = read_pipe(stages[i], line);
    }
    return line;
}

std::string join_words(const std::vector<std::string>& words) {
    if (words.size() == 1) {
        return words[0];
    }
    std::string line;
    for (const std::string& word : words) {
        if (!line.empty()) {
            line += ' ';
        }
        if (word == "|" ||
            (!word.empty() && word.find_first_of(" \t\r\n|\"'\\") == std::string::npos)) {
            line += word;
            continue;
        }
        line += '"';
        for (const char c : word) {
            if (c == '"' || c == '\\') {
                line += '\\';
            }
            line += c;
        }
        line += '"';
    }
    return line;
}

} // namespace foregate::control
