// SPDX-License-Identifier: BSD-3-Clause
// BIND's named.conf with one `zone "name" { type master; file "null.zone.file"; };` for each name;
// the zone answers for the name and everything below it.
#include "control/threat/formats/feed_format.h"

#include "control/threat/feed_text.h"

#include <algorithm>

namespace foregate::control {

namespace {

bool begins_zone(std::string_view line) {
    return line.starts_with("zone ") && line.find('"') != std::string_view::npos;
}

bool recognises(const FeedHead& head) {
    const std::size_t zones = head.count(begins_zone);
    return zones > 0 && head.count([](std::string_view line) {
        return begins_zone(line) || line.ends_with(';') || line.ends_with('{') ||
               line.ends_with('}');
    }) * 2 >= head.lines.size();
}

/// Words, quoted strings and { } ; of the text, without comments; lines are counted at the intake.
class Tokens {
public:
    Tokens(std::string_view text, FeedIntake& intake) : text_(text), intake_(intake) {
        if (!text_.empty()) {
            intake_.begin_line();
        }
    }

    /// Empty at the end. A string keeps its opening quote.
    std::string_view next() {
        skip_blanks();
        if (text_.empty()) {
            return {};
        }
        std::size_t length = 1;
        if (text_.front() == '"') {
            // A string does not go over the end of its line: one lost quote must not eat the rest.
            const std::size_t end = std::min(text_.find_first_of("\"\n", 1), text_.size());
            const std::string_view token = text_.substr(0, end);
            text_.remove_prefix(end < text_.size() && text_[end] == '"' ? end + 1 : end);
            return token;
        }
        if (kPunctuation.find(text_.front()) == std::string_view::npos) {
            length = std::min(text_.find_first_of(" \t\v\f\r\n{};\"#"), text_.size());
        }
        const std::string_view token = text_.substr(0, std::max<std::size_t>(length, 1));
        text_.remove_prefix(token.size());
        return token;
    }

private:
    static constexpr std::string_view kPunctuation = "{};";

    void drop(std::size_t count) {
        for (std::size_t i = 0; i < std::min(count, text_.size()); ++i) {
            if (text_[i] == '\n' && i + 1 < text_.size()) {
                intake_.begin_line();
            }
        }
        text_.remove_prefix(std::min(count, text_.size()));
    }

    void skip_blanks() {
        while (!text_.empty()) {
            if (text_.starts_with('#') || text_.starts_with("//")) {
                drop(text_.find('\n'));
            } else if (text_.starts_with("/*")) {
                const std::size_t end = text_.find("*/", 2);
                drop(end == std::string_view::npos ? text_.size() : end + 2);
            } else if (kFeedBlanks.find(text_.front()) != std::string_view::npos ||
                       text_.front() == '\r' || text_.front() == '\n') {
                drop(1);
            } else {
                return;
            }
        }
    }

    std::string_view text_;
    FeedIntake& intake_;
};

std::string read(const FeedHead& head, FeedIntake& intake) {
    Tokens tokens(head.text, intake);
    std::size_t depth = 0;
    bool zone = false;
    for (std::string_view token = tokens.next(); !token.empty(); token = tokens.next()) {
        if (token == "{") {
            ++depth;
        } else if (token == "}") {
            depth -= depth > 0 ? 1 : 0;
        } else if (depth == 0 && zone && token.starts_with('"')) {
            intake.add_name(token.substr(1));
        } else if (depth == 0 && token != ";" && token != "zone" && token != "IN" &&
                   token != "in") {
            intake.reject(token, "expected a zone");
        }
        zone = depth == 0 && token == "zone";
    }
    if (depth > 0 || zone) {
        intake.set_truncated("the file ends inside a zone");
    }
    return "bind";
}

} // namespace

const FeedFormat kBindZones{"bind", recognises, read};

} // namespace foregate::control
