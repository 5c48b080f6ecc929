// SPDX-License-Identifier: BSD-3-Clause
// The head of an HTTP/1 response (RFC 9112), for what it says about the application behind it.
// Pure: bytes in, struct out; string views point into the bytes that were given.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace foregate::dataplane {

struct HttpResponse {
    std::uint16_t status = 0;
    std::string_view server;       ///< the header's first value, as sent; empty: none seen
    std::string_view content_type; ///< likewise
    bool websocket = false;        ///< "Upgrade: websocket" with status 101
    bool whole = false;            ///< the head was read to its end
};

/// `stream` is the beginning of a response, as far as it has been gathered. False when it does not
/// begin with a status line, or when that line is not all there.
[[nodiscard]] bool parse_http_response(std::span<const std::uint8_t> stream,
                                       HttpResponse& out) noexcept;

} // namespace foregate::dataplane
