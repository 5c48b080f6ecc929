// SPDX-License-Identifier: BSD-3-Clause
// Tells TLS, SSL 2 hellos and DTLS by their record headers, from either end of a connection. Pure:
// bytes in, verdict out.
#pragma once

#include <cstdint>
#include <span>

namespace foregate::dataplane {

enum class TlsRecordKind : std::uint8_t {
    none, ///< no TLS record
    client_hello,
    server_hello,
    handshake, ///< another handshake message, or an encrypted one
    alert,
    change_cipher,
    application_data,
};

/// By the first record's header, which needs 5 bytes; where the bytes reach behind that record the
/// next header must be one too.
[[nodiscard]] TlsRecordKind tls_record_kind(std::span<const std::uint8_t> stream) noexcept;

[[nodiscard]] inline bool looks_like_tls_record(std::span<const std::uint8_t> stream) noexcept {
    return tls_record_kind(stream) != TlsRecordKind::none;
}

/// A ClientHello in the framing of SSL 2, which old clients also used to offer SSL 3 and TLS. It
/// carries no server name.
[[nodiscard]] bool looks_like_ssl2_hello(std::span<const std::uint8_t> stream) noexcept;

/// A datagram of DTLS 1.0 to 1.2 records, or the plain ones of 1.3 (RFC 9147, section 4).
[[nodiscard]] bool looks_like_dtls(std::span<const std::uint8_t> datagram) noexcept;

} // namespace foregate::dataplane
