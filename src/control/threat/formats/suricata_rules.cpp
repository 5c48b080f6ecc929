// SPDX-License-Identifier: BSD-3-Clause
// Suricata's rules, as far as they say "this host", "this URL" or "these addresses": contents in
// http.host, tls.sni and dns.query (also as modifiers, the older way), one content in http.uri,
// addresses in the rule's header. A rule that asks for anything else besides is rejected: without
// that it would be wider. The rule language is described at docs.suricata.io.
#include "control/threat/formats/feed_format.h"

#include "control/threat/feed_text.h"
#include "dataplane/packet/ip_address.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

namespace foregate::control {

namespace {

constexpr std::size_t kMaxRuleBytes = 65536;

template <std::size_t N>
bool is_one_of(const std::array<std::string_view, N>& words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

constexpr std::array<std::string_view, 9> kActions{
    "alert", "drop", "reject", "pass", "rejectsrc", "rejectdst", "rejectboth", "sdrop", "log"};
constexpr std::array<std::string_view, 11> kHostBuffers{
    "http.host", "http.host.raw", "http_host", "http_raw_host",      "tls.sni",        "tls_sni",
    "dns.query", "dns_query",     "quic.sni",  "dns.queries.rrname", "tls.server_name"};
constexpr std::array<std::string_view, 4> kUriBuffers{"http.uri", "http.uri.raw", "http_uri",
                                                      "http_raw_uri"};
constexpr std::array<std::string_view, 2> kMethodBuffers{"http.method", "http_method"};
/// Further conditions that cannot be left out without making the rule wider.
constexpr std::array<std::string_view, 24> kConditions{
    "pcre",     "byte_test", "byte_jump", "byte_extract", "byte_math",  "flowbits",
    "flowint",  "xbits",     "dsize",     "luajit",       "lua",        "isdataat",
    "urilen",   "threshold", "dataset",   "datarep",      "iprep",      "geoip",
    "ja3.hash", "ja3_hash",  "filemd5",   "filesha1",     "filesha256", "detection_filter"};

bool begins_rule(std::string_view line) {
    const std::size_t blank = line.find(' ');
    return blank != std::string_view::npos && is_one_of(kActions, line.substr(0, blank)) &&
           (line.find('(') != std::string_view::npos);
}

bool recognises(const FeedHead& head) {
    const std::size_t rules = head.count(begins_rule);
    return head.mostly(rules) || (head.extension == ".rules" && rules > 0);
}

/// "|68 6f|st" as "host"; nullopt when the escapes are broken.
std::optional<std::string> unescaped(std::string_view content) {
    std::string text;
    bool hex = false;
    std::string digits;
    for (std::size_t i = 0; i < content.size(); ++i) {
        const char c = content[i];
        if (c == '|') {
            if (hex && !digits.empty()) {
                return std::nullopt;
            }
            hex = !hex;
        } else if (hex) {
            if (c != ' ') {
                digits += c;
            }
            if (digits.size() == 2) {
                if (digits.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos) {
                    return std::nullopt;
                }
                text += static_cast<char>(std::stoi(digits, nullptr, 16));
                digits.clear();
            }
        } else if (c == '\\' && i + 1 < content.size()) {
            text += content[++i];
        } else {
            text += c;
        }
    }
    return hex ? std::nullopt : std::optional(text);
}

struct Content {
    std::string text;
    std::string_view buffer; ///< empty: the payload
    bool negated = false;
    bool with_dot = false; ///< "dotprefix": also what equals the content without its first dot
};

struct Options {
    std::vector<Content> contents;
    std::string_view other; ///< a condition that is not understood
    std::string_view classtype;
    bool broken = false;
};

/// Takes "keyword:value;" off the text; quotes and escapes may hide semicolons.
std::string_view take_option(std::string_view& text) {
    bool quoted = false;
    std::size_t i = 0;
    for (; i < text.size() && (quoted || text[i] != ';'); ++i) {
        if (text[i] == '\\') {
            ++i;
        } else if (text[i] == '"') {
            quoted = !quoted;
        }
    }
    const std::string_view option = trimmed(text.substr(0, std::min(i, text.size())));
    text.remove_prefix(std::min(i + 1, text.size()));
    return option;
}

void read_content(std::string_view value, std::string_view sticky, bool dotted, Options& options) {
    Content content;
    content.negated = value.starts_with('!');
    value.remove_prefix(content.negated ? 1 : 0);
    value = trimmed(value);
    const bool quoted = value.size() >= 2 && value.starts_with('"') && value.ends_with('"');
    const auto text = quoted ? unescaped(value.substr(1, value.size() - 2)) : std::nullopt;
    options.broken |= !text;
    content.text = text.value_or("");
    content.buffer = sticky;
    content.with_dot = dotted;
    options.contents.push_back(std::move(content));
}

Options read_options(std::string_view text) {
    Options options;
    std::string_view sticky;
    bool dotted = false;
    while (!text.empty()) {
        const std::string_view option = take_option(text);
        const std::size_t colon = option.find(':');
        const std::string_view keyword = trimmed(option.substr(0, colon));
        const std::string_view value =
            colon == std::string_view::npos ? "" : trimmed(option.substr(colon + 1));
        const bool buffer = is_one_of(kHostBuffers, keyword) || is_one_of(kUriBuffers, keyword) ||
                            is_one_of(kMethodBuffers, keyword);
        const bool older = keyword.starts_with("http_");
        if (keyword == "content") {
            read_content(value, sticky, dotted, options);
        } else if (buffer && older) {
            if (!options.contents.empty()) {
                options.contents.back().buffer = keyword;
            }
        } else if (buffer) {
            sticky = keyword;
            dotted = false;
        } else if (keyword == "dotprefix") {
            dotted = true;
        } else if (keyword == "classtype") {
            options.classtype = value;
        } else if (keyword == "bsize" || keyword == "pkt_data") {
            sticky = keyword == "pkt_data" ? std::string_view() : sticky;
        } else if (is_one_of(kConditions, keyword) ||
                   (keyword.find('.') != std::string_view::npos && keyword != "noalert") ||
                   keyword == "file_data" || keyword.starts_with("http_") ||
                   keyword.starts_with("tls_")) {
            options.other = keyword;
        }
    }
    return options;
}

struct Header {
    std::string_view protocol, source, source_port, destination, destination_port;
    std::string_view rest;
};

/// The words up to the bracket; an address list in brackets is one word, whatever blanks it holds.
std::optional<Header> read_header(std::string_view line) {
    std::vector<std::string_view> words;
    std::size_t at = 0;
    while (at < line.size() && words.size() < 7) {
        at = std::min(line.find_first_not_of(" \t", at), line.size());
        if (at == line.size() || line[at] == '(') {
            break;
        }
        const std::size_t from = at;
        int depth = 0;
        for (; at < line.size() && (depth > 0 || (line[at] != ' ' && line[at] != '\t')); ++at) {
            depth += line[at] == '[' ? 1 : line[at] == ']' ? -1 : 0;
        }
        words.push_back(line.substr(from, at - from));
    }
    const std::size_t open = line.find('(', at);
    if (words.size() != 7 || open == std::string_view::npos ||
        (words[4] != "->" && words[4] != "<>")) {
        return std::nullopt;
    }
    return Header{words[1], words[2], words[3], words[5], words[6], line.substr(open + 1)};
}

/// "[1.2.3.4,192.0.2.0/24]" or one of them; empty for a variable, "any", or a list with exceptions.
std::vector<std::string_view> addresses_of(std::string_view field) {
    std::vector<std::string_view> addresses;
    if (field.starts_with('[') && field.ends_with(']')) {
        field = field.substr(1, field.size() - 2);
    }
    for (const std::string_view part : split_at(field, ',')) {
        const std::string_view word = trimmed(part);
        if (!dataplane::IpAddress::parse(word.substr(0, word.find('/')))) {
            return {};
        }
        addresses.push_back(word);
    }
    return addresses;
}

class RuleReader {
public:
    explicit RuleReader(FeedIntake& intake) : intake_(intake) {}

    /// False when the rule has no end.
    bool read(std::string_view line) {
        const std::optional<Header> header = read_header(line);
        if (!header) {
            intake_.reject(
                line,
                "no rule: expected action protocol source port -> destination port (options)");
            return line.ends_with(')');
        }
        if (!line.ends_with(')')) {
            intake_.reject(line, "a rule without its closing bracket");
            return false;
        }
        const Options options = read_options(header->rest.substr(0, header->rest.size() - 1));
        intake_.set_category(options.classtype);
        const std::string why = why_wider(options);
        if (!why.empty()) {
            intake_.reject(line, why);
        } else if (line.starts_with("pass")) {
            read_pass(line);
        } else if (host_ != nullptr) {
            add_host();
        } else if (uri_ != nullptr) {
            intake_.reject(line, "a path without a host");
        } else {
            add_addresses(line, *header);
        }
        return true;
    }

private:
    /// Finds the host and the path; says why the rule asks for more than those.
    std::string why_wider(const Options& options) {
        host_ = nullptr;
        uri_ = nullptr;
        if (options.broken) {
            return "a content that is not quoted, or broken escapes";
        }
        if (!options.other.empty()) {
            return "it also asks for " + std::string(options.other.substr(0, 24)) +
                   "; without that it would be wider";
        }
        for (const Content& content : options.contents) {
            if (content.negated) {
                return "it excepts a content; without that it would be wider";
            }
            const bool uri = is_one_of(kUriBuffers, content.buffer);
            if (is_one_of(kMethodBuffers, content.buffer)) {
                continue; // the request's kind does not change which host is meant
            }
            if (!uri && !is_one_of(kHostBuffers, content.buffer)) {
                return "it asks for a content of the payload; without that it would be wider";
            }
            const Content*& slot = uri ? uri_ : host_;
            if (slot != nullptr) {
                return "it asks for two contents in one place";
            }
            slot = &content;
        }
        if (uri_ != nullptr && !uri_->text.starts_with('/')) {
            return "a part of a path";
        }
        return {};
    }

    void read_pass(std::string_view line) {
        if (host_ != nullptr && uri_ == nullptr) {
            intake_.add_exception(host_->text);
        } else {
            intake_.reject(line, "a pass rule for something else than a host");
        }
    }

    void add_host() {
        const std::string& text = host_->text;
        if (uri_ != nullptr) {
            intake_.add_url(text + uri_->text);
        } else if (text.starts_with('.') && text.size() > 1) {
            // ".evil.example" at the end of a host is below it; with "dotprefix" also the name
            // itself.
            intake_.add_word(host_->with_dot ? text.substr(1) : "*" + text);
        } else {
            intake_.add_word(text);
        }
    }

    void add_addresses(std::string_view line, const Header& header) {
        const bool to = !addresses_of(header.destination).empty();
        const std::vector<std::string_view> addresses =
            addresses_of(to ? header.destination : header.source);
        const std::string_view port = to ? header.destination_port : header.source_port;
        if (addresses.empty()) {
            intake_.reject(line, "a rule without a host or an address");
            return;
        }
        for (const std::string_view address : addresses) {
            if (port == "any") {
                intake_.add_address(address);
            } else if (address.find('/') != std::string_view::npos || !is_number(port)) {
                intake_.reject(address, "only some of its ports; without them it would be wider");
            } else {
                const bool six = address.find(':') != std::string_view::npos;
                intake_.add_url((six ? "[" + std::string(address) + "]" : std::string(address)) +
                                ":" + std::string(port));
            }
        }
    }

    FeedIntake& intake_;
    const Content* host_ = nullptr; ///< of the rule that is read
    const Content* uri_ = nullptr;
};

std::string read(const FeedHead& head, FeedIntake& intake) {
    RuleReader rules(intake);
    std::string_view rest = head.text;
    while (!rest.empty()) {
        const bool unended = rest.find('\n') == std::string_view::npos;
        const std::string_view line = trimmed(take_line(rest));
        intake.begin_line();
        if (line.empty() || line.starts_with('#')) {
            continue;
        }
        if (line.size() > kMaxRuleBytes) {
            intake.reject(line.substr(0, 32), "a line longer than 65536 bytes");
        } else if (!rules.read(line) && unended) {
            intake.set_truncated("the file ends inside a rule");
        }
    }
    return "suricata rules";
}

} // namespace

const FeedFormat kSuricataRules{"suricata rules", recognises, read};

} // namespace foregate::control
