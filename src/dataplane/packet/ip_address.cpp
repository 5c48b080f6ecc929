// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/packet/ip_address.h"

#include <arpa/inet.h>
#include <charconv>

namespace foregate::dataplane {

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
    char buffer[INET6_ADDRSTRLEN];
    if (text.empty() || text.size() >= sizeof buffer || text.find('\0') != std::string_view::npos) {
        return std::nullopt;
    }
    std::memcpy(buffer, text.data(), text.size());
    buffer[text.size()] = '\0';
    std::uint8_t wire[16];
    if (::inet_pton(AF_INET, buffer, wire) == 1) {
        return from_v4_wire(wire);
    }
    if (::inet_pton(AF_INET6, buffer, wire) == 1) {
        return from_v6_wire(wire);
    }
    return std::nullopt;
}

std::string IpAddress::to_string() const {
    char buffer[INET6_ADDRSTRLEN];
    const bool four = is_v4();
    const void* from = four ? static_cast<const void*>(v4_wire()) : bytes.data();
    return ::inet_ntop(four ? AF_INET : AF_INET6, from, buffer, sizeof buffer);
}

std::optional<IpPrefix> IpPrefix::parse_interface(std::string_view text) {
    const auto slash = text.find('/');
    const auto address = IpAddress::parse(text.substr(0, slash));
    if (!address) {
        return std::nullopt;
    }
    const unsigned limit = address->is_v4() ? 32 : 128;
    unsigned length = limit;
    if (slash != std::string_view::npos) {
        const auto digits = text.substr(slash + 1);
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
        if (error != std::errc{} || end != digits.data() + digits.size() || length > limit ||
            (digits.size() > 1 && digits[0] == '0')) {
            return std::nullopt;
        }
    }
    return IpPrefix{*address, static_cast<std::uint8_t>(length)};
}

std::optional<IpPrefix> IpPrefix::parse(std::string_view text) {
    auto prefix = parse_interface(text);
    if (!prefix || prefix->network() != *prefix) {
        return std::nullopt;
    }
    return prefix;
}

bool IpPrefix::contains(const IpAddress& a) const noexcept {
    return a.is_v4() == is_v4() && masked(a, bits128()) == masked(address, bits128());
}

bool IpPrefix::overlaps(const IpPrefix& other) const noexcept {
    return bits128() <= other.bits128() ? contains(other.address) : other.contains(address);
}

std::string IpPrefix::to_string() const {
    return address.to_string() + "/" + std::to_string(length);
}

} // namespace foregate::dataplane
