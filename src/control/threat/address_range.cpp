// SPDX-License-Identifier: BSD-3-Clause
#include "control/threat/address_range.h"

#include "control/threat/feed_text.h"

#include <algorithm>

namespace foregate::control {

using dataplane::IpAddress;
using dataplane::IpPrefix;

namespace {

/// The last address of the prefix of `bits` (of 128) that begins at `first`.
IpAddress last_of(const IpAddress& first, unsigned bits) {
    const std::uint64_t high = bits >= 64 ? 0 : ~0ULL >> bits;
    const std::uint64_t low = bits >= 128 ? 0 : bits <= 64 ? ~0ULL : ~0ULL >> (bits - 64);
    return IpAddress::from_words(first.word(0) | high, first.word(8) | low);
}

IpAddress next_of(const IpAddress& address) {
    const std::uint64_t low = address.word(8) + 1;
    return IpAddress::from_words(address.word(0) + (low == 0 ? 1 : 0), low);
}

} // namespace

std::optional<IpAddress> parse_padded_address(std::string_view text) {
    if (const auto address = IpAddress::parse(text)) {
        return address;
    }
    std::uint32_t value = 0;
    unsigned parts = 0;
    while (!text.empty() && parts < 4) {
        const std::size_t dot = std::min(text.find('.'), text.size());
        const std::string_view part = text.substr(0, dot);
        if (part.size() > 3 || !is_number(part)) {
            return std::nullopt;
        }
        std::uint32_t octet = 0;
        for (const char digit : part) {
            octet = octet * 10 + static_cast<std::uint32_t>(digit - '0');
        }
        if (octet > 255) {
            return std::nullopt;
        }
        value = value << 8 | octet;
        ++parts;
        // A dot at the end leaves a part that is missing.
        if (dot + 1 == text.size()) {
            return std::nullopt;
        }
        text.remove_prefix(std::min(dot + 1, text.size()));
    }
    return parts == 4 && text.empty() ? std::optional(IpAddress::from_v4(value)) : std::nullopt;
}

std::optional<AddressRange> parse_range(std::string_view text) {
    const std::size_t dash = text.find('-');
    if (dash == std::string_view::npos) {
        return std::nullopt;
    }
    const auto first = parse_padded_address(trimmed(text.substr(0, dash)));
    const auto last = parse_padded_address(trimmed(text.substr(dash + 1)));
    if (!first || !last || first->is_v4() != last->is_v4() || *last < *first) {
        return std::nullopt;
    }
    // IPv4 addresses lie inside the IPv6 space as ::ffff:0:0/96; a range never mixes the two.
    const IpAddress v4_first = IpAddress::from_v4(0);
    const IpAddress v4_last = IpAddress::from_v4(0xffffffff);
    if (!first->is_v4() && *first <= v4_last && *last >= v4_first) {
        return std::nullopt;
    }
    return AddressRange{*first, *last};
}

std::vector<IpPrefix> prefixes_of(const AddressRange& range) {
    std::vector<IpPrefix> prefixes;
    const unsigned family_bits = range.first.is_v4() ? 96 : 0;
    IpAddress at = range.first;
    while (true) {
        // The largest prefix that begins here and does not reach over the end.
        unsigned bits = 128;
        while (bits > family_bits && dataplane::masked(at, bits - 1) == at &&
               last_of(at, bits - 1) <= range.last) {
            --bits;
        }
        prefixes.push_back({at, static_cast<std::uint8_t>(bits - family_bits)});
        const IpAddress last = last_of(at, bits);
        if (last >= range.last) {
            return prefixes;
        }
        at = next_of(last);
    }
}

} // namespace foregate::control
