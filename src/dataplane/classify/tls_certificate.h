// SPDX-License-Identifier: BSD-3-Clause
// The names in a TLS server's certificate, for connections whose client named none. Up to TLS 1.2;
// later versions encrypt it. Nothing is verified: names are what the server claims. Pure: bytes in,
// struct out.
#pragma once

#include "dataplane/classify/name_buffer.h"
#include "dataplane/classify/tls_client_hello.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace foregate::dataplane {

struct TlsCertificateNames {
    static constexpr std::size_t kMaxNames = 4;

    NameBuffer subject; ///< its common name
    NameBuffer issuer; ///< its common name, else its organisation; what is no host name byte is '?'
    /// DNS names it is for, without a leading "*."; the first kMaxNames.
    std::array<NameBuffer, kMaxNames> names;
    std::uint8_t name_count = 0;
};

/// `stream` is the beginning of a server's TCP stream, as far as it has been gathered. Of the first
/// certificate up to 4 KB are read. `found`: a DNS name, or all of a certificate with a subject;
/// `incomplete`: nothing of that yet, though a subject may already be set; `none`: no certificate
/// will come in the clear, or it names nothing.
[[nodiscard]] TlsResult parse_tls_certificate(std::span<const std::uint8_t> stream,
                                              TlsCertificateNames& out) noexcept;

} // namespace foregate::dataplane
