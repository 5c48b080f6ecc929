// SPDX-License-Identifier: BSD-3-Clause
// HTTPS and SVCB records (RFC 9460): which protocols a name speaks, where, and whether its hello
// can be encrypted. Pure: bytes in, struct out.
#pragma once

#include "dataplane/classify/name_buffer.h"
#include "dataplane/classify/protocol_list.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace foregate::dataplane {

struct DnsService {
    NameBuffer target; ///< empty: the owner of the record itself
    ProtocolList protocols;
    std::uint32_t ttl_s = 0;
    std::uint16_t priority = 0; ///< 0: only an alias, all but `target` is unset
    std::uint16_t port = 0;     ///< 0: the scheme's own
    bool encrypted_hello = false;
};

/// Where the address hints of a record stand in the message; empty when it has none.
struct DnsServiceHints {
    std::span<const std::uint8_t> ipv4; ///< 4 bytes each
    std::span<const std::uint8_t> ipv6; ///< 16 bytes each
};

/// Reads the data of one record, at [data_at, data_at + data_bytes) of the message. Everything but
/// ttl_s is set. False when it is malformed.
[[nodiscard]] bool parse_dns_service(std::span<const std::uint8_t> message, std::size_t data_at,
                                     std::size_t data_bytes, DnsService& out,
                                     DnsServiceHints& hints) noexcept;

} // namespace foregate::dataplane
