// SPDX-License-Identifier: BSD-3-Clause
// Suricata's datasets of strings (one in base64 a line) and of file hashes, which list nothing that
// a gateway could see. Datasets of addresses and those with values are plain lists and CSV.
#include "control/threat/formats/feed_format.h"

#include "control/threat/feed_text.h"

#include <algorithm>
#include <optional>

namespace foregate::control {

namespace {

bool is_hash(std::string_view line) {
    line = line.substr(0, line.find(','));
    return (line.size() == 32 || line.size() == 40 || line.size() == 64) &&
           line.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
}

int value_of(char c) {
    constexpr std::string_view kAlphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const std::size_t at = kAlphabet.find(c);
    return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

/// RFC 4648, padded; nullopt unless the text is just that and holds printable ASCII.
std::optional<std::string> decoded(std::string_view text) {
    if (text.size() < 4 || text.size() % 4 != 0) {
        return std::nullopt;
    }
    std::size_t padding = 0;
    while (padding < 2 && text.ends_with('=')) {
        text.remove_suffix(1);
        ++padding;
    }
    std::string bytes;
    unsigned bits = 0;
    unsigned held = 0;
    for (const char c : text) {
        const int value = value_of(c);
        if (value < 0) {
            return std::nullopt;
        }
        bits = (bits << 6U | static_cast<unsigned>(value)) & 0xffffU;
        held += 6;
        if (held >= 8) {
            held -= 8;
            bytes += static_cast<char>(bits >> held & 0xffU);
        }
    }
    const bool printable =
        std::all_of(bytes.begin(), bytes.end(), [](char c) { return c > 0x20 && c < 0x7f; });
    return printable && bytes.find('.') != std::string::npos ? std::optional(bytes) : std::nullopt;
}

bool recognises(const FeedHead& head) {
    return head.mostly(head.count(
        [](std::string_view line) { return is_hash(line) || decoded(line).has_value(); }));
}

std::string read(const FeedHead& head, FeedIntake& intake) {
    std::string_view rest = head.text;
    while (!rest.empty()) {
        const std::string_view line = trimmed(take_line(rest));
        intake.begin_line();
        if (line.empty() || FeedHead::is_comment(line)) {
            continue;
        }
        if (is_hash(line)) {
            intake.skip();
        } else if (const auto word = decoded(line)) {
            intake.add_word(*word);
        } else {
            intake.reject(line, "expected a name, address or URL in base64");
        }
    }
    return "dataset";
}

} // namespace

const FeedFormat kDataset{"dataset", recognises, read};

} // namespace foregate::control
