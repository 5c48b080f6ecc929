// SPDX-License-Identifier: BSD-3-Clause
// The server name in a TLS ClientHello (RFC 8446, RFC 6066). Pure: bytes in, struct out.
#pragma once

#include "dataplane/classify/name_buffer.h"

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
    NameBuffer server_name; ///< set when found
    /// An encrypted ClientHello extension was seen: the name is the outer, public one. Reliable
    /// only when the whole hello was there.
    bool encrypted_hello = false;
};

/// `stream` is the beginning of a client's TCP stream, as far as it has been gathered. The hello
/// may lie in several records; it is read across them without copying. Reports `found` as soon as
/// the name is there, even when the rest of the hello is not.
[[nodiscard]] TlsResult parse_tls_client_hello(std::span<const std::uint8_t> stream,
                                               TlsClientHello& out) noexcept;

} // namespace foregate::dataplane
