// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/classify/http_request.h"

#include <algorithm>
#include <cstddef>

namespace foregate::dataplane {

namespace {

constexpr std::size_t kMaxMethodBytes = 24;
constexpr std::size_t kMaxBlankBytes = 8;
constexpr std::string_view kVersion = "HTTP/1.";

constexpr char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool equal_folded(std::string_view text, std::string_view lower_case) noexcept {
    return text.size() == lower_case.size() &&
           std::equal(text.begin(), text.end(), lower_case.begin(),
                      [](char a, char b) { return lower(a) == b; });
}

constexpr bool is_token_char(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

constexpr bool is_blank(char c) noexcept {
    return c == ' ' || c == '\t';
}

std::string_view trimmed(std::string_view text) noexcept {
    while (!text.empty() && is_blank(text.front())) {
        text.remove_prefix(1);
    }
    while (!text.empty() && is_blank(text.back())) {
        text.remove_suffix(1);
    }
    return text;
}

/// Takes one line off `rest`, without its CRLF or LF; false when its end is not there yet.
bool take_line(std::string_view& rest, std::string_view& line) noexcept {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) {
        return false;
    }
    line = rest.substr(0, end);
    if (!line.empty() && line.back() == '\r') {
        line.remove_suffix(1);
    }
    rest.remove_prefix(end + 1);
    return true;
}

struct Authority {
    NameBuffer host;
    std::uint16_t port = 0;
    bool ipv6_literal = false;
};

std::uint16_t parse_port(std::string_view digits) noexcept {
    std::uint32_t port = 0;
    for (const char c : digits) {
        if (c < '0' || c > '9' || port > 6553) {
            return 0;
        }
        port = port * 10 + static_cast<std::uint32_t>(c - '0');
    }
    return port <= 0xffff ? static_cast<std::uint16_t>(port) : std::uint16_t{0};
}

std::span<const std::uint8_t> as_bytes_of(std::string_view text) noexcept {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

/// [userinfo@]host[:port]
void parse_authority(std::string_view text, Authority& out) noexcept {
    out = Authority{};
    const std::size_t user = text.rfind('@');
    if (user != std::string_view::npos) {
        text.remove_prefix(user + 1);
    }
    const std::size_t bracket = text.find(']');
    if (!text.empty() && text.front() == '[' && bracket != std::string_view::npos) {
        const std::string_view literal = text.substr(1, std::min(bracket - 1, kMaxNameLength));
        for (const char c : literal) {
            const char plain = c == ':' || c == '.' ? c : name_byte(static_cast<std::uint8_t>(c));
            out.host.odd = out.host.odd || plain == '?';
            out.host.text[out.host.length++] = plain;
        }
        out.ipv6_literal = true;
        text.remove_prefix(bracket + 1);
        out.port = text.starts_with(':') ? parse_port(text.substr(1)) : std::uint16_t{0};
        return;
    }
    const std::size_t colon = text.find(':');
    if (colon != std::string_view::npos) {
        out.port = parse_port(text.substr(colon + 1));
        text = text.substr(0, colon);
    }
    assign_name(as_bytes_of(trimmed(text)), out.host);
}

/// The authority inside a request target; empty for origin form and "*".
std::string_view authority_of(std::string_view method, std::string_view target) noexcept {
    if (method == "CONNECT") {
        return target.substr(0, target.find_first_of("/?#"));
    }
    const std::size_t scheme = target.find("://");
    if (target.starts_with('/') || scheme == std::string_view::npos ||
        target.find_first_of("/?#") < scheme) {
        return {};
    }
    target.remove_prefix(scheme + 3);
    return target.substr(0, target.find_first_of("/?#\\"));
}

void remember(std::string_view text, HttpRequest& out) noexcept {
    Authority authority;
    parse_authority(text, authority);
    if (authority.host.empty()) {
        return;
    }
    if (out.host.empty()) {
        out.host = authority.host;
        out.port = authority.port;
        out.host_is_ipv6_literal = authority.ipv6_literal;
    } else if (out.other_host.empty() && authority.host.view() != out.host.view()) {
        out.other_host = authority.host;
    }
}

/// What can be said of a request line whose end is not there yet.
HttpResult judge_beginning(std::string_view line) noexcept {
    const std::size_t space = line.find(' ');
    const std::string_view method = line.substr(0, space);
    const bool token = std::all_of(method.begin(), method.end(), is_token_char);
    // A lone CR may be the first half of a blank line's end.
    const bool possible =
        line == "\r" || (token && method.size() <= kMaxMethodBytes && !(space == 0));
    return possible ? HttpResult::incomplete : HttpResult::not_http;
}

/// method SP target SP HTTP/1.x
bool parse_request_line(std::string_view line, HttpRequest& out) noexcept {
    const std::size_t first = line.find(' ');
    const std::size_t last = line.rfind(' ');
    if (first == std::string_view::npos || first == 0 || first > kMaxMethodBytes || last <= first) {
        return false;
    }
    const std::string_view version = line.substr(last + 1);
    if (!version.starts_with(kVersion) || version.size() != kVersion.size() + 1) {
        return false;
    }
    out.method = line.substr(0, first);
    out.target = trimmed(line.substr(first + 1, last - first - 1));
    return !out.target.empty() && std::all_of(out.method.begin(), out.method.end(), is_token_char);
}

/// Reads header lines up to the blank one; true when the head is complete.
bool read_headers(std::string_view rest, HttpRequest& out) noexcept {
    std::string_view line;
    bool host_value_pending = false; // "Host:" with its value on the next, folded line
    while (take_line(rest, line)) {
        if (line.empty()) {
            return true;
        }
        if (is_blank(line.front())) {
            if (host_value_pending && !trimmed(line).empty()) {
                remember(trimmed(line), out);
                host_value_pending = false;
            }
            continue;
        }
        const std::size_t colon = line.find(':');
        if (colon == std::string_view::npos ||
            !equal_folded(trimmed(line.substr(0, colon)), "host")) {
            host_value_pending = false;
            continue;
        }
        const std::string_view value = trimmed(line.substr(colon + 1));
        host_value_pending = value.empty();
        remember(value, out);
    }
    return false;
}

} // namespace

HttpResult parse_http_request(std::span<const std::uint8_t> stream, HttpRequest& out) noexcept {
    out.method = {};
    out.target = {};
    out.host.clear();
    out.other_host.clear();
    out.port = 0;
    out.host_is_ipv6_literal = false;
    std::string_view rest(reinterpret_cast<const char*>(stream.data()), stream.size());
    std::string_view line;
    const std::size_t all = rest.size();
    do {
        if (!take_line(rest, line)) {
            return judge_beginning(rest);
        }
    } while (line.empty() && all - rest.size() <= kMaxBlankBytes);
    if (!parse_request_line(line, out)) {
        out.method = {};
        out.target = {};
        return HttpResult::not_http;
    }
    const std::string_view authority = authority_of(out.method, out.target);
    if (!authority.empty()) {
        remember(authority, out);
    }
    const bool complete = read_headers(rest, out);
    if (!out.host.empty()) {
        return HttpResult::found;
    }
    return complete ? HttpResult::none : HttpResult::incomplete;
}

} // namespace foregate::dataplane
