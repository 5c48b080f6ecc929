// SPDX-License-Identifier: BSD-3-Clause
// What a packet's addresses alone say about it, before any table is asked. Pure.
#pragma once

#include "dataplane/packet/parse.h"

#include <cstdint>

namespace foregate::dataplane {

enum class AddressRule : std::uint8_t {
    ordinary,            ///< two hosts
    kernel,              ///< multicast, broadcast, link-local: not ours to forward
    land,                ///< to itself
    martian_source,      ///< a source that nobody can have or answer to (RFC 1812 5.3.7, RFC 4291)
    martian_destination, ///< a destination that cannot be on a wire
};

/// True for an address of one host that a router may forward from and to; what is not is looked at by
/// judge_addresses(). Few instructions: asked of both addresses of every packet.
[[nodiscard]] inline bool is_host(const IpAddress& a, unsigned ip_version) noexcept {
    if (ip_version == 4) {
        const std::uint32_t v4 = load_be32(a.v4_wire());
        // 1.0.0.0 to 223.255.255.255 without loopback and 169.254.0.0/16
        return v4 - 0x01000000U < 0xdf000000U && (v4 >> 24) != 127 && (v4 >> 16) != 0xa9fe;
    }
    const std::uint32_t first = load_be32(a.bytes.data());
    // without multicast, fe80::/10 and ::/32 (unspecified, loopback, IPv4-compatible; nothing there is assigned)
    return (first >> 24) != 0xff && (first >> 22) != 0x3fa && first != 0;
}

/// The whole judgement, for packets that have at least one address that is not is_host(), or two that are equal.
[[nodiscard]] AddressRule judge_addresses(const ParsedPacket& p) noexcept;

} // namespace foregate::dataplane
