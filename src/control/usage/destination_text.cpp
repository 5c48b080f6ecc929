// SPDX-License-Identifier: BSD-3-Clause
#include "control/usage/destination_text.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace foregate::control {

namespace {

bool is_name(std::string_view text) {
    return !text.empty() && text.size() <= 253 && text.front() != '.' &&
           std::all_of(text.begin(), text.end(), [](unsigned char c) {
               return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.' || c >= 0x80;
           });
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return port;
}

std::optional<DestinationParts> parse_host(std::string_view host, bool bracketed) {
    DestinationParts parts;
    if (const auto prefix = IpPrefix::parse(host); prefix && prefix->is_v4() != bracketed) {
        const bool whole = host.find('/') == std::string_view::npos;
        parts.kind = whole ? DestinationParts::Kind::address : DestinationParts::Kind::prefix;
        parts.prefix = *prefix;
        return parts;
    }
    if (bracketed || !is_name(host)) {
        return std::nullopt;
    }
    parts.name = host;
    std::transform(parts.name.begin(), parts.name.end(), parts.name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return parts;
}

} // namespace

std::optional<DestinationParts> parse_destination(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) {
        return std::nullopt;
    }
    const auto port = parse_port(text.substr(colon + 1));
    std::string_view host = text.substr(0, colon);
    const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    if (bracketed) {
        host = host.substr(1, host.size() - 2);
    }
    auto parts = port ? parse_host(host, bracketed) : std::nullopt;
    if (parts) {
        parts->port = *port;
    }
    return parts;
}

std::string format_destination(std::string_view name, std::uint16_t port) {
    std::string text(name);
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text + ":" + std::to_string(port);
}

std::string format_destination(const IpAddress& address, std::uint16_t port) {
    const std::string host = address.to_string();
    return (address.is_v4() ? host : "[" + host + "]") + ":" + std::to_string(port);
}

std::string format_destination(const IpPrefix& prefix, std::uint16_t port) {
    const std::string host = prefix.to_string();
    return (prefix.is_v4() ? host : "[" + host + "]") + ":" + std::to_string(port);
}

std::string format_destination(const DestinationSpec& spec) {
    return spec.address ? format_destination(*spec.address, spec.port)
                        : format_destination(spec.name, spec.port);
}

} // namespace foregate::control
