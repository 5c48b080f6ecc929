// SPDX-License-Identifier: BSD-3-Clause
// The first request of an HTTP/2 connection that begins without TLS or upgrade ("prior knowledge",
// RFC 9113): what gRPC and proxies speak inside a network. Pure: bytes in, struct out.
#pragma once

#include "dataplane/classify/name_buffer.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace foregate::dataplane {

enum class Http2Result : std::uint8_t {
    found,      ///< a request with a host
    none,       ///< a whole request head without a host, or one that cannot be read
    incomplete, ///< so far HTTP/2; the host may come with more bytes
    not_http2,  ///< something else
};

/// Text of a header field, its beginning where it is too long.
template <std::size_t Bytes> struct ShortText {
    std::array<char, Bytes> text;
    std::uint8_t length = 0;

    static_assert(Bytes <= 255);
    [[nodiscard]] std::string_view view() const noexcept { return {text.data(), length}; }
};

struct Http2Request {
    NameBuffer host;        ///< of :authority, or of the Host field
    std::uint16_t port = 0; ///< that stood beside `host`; 0: none given
    bool host_is_ipv6_literal = false;
    ShortText<16> method;
    ShortText<128> path;
    ShortText<64> content_type; ///< "application/grpc..." tells gRPC
    ShortText<128> user_agent;
};

/// `stream` is the beginning of a client's TCP stream, as far as it has been gathered. Looks at the
/// frames up to the first header block, at most 4 KB of it.
[[nodiscard]] Http2Result parse_http2_request(std::span<const std::uint8_t> stream,
                                              Http2Request& out) noexcept;

} // namespace foregate::dataplane
