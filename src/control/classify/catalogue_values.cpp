// SPDX-License-Identifier: BSD-3-Clause
#include "control/classify/catalogue_values.h"

#include "control/config/nearest.h"

#include <array>
#include <charconv>
#include <optional>

namespace foregate::control {

using dataplane::LengthFact;
using dataplane::PayloadParser;
using dataplane::PortSpace;
using dataplane::PortSpan;

namespace {

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

std::optional<std::uint32_t> number(std::string_view text, std::uint32_t most) {
    int base = 10;
    if (text.starts_with("0x")) {
        text.remove_prefix(2);
        base = 16;
    }
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (text.empty() || error != std::errc() || end != text.data() + text.size() || value > most) {
        return std::nullopt;
    }
    return value;
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && text.front() == ' ') {
        text.remove_prefix(1);
    }
    while (!text.empty() && text.back() == ' ') {
        text.remove_suffix(1);
    }
    return text;
}

/// "5" or "5-9" within 0..most.
std::optional<std::pair<std::uint16_t, std::uint16_t>> span_of(std::string_view text, std::uint32_t most) {
    const auto dash = text.find('-');
    const auto first = number(text.substr(0, dash), most);
    const auto last = dash == std::string_view::npos ? first : number(text.substr(dash + 1), most);
    if (!first || !last || *last < *first) {
        return std::nullopt;
    }
    return std::pair(static_cast<std::uint16_t>(*first), static_cast<std::uint16_t>(*last));
}

} // namespace

Parsed<std::vector<PortSpan>> parse_ports(std::string_view text) {
    using P = Parsed<std::vector<PortSpan>>;
    const auto slash = text.find('/');
    const std::string_view space = slash == std::string_view::npos ? std::string_view() : text.substr(0, slash);
    const std::string_view rest = slash == std::string_view::npos ? text : text.substr(slash + 1);
    const auto span = span_of(rest, space == "ip" ? 255 : 65535);
    std::vector<PortSpace> spaces;
    if (space.empty()) {
        spaces = {PortSpace::tcp, PortSpace::udp};
    } else if (space == "tcp") {
        spaces = {PortSpace::tcp};
    } else if (space == "udp") {
        spaces = {PortSpace::udp};
    } else if (space == "ip") {
        spaces = {PortSpace::ip};
    } else if (space == "ether") {
        spaces = {PortSpace::ether};
    }
    if (!span || spaces.empty()) {
        return P::failed(quoted(text) + " is no port, expected such as tcp/22, udp/5004-5005, 53 (both), ip/47");
    }
    std::vector<PortSpan> spans;
    for (const PortSpace each : spaces) {
        spans.push_back({each, span->first, span->second});
    }
    return spans;
}

Parsed<std::pair<std::uint16_t, std::uint16_t>> parse_byte_range(std::string_view text) {
    using P = Parsed<std::pair<std::uint16_t, std::uint16_t>>;
    std::string whole(text);
    if (whole.ends_with('-')) {
        whole += "65535";
    }
    const auto span = span_of(whole, 65535);
    if (!span || span->first == 0) {
        return P::failed(quoted(text) + " is no size of a payload, expected such as 48, 20-100 or 20-");
    }
    return *span;
}

Parsed<LengthFact> parse_length_fact(std::string_view text) {
    using P = Parsed<LengthFact>;
    const auto bad = [&] {
        return P::failed(quoted(text) + " is no length, expected such as u16@2 + 4, le32@0, >= u8@1 or <= u24@0 + 4");
    };
    LengthFact fact;
    std::string_view rest = trimmed(text);
    if (rest.starts_with(">=")) {
        fact.holds = LengthFact::Holds::at_most;
        rest = trimmed(rest.substr(2));
    } else if (rest.starts_with("<=")) {
        fact.holds = LengthFact::Holds::at_least;
        rest = trimmed(rest.substr(2));
    }
    if (rest.starts_with("le")) {
        fact.little_endian = true;
        rest.remove_prefix(2);
    } else if (rest.starts_with("u")) {
        rest.remove_prefix(1);
    } else {
        return bad();
    }
    const auto at = rest.find('@');
    if (at == std::string_view::npos) {
        return bad();
    }
    const auto bits = number(rest.substr(0, at), 32);
    rest.remove_prefix(at + 1);
    const auto sign = rest.find_first_of("+-");
    const auto offset = number(trimmed(rest.substr(0, sign)), 1000);
    if (!bits || (*bits != 8 && *bits != 16 && *bits != 24 && *bits != 32) || !offset) {
        return bad();
    }
    fact.bytes = static_cast<std::uint8_t>(*bits / 8);
    fact.at = static_cast<std::uint16_t>(*offset);
    if (sign != std::string_view::npos) {
        const auto plus = number(trimmed(rest.substr(sign + 1)), 65535);
        if (!plus) {
            return bad();
        }
        fact.plus = static_cast<std::int32_t>(*plus) * (rest[sign] == '-' ? -1 : 1);
    }
    return fact;
}

Parsed<std::string> parse_host_pattern(std::string_view text) {
    using P = Parsed<std::string>;
    bool plain = false;
    for (const char c : text) {
        const bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        plain = plain || letter;
        if (!letter && c != '.' && c != '-' && c != '_' && c != '*') {
            plain = false;
            break;
        }
    }
    if (!plain || text.size() > 253 || text.front() == '.' || text.back() == '.') {
        return P::failed(quoted(text) + " is no host pattern, expected a name in lower case, with * for any text");
    }
    return std::string(text);
}

Parsed<PayloadParser> parse_payload_parser(std::string_view text) {
    using P = Parsed<PayloadParser>;
    static constexpr std::array<std::string_view, dataplane::kPayloadParsers> kNames{
#define FOREGATE_PARSER_NAME(value, name) name,
        FOREGATE_PAYLOAD_PARSERS(FOREGATE_PARSER_NAME)
#undef FOREGATE_PARSER_NAME
    };
    for (std::size_t i = 1; i < kNames.size(); ++i) {
        if (kNames[i] == text) {
            return static_cast<PayloadParser>(i);
        }
    }
    return P::failed("unknown parser " + quoted(text) + ", " +
                     suggestion(text, std::vector<std::string>(kNames.begin() + 1, kNames.end())));
}

} // namespace foregate::control
