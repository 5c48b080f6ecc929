// SPDX-License-Identifier: BSD-3-Clause
// The host an HTTP/1 request is for (RFC 9112). Pure: bytes in, struct out; string views
// point into the bytes that were given.
#pragma once

#include "dataplane/classify/name_buffer.h"

#include <cstdint>
#include <span>
#include <string_view>

namespace foregate::dataplane {

enum class HttpResult : std::uint8_t {
    found,      ///< a request with a host
    none,       ///< a whole request head that names no host (HTTP/1.0)
    incomplete, ///< so far a request; the host may come with more bytes
    not_http,   ///< something else
};

struct HttpRequest {
    std::string_view method; ///< set unless not_http, or incomplete within the request line
    std::string_view target; ///< as sent: origin form, absolute form, authority or "*"; empty where it was left out
    /// The host that applies: the target's authority (absolute form, CONNECT) before the Host
    /// header, without user information, port and brackets.
    NameBuffer host;
    /// A second, different host in the same request (a Host header that contradicts the target or
    /// an earlier Host header); empty otherwise. Who decides by name has to look at both.
    NameBuffer other_host;
    std::uint16_t port = 0;            ///< that stood beside `host`; 0: none given
    bool host_is_ipv6_literal = false; ///< `host` is what stood in brackets; its ':' are kept
    std::string_view user_agent;       ///< the header's first value, as sent; empty: none seen
    std::string_view content_type;     ///< likewise
    bool websocket = false;            ///< "Upgrade: websocket" (RFC 6455)
    /// The head was read to its end. Until then what is not set above may still come.
    bool whole = false;
};

/// `stream` is the beginning of a request, as far as it has been gathered; looks at no more than
/// the head. Bare LF line ends, blank lines before the request, space before a header's colon and
/// folded values are read as lenient servers read them.
[[nodiscard]] HttpResult parse_http_request(std::span<const std::uint8_t> stream,
                                            HttpRequest& out) noexcept;

} // namespace foregate::dataplane
