// SPDX-License-Identifier: BSD-3-Clause
#include "control/config/access_rule.h"

#include "control/config/destination_spec.h"
#include "dataplane/packet/parse.h"

#include <string>

namespace foregate::control {

namespace {

using P = Parsed<AccessRuleConfig>;

std::string shown(std::string_view text) {
    return "\"" + std::string(text) + "\"";
}

std::string lowered(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return out;
}

std::string_view trimmed(std::string_view text) {
    const auto begin = text.find_first_not_of(' ');
    return begin == std::string_view::npos ? std::string_view()
                                           : text.substr(begin, text.find_last_not_of(' ') + 1 - begin);
}

/// The destination, cut into its parts; views into the rule's text.
struct Pieces {
    std::string_view host;
    std::string_view ports; ///< without the colon
    bool has_ports = false;
    bool bracketed = false;
};

/// Empty: all is well.
std::string cut(std::string_view text, Pieces& pieces) {
    if (text.starts_with('[')) {
        const auto end = text.find(']');
        if (end == std::string_view::npos) {
            return shown(text) + " has no closing bracket, expected such as [2001:db8::/32]:443";
        }
        pieces.bracketed = true;
        pieces.host = text.substr(1, end - 1);
        text.remove_prefix(end + 1);
        if (!text.empty() && !text.starts_with(':')) {
            return shown(text) +
                   " follows the bracket, expected a port such as :443 or nothing (a prefix length "
                   "stands inside, as in [2001:db8::/32])";
        }
    } else {
        if (text.find(':') != text.rfind(':')) {
            return shown(text) +
                   " has more than one colon, expected an IPv6 address or prefix in brackets such as "
                   "[2001:db8::/32]:443";
        }
        pieces.host = text.substr(0, text.find(':'));
        text.remove_prefix(pieces.host.size());
    }
    pieces.has_ports = !text.empty();
    pieces.ports = text.empty() ? text : text.substr(1);
    return {};
}

/// Empty: all is well.
std::string read_ports(std::string_view text, AccessRuleConfig& rule) {
    const auto dash = text.find('-');
    const auto first = parse_whole(text.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : parse_whole(text.substr(dash + 1));
    for (const auto* port : {&first, &last}) {
        if (!port->value || *port->value < 1 || *port->value > 65535) {
            return shown(text) + " is no port, expected 1..65535 or a range such as 6881-6999";
        }
    }
    if (*first.value > *last.value) {
        return shown(text) + " is a range that ends before it begins, expected the lower port first";
    }
    rule.first_port = static_cast<std::uint16_t>(*first.value);
    rule.last_port = static_cast<std::uint16_t>(*last.value);
    return {};
}

/// Empty: all is well.
std::string read_host(const Pieces& pieces, AccessRuleConfig& rule) {
    std::string_view host = pieces.host;
    if (host == "*" && !pieces.bracketed) {
        return {};
    }
    if (pieces.bracketed || host.find('/') != std::string_view::npos || IpPrefix::parse_interface(host)) {
        rule.prefix = IpPrefix::parse(host);
        if (pieces.bracketed && (!rule.prefix || rule.prefix->is_v4())) {
            return shown(host) + " is no IPv6 address or prefix without host bits, expected such as "
                                  "[2001:db8::1] or [2001:db8::/32]";
        }
        if (!rule.prefix) {
            const auto with_bits = IpPrefix::parse_interface(host);
            return shown(host) + " is no prefix" +
                   (with_bits ? " (host bits are set), expected " + with_bits->network().to_string()
                              : ", expected such as 192.0.2.0/24");
        }
        return {};
    }
    if (host.starts_with("*.")) {
        return shown(host) + " is a pattern, expected " + std::string(host.substr(2)) +
               " (it and everything below) or =" + std::string(host.substr(2)) + " (it alone)";
    }
    rule.exact = host.starts_with('=');
    host.remove_prefix(rule.exact ? 1 : 0);
    rule.name = lowered(host.ends_with('.') ? host.substr(0, host.size() - 1) : host);
    if (!is_host_name(rule.name)) {
        return shown(host) + " is neither a host name nor an address, expected such as db.example, "
                              "=www.example, 192.0.2.0/24, [2001:db8::/32] or *";
    }
    return {};
}

} // namespace

Parsed<AccessRuleConfig> parse_access_rule(std::string_view text) {
    AccessRuleConfig rule;
    const auto space = text.find(' ');
    const std::string_view verb = text.substr(0, space);
    std::string_view rest = space == std::string_view::npos ? std::string_view() : trimmed(text.substr(space));
    if ((verb != "allow" && verb != "deny") || rest.empty()) {
        return P::failed(shown(text) + " is no rule, expected \"allow DESTINATION\" or \"deny DESTINATION\"");
    }
    rule.action = verb == "allow" ? AccessAction::allow : AccessAction::deny;
    if (rest.find(' ') != std::string_view::npos) {
        return P::failed(shown(rest) + " has a space, expected one destination a rule");
    }
    const auto slash = rest.rfind('/');
    if (slash != std::string_view::npos && rest.find(']', slash) == std::string_view::npos) {
        const std::string protocol = lowered(rest.substr(slash + 1));
        const bool length = protocol.find_first_not_of("0123456789") == std::string::npos ||
                            rest.find(':', slash) != std::string_view::npos;
        if (protocol == "tcp" || protocol == "udp") {
            rule.protocol = protocol == "tcp" ? dataplane::kProtoTcp : dataplane::kProtoUdp;
            rest = rest.substr(0, slash);
        } else if (!length || slash == 0) {
            return P::failed(shown(protocol) + " is no protocol, expected tcp or udp");
        }
    }
    Pieces pieces;
    std::string problem = cut(rest, pieces);
    if (problem.empty() && pieces.has_ports) {
        problem = read_ports(pieces.ports, rule);
    }
    if (problem.empty()) {
        problem = read_host(pieces, rule);
    }
    return problem.empty() ? P(std::move(rule)) : P::failed(problem);
}

std::string AccessRuleConfig::to_string() const {
    std::string text = action == AccessAction::allow ? "allow " : "deny ";
    if (prefix) {
        const std::string net = prefix->bits128() == 128 ? prefix->address.to_string() : prefix->to_string();
        text += prefix->is_v4() ? net : "[" + net + "]";
    } else {
        text += name.empty() ? "*" : (exact ? "=" : "") + name;
    }
    if (first_port != 0) {
        text += ":" + std::to_string(first_port);
        text += first_port == last_port ? "" : "-" + std::to_string(last_port);
    }
    if (protocol != 0) {
        text += protocol == dataplane::kProtoTcp ? "/tcp" : "/udp";
    }
    return text;
}

} // namespace foregate::control
