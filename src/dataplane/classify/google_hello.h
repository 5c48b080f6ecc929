// SPDX-License-Identifier: BSD-3-Clause
// The hello of Google's own QUIC, before it spoke TLS (versions Q009 to Q050): a message "CHLO" of
// tags and values, where "SNI" is the server name. Pure: bytes in, struct out.
#pragma once

#include "dataplane/classify/tls_client_hello.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace foregate::dataplane {

/// Length of the public header of a client's packet that names its version (Q009 to Q043); 0 when
/// the datagram does not begin with one.
[[nodiscard]] std::size_t
google_public_header_bytes(std::span<const std::uint8_t> datagram) noexcept;

/// `hello` begins with the CHLO; only out.server_name and out.whole are set. What is cut off is
/// `incomplete`.
[[nodiscard]] TlsResult parse_google_hello(std::span<const std::uint8_t> hello,
                                           TlsClientHello& out) noexcept;

/// The CHLO in an unencrypted packet, `packet` being what follows its header. The hello's first
/// packet holds all of it: what is cut off is `none`, a packet without a CHLO `incomplete`.
[[nodiscard]] TlsResult find_google_hello(std::span<const std::uint8_t> packet,
                                          TlsClientHello& out) noexcept;

} // namespace foregate::dataplane
