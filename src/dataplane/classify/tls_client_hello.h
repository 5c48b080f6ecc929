// SPDX-License-Identifier: BSD-3-Clause
// The server name in a TLS ClientHello (RFC 8446, RFC 6066), and what else tells applications
// apart. Over TCP, in QUIC and in DTLS. Pure: bytes in, struct out.
#pragma once

#include "dataplane/classify/name_buffer.h"
#include "dataplane/classify/protocol_list.h"

#include <cstdint>
#include <span>

namespace foregate::dataplane {

enum class TlsResult : std::uint8_t {
    found,      ///< a ClientHello with a server name
    none,       ///< a whole ClientHello without a server name
    incomplete, ///< so far a ClientHello; the name may come with more bytes
    not_tls,    ///< something else, or a ClientHello whose lengths contradict each other
};

struct TlsClientHello {
    NameBuffer server_name;    ///< set when found
    ProtocolList protocols;    ///< ALPN
    std::uint16_t version = 0; ///< the newest one offered, 0x0304 is TLS 1.3; DTLS as its TLS twin
    /// An encrypted ClientHello extension was seen: the name is the outer, public one. (Browsers
    /// send the extension with random content too.)
    bool encrypted_hello = false;
    bool grease = false; ///< reserved values among extensions or versions (RFC 8701): a browser
    /// The hello was read to its end. Until then what is not set above may still come.
    bool whole = false;

    void clear() noexcept {
        server_name.clear();
        protocols.clear();
        version = 0;
        encrypted_hello = false;
        grease = false;
        whole = false;
    }
};

/// `stream` is the beginning of a client's TCP stream, as far as it has been gathered. The hello
/// may lie in several records; it is read across them without copying. Reports `found` as soon as
/// the name is there, even when the rest of the hello is not.
[[nodiscard]] TlsResult parse_tls_client_hello(std::span<const std::uint8_t> stream,
                                               TlsClientHello& out) noexcept;

/// The same for a handshake message without records around it: the CRYPTO stream of QUIC.
[[nodiscard]] TlsResult parse_tls_handshake(std::span<const std::uint8_t> handshake,
                                            TlsClientHello& out) noexcept;

/// The same for a DTLS datagram (RFC 6347, RFC 9147). Of a fragmented hello the first fragment is
/// read; when the name is not in it the result stays `incomplete`.
[[nodiscard]] TlsResult parse_dtls_client_hello(std::span<const std::uint8_t> datagram,
                                                TlsClientHello& out) noexcept;

} // namespace foregate::dataplane
