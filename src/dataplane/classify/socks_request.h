// SPDX-License-Identifier: BSD-3-Clause
// Where a client asks a SOCKS proxy to connect it to: SOCKS 4, 4a and 5 (RFC 1928, RFC 1929). Pure: bytes in, struct out.
#pragma once

#include "dataplane/classify/name_buffer.h"

#include <cstdint>
#include <span>

namespace foregate::dataplane {

enum class SocksResult : std::uint8_t {
    found,      ///< a request for a name
    none,       ///< a request for an address
    incomplete, ///< so far SOCKS; the request may come with more bytes
    not_socks,  ///< something else
};

struct SocksRequest {
    NameBuffer host;
    std::uint16_t port = 0;
};

/// `stream` is the beginning of a client's TCP stream, as far as it has been gathered. A greeting or a request of
/// SOCKS 4 must fill it to the end: a client waits for the answer.
[[nodiscard]] SocksResult parse_socks_request(std::span<const std::uint8_t> stream, SocksRequest& out) noexcept;

} // namespace foregate::dataplane
