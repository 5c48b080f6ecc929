// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/classify/tls_records.h"

#include "dataplane/packet/parse.h"

namespace foregate::dataplane {

namespace {

constexpr std::uint8_t kChangeCipherSpec = 20;
constexpr std::uint8_t kAlert = 21;
constexpr std::uint8_t kHandshake = 22;
constexpr std::uint8_t kHeartbeat = 24;
constexpr std::size_t kTlsHeader = 5;
constexpr std::size_t kDtlsHeader = 13;
constexpr std::size_t kMostRecord = 16384 + 2048;
constexpr int kMostRecords = 8;

constexpr bool is_content_type(std::uint8_t type) noexcept { return type >= kChangeCipherSpec && type <= kHeartbeat; }

bool is_dtls_version(std::uint16_t version) noexcept {
    return version == 0xfeff || version == 0xfefd || version == 0xfefc || version == 0x0100;
}

/// A handshake record's first message: a known type and a length that is no nonsense.
bool is_handshake_message(std::span<const std::uint8_t> body) noexcept {
    if (body.size() < 4) {
        return false;
    }
    const std::uint8_t type = body[0];
    const std::uint32_t length = load_be32(body.data()) & 0xffffffU;
    const bool known = type == 0 || type == 1 || type == 2 || type == 4 || type == 8 || (type >= 11 && type <= 16) ||
                       type == 20 || type == 22;
    return known && length < (1U << 17);
}

} // namespace

RecordLook look_at_tls_records(std::span<const std::uint8_t> payload) noexcept {
    int records = 0;
    bool sure = false;
    std::size_t at = 0;
    while (at < payload.size() && records < kMostRecords) {
        const auto rest = payload.subspan(at);
        if (rest.size() < kTlsHeader) {
            break;
        }
        const std::size_t length = load_be16(rest.data() + 3);
        if (!is_content_type(rest[0]) || rest[1] != 3 || rest[2] > 4 || length == 0 || length > kMostRecord) {
            return records > 1 && sure ? RecordLook::likely : RecordLook::none;
        }
        const auto body = rest.subspan(kTlsHeader);
        const bool whole = body.size() >= length;
        if (rest[0] == kHandshake && is_handshake_message(body)) {
            sure = true;
        } else if ((rest[0] == kAlert && length == 2 && whole && body[0] >= 1 && body[0] <= 2) ||
                   (rest[0] == kChangeCipherSpec && length == 1 && whole && body[0] == 1)) {
            sure = true;
        }
        ++records;
        at += kTlsHeader + length;
    }
    if (records == 0) {
        return RecordLook::none;
    }
    return sure || records > 1 ? RecordLook::sure : RecordLook::likely;
}

bool is_sslv2_hello(std::span<const std::uint8_t> payload) noexcept {
    if (payload.size() < 11 || (payload[0] & 0x80) == 0) {
        return false;
    }
    const std::size_t length = load_be16(payload.data()) & 0x7fffU;
    const std::uint16_t version = load_be16(payload.data() + 3);
    if (payload[2] == 1) { // ClientHello: lengths of ciphers (of 3 bytes each), session id and challenge
        if (version != 0x0002 && (version < 0x0300 || version > 0x0304)) {
            return false;
        }
        const std::size_t ciphers = load_be16(payload.data() + 5);
        const std::size_t session = load_be16(payload.data() + 7);
        const std::size_t challenge = load_be16(payload.data() + 9);
        return ciphers % 3 == 0 && ciphers != 0 && (session == 0 || session == 16) && challenge >= 16 &&
               challenge <= 32 && length == 9 + ciphers + session + challenge;
    }
    return payload[2] == 4 && payload[3] <= 1 && payload[4] <= 1 && load_be16(payload.data() + 5) == 0x0002 &&
           length > 11;
}

RecordLook look_at_dtls_records(std::span<const std::uint8_t> payload) noexcept {
    int records = 0;
    bool sure = false;
    std::size_t at = 0;
    while (at < payload.size() && records < kMostRecords) {
        const auto rest = payload.subspan(at);
        if (rest.size() < kDtlsHeader) {
            return RecordLook::none;
        }
        const std::size_t length = load_be16(rest.data() + 11);
        if (!((rest[0] >= kChangeCipherSpec && rest[0] <= 26) && is_dtls_version(load_be16(rest.data() + 1))) ||
            length == 0 || length > rest.size() - kDtlsHeader) {
            // DTLS 1.3 may send records with its short header behind plain ones (RFC 9147 4).
            return sure && (rest[0] & 0xe0) == 0x20 ? RecordLook::sure : RecordLook::none;
        }
        sure = sure || (rest[0] == kHandshake && load_be16(rest.data() + 3) == 0 &&
                        is_handshake_message(rest.subspan(kDtlsHeader)));
        ++records;
        at += kDtlsHeader + length;
    }
    if (records == 0) {
        return RecordLook::none;
    }
    // Lengths that fill the datagram exactly and a version of two bytes: chance is small even for one record.
    return sure || records > 1 || at == payload.size() ? RecordLook::sure : RecordLook::likely;
}

} // namespace foregate::dataplane
