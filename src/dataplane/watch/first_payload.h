// SPDX-License-Identifier: BSD-3-Clause
// What a client would say first to ask for a name: a TLS ClientHello, an HTTP request or a DNS question. Pure.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace foregate::dataplane {

/// By protocol and port: a DNS question (A) on UDP port 53, an HTTP/1.1 request on TCP ports 80, 3128 and 8080, a
/// ClientHello with the server's name on other TCP ports; empty where none of them fits, or for a name that cannot be one.
[[nodiscard]] std::vector<std::uint8_t> first_payload(std::uint8_t protocol, std::uint16_t port, std::string_view name);

} // namespace foregate::dataplane
