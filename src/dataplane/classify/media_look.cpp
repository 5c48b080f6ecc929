// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/classify/media_look.h"

#include "dataplane/packet/parse.h"

#include <algorithm>

namespace foregate::dataplane {

namespace {

constexpr std::size_t kStunHeader = 20;
constexpr std::uint32_t kMagicCookie = 0x2112a442;
constexpr std::size_t kRtpHeader = 12;
constexpr int kMostAttributes = 32;
constexpr std::uint16_t kAttributeRealm = 0x0014;

/// Methods of RFC 8489 (binding, 3489's shared secret), TURN (8656) and its TCP side (6062); and Google's and
/// Microsoft's own.
bool is_stun_method(std::uint16_t type) noexcept {
    const unsigned method = (type & 0x000fU) | ((type & 0x00e0U) >> 1) | ((type & 0x3e00U) >> 2);
    return (type & 0xc000) == 0 && ((method >= 1 && method <= 0x0c) || method == 0x80 || method == 0x200);
}

/// Calls `visit(type, value)` for each attribute; false when they do not fill `length` bytes.
template <typename Visit>
bool walk_attributes(std::span<const std::uint8_t> body, bool padded, Visit&& visit) noexcept {
    std::size_t at = 0;
    for (int i = 0; i < kMostAttributes && at < body.size(); ++i) {
        if (at + 4 > body.size()) {
            return false;
        }
        const std::uint16_t type = load_be16(body.data() + at);
        const std::size_t length = load_be16(body.data() + at + 2);
        if (at + 4 + length > body.size()) {
            return false;
        }
        visit(type, body.subspan(at + 4, length));
        at += 4 + (padded ? (length + 3) & ~std::size_t{3} : length);
    }
    return true;
}

} // namespace

StunLook look_at_stun(std::span<const std::uint8_t> payload) noexcept {
    if (payload.size() < kStunHeader || !is_stun_method(load_be16(payload.data()))) {
        return StunLook::none;
    }
    const std::size_t length = load_be16(payload.data() + 2);
    if (load_be32(payload.data() + 4) == kMagicCookie) {
        return length % 4 == 0 && length <= payload.size() ? StunLook::sure : StunLook::none;
    }
    const std::uint16_t type = load_be16(payload.data());
    const bool classic = (type & ~std::uint16_t{0x0110}) == 1 || (type & ~std::uint16_t{0x0110}) == 2 ||
                         (type & ~std::uint16_t{0x0110}) == 3;
    if (!classic || kStunHeader + length != payload.size()) {
        return StunLook::none;
    }
    bool known = true;
    const bool whole = walk_attributes(payload.subspan(kStunHeader), true,
                                       [&](std::uint16_t attribute, std::span<const std::uint8_t>) {
                                           known = known && ((attribute >= 1 && attribute <= 0x15) ||
                                                             (attribute >= 0x20 && attribute <= 0x2b) ||
                                                             attribute >= 0x8000);
                                       });
    return whole && known ? StunLook::classic : StunLook::none;
}

void stun_realm(std::span<const std::uint8_t> payload, NameBuffer& out) noexcept {
    out.clear();
    if (payload.size() < kStunHeader) {
        return;
    }
    const std::size_t length = std::min<std::size_t>(load_be16(payload.data() + 2), payload.size() - kStunHeader);
    (void)walk_attributes(payload.subspan(kStunHeader, length), true,
                          [&](std::uint16_t attribute, std::span<const std::uint8_t> value) {
                              if (attribute == kAttributeRealm && out.empty()) {
                                  assign_name(value, out);
                              }
                          });
}

bool is_rtcp(std::span<const std::uint8_t> payload) noexcept {
    std::size_t at = 0;
    int packets = 0;
    while (at + 8 <= payload.size() && packets < 16) {
        const std::uint8_t type = payload[at + 1];
        if ((payload[at] & 0xc0) != 0x80 || type < 192 || type > 213) {
            break;
        }
        const std::size_t length = (load_be16(payload.data() + at + 2) + 1U) * 4U;
        if (packets == 0 && (type < 200 || type > 207)) {
            return false;
        }
        if (at + length > payload.size()) {
            return false;
        }
        at += length;
        ++packets;
    }
    // The rest is SRTCP's index and tag at most: with them the chain of an encrypted packet ends after its first header.
    return packets > 0 && (at == payload.size() || payload.size() - at <= 14);
}

bool has_rtp_header(std::span<const std::uint8_t> payload) noexcept {
    if (payload.size() < kRtpHeader || (payload[0] & 0xc0) != 0x80) {
        return false;
    }
    const std::uint8_t type = payload[1] & 0x7f;
    // Static types in use and the dynamic range; 72 to 76 would be RTCP (RFC 5761).
    const bool known = type <= 34 || (type >= 77 && type <= 127);
    const std::size_t header = kRtpHeader + 4U * (payload[0] & 0x0fU);
    if (!known || payload.size() < header) {
        return false;
    }
    if ((payload[0] & 0x10) != 0) {
        if (payload.size() < header + 4) {
            return false;
        }
        const std::size_t extension = 4U * load_be16(payload.data() + header + 2);
        return payload.size() >= header + 4 + extension;
    }
    return true;
}

bool RtpTrack::take(std::span<const std::uint8_t> payload) noexcept {
    const std::uint32_t source = load_be32(payload.data() + 8);
    const std::uint16_t number = load_be16(payload.data() + 2);
    const auto ahead = static_cast<std::int16_t>(number - sequence);
    const bool continues = begun && source == ssrc && ahead > -64 && ahead < 64;
    if (continues) {
        steps = static_cast<std::uint8_t>(steps < 200 ? steps + 1 : steps);
    } else {
        steps = 0;
    }
    begun = true;
    ssrc = source;
    sequence = number;
    payload_type = payload[1] & 0x7f;
    return continues;
}

} // namespace foregate::dataplane
