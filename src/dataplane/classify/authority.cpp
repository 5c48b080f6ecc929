// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/classify/authority.h"

#include "dataplane/classify/header_text.h"

#include <algorithm>
#include <cstddef>
#include <span>

namespace foregate::dataplane {

namespace {

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

} // namespace

void parse_authority(std::string_view text, Authority& out) noexcept {
    out.host.clear();
    out.port = 0;
    out.ipv6_literal = false;
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

} // namespace foregate::dataplane
