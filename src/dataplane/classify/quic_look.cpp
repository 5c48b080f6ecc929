// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/classify/quic_look.h"

#include "dataplane/packet/parse.h"

namespace foregate::dataplane {

namespace {

constexpr std::uint8_t kLongHeader = 0x80;
constexpr std::size_t kMostConnectionId = 20;

constexpr bool is_digit(std::uint8_t c) noexcept { return c >= '0' && c <= '9'; }

/// "Q043", "T051": Google's versions are four characters.
bool is_google_version(const std::uint8_t* version) noexcept {
    return (version[0] == 'Q' || version[0] == 'T') && version[1] == '0' && is_digit(version[2]) && is_digit(version[3]);
}

bool is_known_version(std::uint32_t version) noexcept {
    return version == 1 || version == 0x6b3343cf ||           // RFC 9000, RFC 9369
           (version >> 8) == 0xff0000 || version == 0x709a50c4 || // drafts; draft of version 2
           (version >> 4) == 0xfaceb00 ||                     // mvfst
           (version & 0x0f0f0f0f) == 0x0a0a0a0a ||            // reserved, to exercise negotiation
           (version >> 8) == 0x51474f ||                      // quicly's "QGO"
           (version >> 12) == 0xabcd0 || version == 0x50435130; // MsQuic's and picoquic's own
}

/// Both connection ids fit.
bool ids_fit(std::span<const std::uint8_t> payload) noexcept {
    const std::size_t first = payload[5];
    if (first > kMostConnectionId || payload.size() < 7 + first) {
        return false;
    }
    const std::size_t second = payload[6 + first];
    return second <= kMostConnectionId && payload.size() >= 7 + first + second;
}

} // namespace

QuicLook look_at_quic(std::span<const std::uint8_t> payload) noexcept {
    if (payload.size() < 7) {
        return QuicLook::none;
    }
    const std::uint8_t flags = payload[0];
    if ((flags & kLongHeader) != 0) {
        const std::uint32_t version = load_be32(payload.data() + 1);
        if (version == 0) {
            return ids_fit(payload) ? QuicLook::negotiation : QuicLook::none;
        }
        if (is_google_version(payload.data() + 1)) {
            return QuicLook::long_header; // Q046 packs the lengths of both ids into one byte
        }
        return is_known_version(version) && ids_fit(payload) ? QuicLook::long_header : QuicLook::none;
    }
    // Public header: version flag, an 8-byte connection id, the version.
    const bool public_header = (flags & 0x01) != 0 && (flags & 0x0c) == 0x0c && (flags & 0x80) == 0;
    if (public_header && payload.size() >= 13 && is_google_version(payload.data() + 9)) {
        return QuicLook::google;
    }
    const bool short_id = (flags & 0x01) != 0 && (flags & 0x08) != 0 && payload.size() >= 13;
    return short_id && is_google_version(payload.data() + 9) ? QuicLook::google : QuicLook::none;
}

} // namespace foregate::dataplane
