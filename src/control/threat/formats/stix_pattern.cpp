// SPDX-License-Identifier: BSD-3-Clause
#include "control/threat/formats/stix_pattern.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace foregate::control {

namespace {

constexpr std::size_t kMaxPatternBytes = 65536;

struct Token {
    enum class Kind : std::uint8_t { end, word, text, open, close, mark };
    Kind kind = Kind::end;
    std::string text;
};

class Tokens {
public:
    explicit Tokens(std::string_view text) : text_(text) {}

    Token next() {
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' ||
                                      text_[at_] == '\n' || text_[at_] == '\r')) {
            ++at_;
        }
        if (at_ >= text_.size()) {
            return {};
        }
        const char c = text_[at_];
        if (c == '\'') {
            return quoted();
        }
        if (c == '[' || c == '(' || c == ']' || c == ')') {
            ++at_;
            return {c == '[' || c == '(' ? Token::Kind::open : Token::Kind::close,
                    std::string(1, c)};
        }
        if (c == '=' || c == '!' || c == '<' || c == '>') {
            const std::size_t from = at_;
            while (at_ < text_.size() &&
                   std::string_view("=!<>").find(text_[at_]) != std::string_view::npos) {
                ++at_;
            }
            return {Token::Kind::mark, std::string(text_.substr(from, at_ - from))};
        }
        return word();
    }

private:
    Token quoted() {
        Token token{Token::Kind::text, {}};
        for (++at_; at_ < text_.size() && text_[at_] != '\''; ++at_) {
            if (text_[at_] == '\\' && at_ + 1 < text_.size()) {
                ++at_;
            }
            token.text += text_[at_];
        }
        if (at_ >= text_.size()) {
            return {Token::Kind::mark, "an open quote"};
        }
        ++at_;
        return token;
    }

    /// An object path may hold quoted parts: file:hashes.'SHA-256'.
    Token word() {
        const std::size_t from = at_;
        bool inside = false;
        while (at_ < text_.size() &&
               (inside ||
                std::string_view(" \t\r\n=!<>()").find(text_[at_]) == std::string_view::npos)) {
            inside ^= text_[at_] == '\'';
            if (!inside && text_[at_] == ']' &&
                text_.substr(from, at_ - from).find('[') == std::string_view::npos) {
                break;
            }
            ++at_;
        }
        return {Token::Kind::word, std::string(text_.substr(from, at_ - from))};
    }

    std::string_view text_;
    std::size_t at_ = 0;
};

StixPattern rejected(std::string reason) {
    StixPattern pattern;
    pattern.reason = std::move(reason);
    return pattern;
}

std::string upper(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return text;
}

bool is_operator(const std::string& word) {
    constexpr std::array<std::string_view, 4> kOperators{"=", "LIKE", "MATCHES", "ISSUBSET"};
    return std::find(kOperators.begin(), kOperators.end(), word) != kOperators.end();
}

} // namespace

StixPattern parse_stix_pattern(std::string_view pattern) {
    if (pattern.size() > kMaxPatternBytes) {
        return rejected("a pattern longer than 65536 bytes");
    }
    StixPattern result;
    Tokens tokens(pattern);
    int depth = 0;
    bool after_comparison = false;
    for (Token token = tokens.next(); token.kind != Token::Kind::end; token = tokens.next()) {
        const std::string word = upper(token.text);
        if (token.kind == Token::Kind::open) {
            ++depth;
        } else if (token.kind == Token::Kind::close) {
            --depth;
        } else if (after_comparison && token.kind == Token::Kind::word && word == "OR") {
            after_comparison = false;
        } else if (after_comparison || depth < 1 || token.kind != Token::Kind::word) {
            return rejected("it asks for more than one thing, or is broken, at \"" +
                            token.text.substr(0, 24) + "\"");
        } else {
            StixComparison comparison;
            comparison.object = token.text;
            const Token how = tokens.next();
            comparison.operator_ = upper(how.text);
            const Token value = tokens.next();
            if (!is_operator(comparison.operator_) || value.kind != Token::Kind::text) {
                return rejected("a comparison other than = LIKE MATCHES ISSUBSET with a text");
            }
            comparison.value = value.text;
            result.any_of.push_back(std::move(comparison));
            after_comparison = true;
        }
    }
    if (depth != 0 || !after_comparison) {
        return rejected("a pattern that is not complete");
    }
    return result;
}

} // namespace foregate::control
