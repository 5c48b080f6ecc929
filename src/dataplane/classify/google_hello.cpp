// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/classify/google_hello.h"

#include <algorithm>
#include <string_view>

namespace foregate::dataplane {

namespace {

constexpr std::uint8_t kFlagVersion = 0x01;
constexpr std::uint8_t kFlagReset = 0x02;
constexpr std::uint8_t kFlagConnectionId = 0x08; // versions before Q033 set 0x0c
constexpr std::size_t kConnectionIdBytes = 8;
constexpr std::size_t kVersionBytes = 4;
constexpr std::string_view kMessage = "CHLO";
constexpr std::string_view kServerName{"SNI\0", 4};
/// Packet number, hash and the header of a stream frame stand before the message.
constexpr std::size_t kMaxBeforeMessage = 64;
constexpr std::size_t kMessageHeaderBytes = 8;
constexpr std::size_t kTagBytes = 8;
constexpr std::size_t kMaxTags = 64;

std::string_view text_of(std::span<const std::uint8_t> bytes) noexcept {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Google's numbers are little-endian.
std::uint32_t load32(std::span<const std::uint8_t> bytes, std::size_t at) noexcept {
    return bytes[at] | static_cast<std::uint32_t>(bytes[at + 1]) << 8 |
           static_cast<std::uint32_t>(bytes[at + 2]) << 16 |
           static_cast<std::uint32_t>(bytes[at + 3]) << 24;
}

constexpr bool is_digit(std::uint8_t byte) noexcept {
    return byte >= '0' && byte <= '9';
}

} // namespace

std::size_t google_public_header_bytes(std::span<const std::uint8_t> datagram) noexcept {
    if (datagram.empty()) {
        return 0;
    }
    const std::uint8_t flags = datagram[0];
    const bool names_version = (flags & 0x80U) == 0 && (flags & kFlagVersion) != 0 &&
                               (flags & kFlagReset) == 0 && (flags & kFlagConnectionId) != 0;
    const std::size_t version_at = 1 + kConnectionIdBytes;
    const std::size_t number_bytes = std::size_t{1} << (flags >> 4 & 3U); // 1, 2, 4; 6 as 8
    const std::size_t header = version_at + kVersionBytes + std::min<std::size_t>(number_bytes, 6);
    if (!names_version || datagram.size() <= header) {
        return 0;
    }
    const auto version = datagram.subspan(version_at, kVersionBytes);
    const bool google = version[0] == 'Q' && version[1] == '0' && is_digit(version[2]) &&
                        is_digit(version[3]) && text_of(version) < "Q044";
    return google ? header : 0;
}

TlsResult parse_google_hello(std::span<const std::uint8_t> hello, TlsClientHello& out) noexcept {
    out.clear();
    const std::size_t there = std::min(hello.size(), kMessage.size());
    if (text_of(hello.first(there)) != kMessage.substr(0, there)) {
        return TlsResult::not_tls;
    }
    if (hello.size() < kMessageHeaderBytes) {
        return TlsResult::incomplete;
    }
    const std::size_t tags = static_cast<std::size_t>(hello[4] | hello[5] << 8);
    if (tags > kMaxTags) {
        return TlsResult::not_tls;
    }
    const std::size_t values_at = kMessageHeaderBytes + kTagBytes * tags;
    std::size_t begin = 0;
    for (std::size_t i = 0; i < tags; ++i) {
        const std::size_t tag_at = kMessageHeaderBytes + kTagBytes * i;
        if (hello.size() < tag_at + kTagBytes) {
            return TlsResult::incomplete;
        }
        const std::size_t end = load32(hello, tag_at + 4);
        if (end < begin) {
            return TlsResult::not_tls;
        }
        if (text_of(hello.subspan(tag_at, 4)) == kServerName && end > begin) {
            if (hello.size() < values_at + end) {
                return TlsResult::incomplete;
            }
            assign_name(hello.subspan(values_at + begin, end - begin), out.server_name);
            out.whole = true;
            return out.server_name.empty() ? TlsResult::none : TlsResult::found;
        }
        begin = end;
    }
    out.whole = true;
    return TlsResult::none;
}

TlsResult find_google_hello(std::span<const std::uint8_t> packet, TlsClientHello& out) noexcept {
    const auto beginning = packet.first(std::min(packet.size(), kMaxBeforeMessage));
    const std::size_t at = text_of(beginning).find(kMessage);
    if (at == std::string_view::npos) {
        out.clear();
        return TlsResult::incomplete;
    }
    const TlsResult result = parse_google_hello(packet.subspan(at), out);
    return result == TlsResult::incomplete ? TlsResult::none : result;
}

} // namespace foregate::dataplane
