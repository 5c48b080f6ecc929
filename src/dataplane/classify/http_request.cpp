// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/classify/http_request.h"

#include "dataplane/classify/authority.h"
#include "dataplane/classify/header_text.h"

#include <algorithm>
#include <cstddef>

namespace foregate::dataplane {

namespace {

constexpr std::size_t kMaxMethodBytes = 24;
constexpr std::size_t kMaxBlankBytes = 8;
constexpr std::string_view kVersion = "HTTP/1.";

constexpr bool is_token_char(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
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

/// method SP target SP HTTP/1.x; lenient servers also take a line whose target was forgotten
bool parse_request_line(std::string_view line, HttpRequest& out) noexcept {
    const std::size_t first = line.find(' ');
    const std::size_t last = line.rfind(' ');
    if (first == std::string_view::npos || first == 0 || first > kMaxMethodBytes) {
        return false;
    }
    const std::string_view version = line.substr(last + 1);
    if (!version.starts_with(kVersion) || version.size() != kVersion.size() + 1) {
        return false;
    }
    out.method = line.substr(0, first);
    out.target = last > first ? trimmed(line.substr(first + 1, last - first - 1)) : std::string_view();
    return (last == first || !out.target.empty()) && std::all_of(out.method.begin(), out.method.end(), is_token_char);
}

void note(const HeaderField& field, HttpRequest& out) noexcept {
    if (equal_folded(field.name, "host")) {
        remember(field.value, out);
    } else if (equal_folded(field.name, "upgrade")) {
        out.websocket = out.websocket || equal_folded(field.value, "websocket");
    } else if (out.user_agent.empty() && equal_folded(field.name, "user-agent")) {
        out.user_agent = field.value;
    } else if (out.content_type.empty() && equal_folded(field.name, "content-type")) {
        out.content_type = field.value;
    }
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
        const HeaderField field = header_field(line);
        host_value_pending = equal_folded(field.name, "host") && field.value.empty();
        note(field, out);
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
    out.user_agent = {};
    out.content_type = {};
    out.websocket = false;
    out.whole = false;
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
    out.whole = read_headers(rest, out);
    if (!out.host.empty()) {
        return HttpResult::found;
    }
    return out.whole ? HttpResult::none : HttpResult::incomplete;
}

} // namespace foregate::dataplane
