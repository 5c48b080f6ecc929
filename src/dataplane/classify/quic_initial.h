// SPDX-License-Identifier: BSD-3-Clause
// The hello of a QUIC client (RFC 9000, 9001, 9369, drafts from 22, mvfst, Google's Q0xx and T05x):
// Initial packets are opened, their CRYPTO frames put in order, the ClientHello in them read. Pure
// but for the state that is passed in; one worker thread.
#pragma once

#include "dataplane/classify/quic_crypto.h"
#include "dataplane/classify/stream_gather.h"
#include "dataplane/classify/tls_client_hello.h"

#include <array>
#include <cstdint>
#include <span>

namespace foregate::dataplane {

enum class QuicResult : std::uint8_t {
    found,      ///< a hello with a server name
    none,       ///< QUIC, and no server name will come: the hello has none, or cannot be had
    incomplete, ///< QUIC; the hello may come with more datagrams
    not_quic,   ///< something else
};

inline constexpr std::uint32_t kQuicGoogleOld = 0x51303030; ///< "Q000"

/// What has been gathered of one client's hello. From a pool; begin() before the first datagram.
struct QuicHello {
    /// Initial packets that are opened before the hello is given up.
    static constexpr std::uint8_t kMaxPackets = 12;

    StreamGather crypto;
    QuicKeys keys;
    /// As on the wire; 0 until a packet told it. Google's before Q044 all count as kQuicGoogleOld.
    std::uint32_t version = 0;
    std::array<std::uint8_t, kMaxQuicIdBytes> connection_id; ///< the keys were made for
    std::uint8_t connection_id_bytes = 0;
    bool have_keys = false;
    std::uint8_t packets = 0; ///< tried so far

    void begin() noexcept {
        crypto.begin(0);
        version = 0;
        connection_id_bytes = 0;
        have_keys = false;
        packets = 0;
    }
};

/// Judges by the header alone: a long header of a version that is known or reserved, version
/// negotiation that offers one, or Google's old public header. From either end. A packet with a
/// short header tells nothing.
[[nodiscard]] bool looks_like_quic(std::span<const std::uint8_t> datagram) noexcept;

/// Takes one UDP payload of the client's, in any order. `out` is set when the result is found or
/// none; out.whole says whether all of the hello was there. After not_quic, found or none there is
/// nothing more to come. At most kMaxPackets packets are opened per QuicHello, four in a datagram.
[[nodiscard]] QuicResult parse_quic_datagram(std::span<const std::uint8_t> datagram,
                                             QuicHello& state, QuicCrypto& crypto,
                                             TlsClientHello& out) noexcept;

} // namespace foregate::dataplane
