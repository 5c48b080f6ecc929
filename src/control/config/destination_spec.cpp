// SPDX-License-Identifier: BSD-3-Clause
#include "control/config/destination_spec.h"

#include <algorithm>
#include <string>

namespace foregate::control {

namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_label_character(char c) {
    return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '_';
}

bool is_label(std::string_view label) {
    if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') {
        return false;
    }
    for (const char c : label) {
        if (!is_label_character(c)) {
            return false;
        }
    }
    return true;
}

std::string lowered(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        if (c >= 'A' && c <= 'Z') {
            c = static_cast<char>(c - 'A' + 'a');
        }
    }
    return out;
}

} // namespace

bool is_host_name(std::string_view name) {
    if (name.empty() || name.size() > 253) {
        return false;
    }
    bool all_digits = false;
    for (std::size_t begin = 0; begin <= name.size();) {
        const auto end = std::min(name.find('.', begin), name.size());
        const auto label = name.substr(begin, end - begin);
        if (!is_label(label)) {
            return false;
        }
        all_digits = label.find_first_not_of("0123456789") == std::string_view::npos;
        begin = end + 1;
    }
    return !all_digits;
}

Parsed<DestinationSpec> parse_destination_spec(std::string_view text) {
    using P = Parsed<DestinationSpec>;
    const std::string shown = "\"" + std::string(text) + "\"";
    const std::string expected = ", expected name:port, 192.0.2.1:port or [2001:db8::1]:port";
    const auto colon = text.rfind(':');
    const bool bracketed = text.starts_with('[');
    if (colon == std::string_view::npos || (bracketed && (colon == 0 || text[colon - 1] != ']'))) {
        return P::failed(shown + " has no port" + expected);
    }
    const auto port = parse_whole(text.substr(colon + 1));
    if (!port.value || *port.value < 1 || *port.value > 65535) {
        return P::failed(shown + " has no valid port" +
                         (port.value ? "" : " (" + port.problem + ")") +
                         ", expected a port 1..65535 after the last colon");
    }
    DestinationSpec spec;
    spec.port = static_cast<std::uint16_t>(*port.value);
    std::string_view host = text.substr(0, colon);
    if (bracketed) {
        host = host.substr(1, host.size() - 2);
        spec.address = IpAddress::parse(host);
        if (!spec.address || spec.address->is_v4()) {
            return P::failed(shown + " has no IPv6 address in its brackets" + expected);
        }
        return spec;
    }
    if (host.find(':') != std::string_view::npos) {
        return P::failed(shown + " has an IPv6 address without brackets" + expected);
    }
    spec.address = IpAddress::parse(host);
    if (spec.address) {
        return spec;
    }
    spec.name = lowered(host.ends_with('.') ? host.substr(0, host.size() - 1) : host);
    if (!is_host_name(spec.name)) {
        return P::failed(shown + " is neither a host name nor an address" + expected);
    }
    return spec;
}

std::string DestinationSpec::to_string() const {
    const std::string port_text = ":" + std::to_string(port);
    if (!address) {
        return name + port_text;
    }
    return (address->is_v4() ? address->to_string() : "[" + address->to_string() + "]") + port_text;
}

} // namespace foregate::control
