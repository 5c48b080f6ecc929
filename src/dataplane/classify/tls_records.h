// SPDX-License-Identifier: BSD-3-Clause
// Whether bytes look like TLS, SSLv2 or DTLS records (RFC 8446 5.1, RFC 9147 4). Pure: bytes in, answer out.
#pragma once

#include <cstdint>
#include <span>

namespace foregate::dataplane {

/// How sure a look at one payload can be.
enum class RecordLook : std::uint8_t {
    none,
    likely, ///< headers that fit; one payload of another protocol can look so by chance
    sure,   ///< a hello, or several headers that chain
};

/// `payload` begins a TLS record (or several); the last may go on in the next segment.
[[nodiscard]] RecordLook look_at_tls_records(std::span<const std::uint8_t> payload) noexcept;

/// An SSLv2 ClientHello or ServerHello, as old clients send to offer TLS too.
[[nodiscard]] bool is_sslv2_hello(std::span<const std::uint8_t> payload) noexcept;

/// A datagram of DTLS 1.0, 1.2 or 1.3 records with plain headers, or (likely) OpenSSL's pre-standard ones.
[[nodiscard]] RecordLook look_at_dtls_records(std::span<const std::uint8_t> payload) noexcept;

} // namespace foregate::dataplane
