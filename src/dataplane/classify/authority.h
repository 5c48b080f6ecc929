// SPDX-License-Identifier: BSD-3-Clause
// The authority of a URI, [userinfo@]host[:port] (RFC 3986), as HTTP carries it. Pure.
#pragma once

#include "dataplane/classify/name_buffer.h"

#include <cstdint>
#include <string_view>

namespace foregate::dataplane {

struct Authority {
    NameBuffer host;           ///< without user information, port and brackets
    std::uint16_t port = 0;    ///< 0: none given
    bool ipv6_literal = false; ///< `host` is what stood in brackets; its ':' are kept
};

void parse_authority(std::string_view text, Authority& out) noexcept;

} // namespace foregate::dataplane
