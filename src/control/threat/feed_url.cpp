// SPDX-License-Identifier: BSD-3-Clause
#include "control/threat/feed_url.h"

#include "control/threat/feed_name.h"
#include "control/threat/feed_text.h"
#include "dataplane/packet/ip_address.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>
#include <utility>

namespace foregate::control {

using dataplane::IpAddress;

namespace {

constexpr std::size_t kMaxUrlBytes = 2048;

struct KnownScheme {
    std::string_view name;
    unsigned port;
};
constexpr std::array<KnownScheme, 5> kSchemes{
    {{"http", 80}, {"https", 443}, {"ftp", 21}, {"tcp", 0}, {"udp", 0}}};

FeedUrl rejected(std::string reason) {
    FeedUrl url;
    url.reason = std::move(reason);
    return url;
}

/// Splits "host", "host:port", "[v6]", "[v6]:port"; the reason when it is none of them.
std::string split_host(std::string_view authority, std::string_view& host, std::string_view& port) {
    if (authority.starts_with('[')) {
        const std::size_t close = authority.find(']');
        if (close == std::string_view::npos) {
            return "a bracket that is not closed";
        }
        host = authority.substr(1, close - 1);
        authority.remove_prefix(close + 1);
        if (!authority.empty() && !authority.starts_with(':')) {
            return "text behind a bracket";
        }
        port = authority.empty() ? authority : authority.substr(1);
        return authority.size() == 1 ? "an empty port" : "";
    }
    const std::size_t colon = authority.find(':');
    host = authority.substr(0, colon);
    if (colon == std::string_view::npos) {
        return {};
    }
    port = authority.substr(colon + 1);
    if (port.find(':') != std::string_view::npos) {
        return "more than one port";
    }
    return port.empty() ? "an empty port" : "";
}

/// 1..65535, or 0.
unsigned port_number(std::string_view port) {
    if (!is_number(port) || port.size() > 5) {
        return 0;
    }
    const int value = std::atoi(std::string(port).c_str());
    return value <= 65535 ? static_cast<unsigned>(value) : 0;
}

/// Fills host and is_address.
void read_host(std::string_view host, bool bracketed, FeedUrl& url) {
    if (const std::optional<IpAddress> address = IpAddress::parse(host)) {
        url.is_address = true;
        url.host = address->to_string();
        return;
    }
    if (bracketed) {
        url.reason = "no IPv6 address in the brackets";
        return;
    }
    FeedName name = parse_feed_name(host);
    if (name.reason.empty() && name.below_only) {
        name.reason = "a wildcard in front of a port or a path";
    }
    url.reason = name.reason;
    url.bad_name = !name.reason.empty();
    url.host = std::move(name.name);
}

} // namespace

std::string refanged(std::string_view word) {
    std::string plain;
    plain.reserve(word.size());
    const std::string start = lower_case(word.substr(0, 5));
    if (start.starts_with("hxxp")) {
        plain = "http";
        word.remove_prefix(4);
    }
    while (!word.empty()) {
        if (word.starts_with("[.]") || word.starts_with("(.)") || word.starts_with("{.}") ||
            word.starts_with("[:]")) {
            plain += word[1];
            word.remove_prefix(3);
        } else if (word.starts_with("[://]")) {
            plain += "://";
            word.remove_prefix(5);
        } else {
            plain += word.front();
            word.remove_prefix(1);
        }
    }
    return plain;
}

FeedUrl parse_feed_url(std::string_view word) {
    if (word.size() > kMaxUrlBytes) {
        return rejected("a URL longer than 2048 bytes");
    }
    if (std::any_of(word.begin(), word.end(), [](char c) { return c > 0 && c <= 0x20; }) ||
        word.find('\0') != std::string_view::npos || word.find('\x7f') != std::string_view::npos) {
        return rejected("a URL with blanks or control bytes");
    }
    FeedUrl url;
    unsigned usual_port = 0;
    // Behind the first slash, "://" is part of a path ("archive.example/https://...").
    const std::size_t scheme_end = word.find("://");
    const bool has_scheme =
        scheme_end != std::string_view::npos && word.find_first_of("/?#") == scheme_end + 1;
    if (has_scheme) {
        const std::string name = lower_case(word.substr(0, scheme_end));
        const auto known = std::find_if(kSchemes.begin(), kSchemes.end(),
                                        [&name](const KnownScheme& s) { return s.name == name; });
        // "://[2001:db8::1]": some lists leave the scheme empty.
        if (known == kSchemes.end() && !name.empty()) {
            return rejected("a URL of an unknown scheme");
        }
        usual_port = known == kSchemes.end() ? 0 : known->port;
        word.remove_prefix(scheme_end + 3);
    }
    const std::size_t path_at = std::min(word.find_first_of("/?#"), word.size());
    std::string_view path = word.substr(path_at);
    path = path.substr(0, path.find('#'));
    std::string_view authority = word.substr(0, path_at);
    if (const std::size_t user = authority.rfind('@'); user != std::string_view::npos) {
        authority.remove_prefix(user + 1);
    }
    std::string_view host;
    std::string_view port;
    url.reason = split_host(authority, host, port);
    unsigned number = 0;
    if (url.reason.empty() && !port.empty() && (number = port_number(port)) == 0) {
        url.reason = "a port that is no number from 1 to 65535";
    }
    if (url.reason.empty()) {
        read_host(host, authority.starts_with('['), url);
    }
    if (!url.reason.empty()) {
        return url;
    }
    url.kind = has_scheme || !path.empty() ? UnmatchedKind::url : UnmatchedKind::endpoint;
    if (url.kind == UnmatchedKind::endpoint && number == 0) {
        return rejected("neither a port nor a path");
    }
    const bool six = url.is_address && url.host.find(':') != std::string::npos;
    url.text = six ? "[" + url.host + "]" : url.host;
    if (number != 0 && (url.kind == UnmatchedKind::endpoint || number != usual_port)) {
        url.text += ":" + std::to_string(number);
    }
    if (url.kind == UnmatchedKind::url) {
        url.text += path.starts_with('/') ? std::string(path) : "/" + std::string(path);
    }
    return url;
}

} // namespace foregate::control
