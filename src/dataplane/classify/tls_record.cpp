// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/classify/tls_record.h"

#include <cstddef>

namespace foregate::dataplane {

namespace {

constexpr std::uint8_t kChangeCipher = 20;
constexpr std::uint8_t kAlert = 21;
constexpr std::uint8_t kHandshake = 22;
constexpr std::uint8_t kApplicationData = 23;
constexpr std::uint8_t kHeartbeat = 24;
constexpr std::uint8_t kConnectionId = 25; // DTLS (RFC 9146)
constexpr std::size_t kRecordHeaderBytes = 5;
constexpr std::size_t kMaxRecordBytes = 16384 + 2048;
constexpr std::size_t kDtlsHeaderBytes = 13;
constexpr std::size_t kAlertBytes = 2;
constexpr std::size_t kSsl2HeaderBytes = 11;

std::size_t load16(std::span<const std::uint8_t> bytes, std::size_t at) noexcept {
    return static_cast<std::size_t>(bytes[at] << 8 | bytes[at + 1]);
}

/// As much of a record header as is there; `length` is set when all of it is.
bool is_header(std::span<const std::uint8_t> bytes, std::size_t& length) noexcept {
    length = 0;
    const bool type = bytes.empty() || (bytes[0] >= kChangeCipher && bytes[0] <= kHeartbeat);
    const bool version = bytes.size() < 3 || (bytes[1] == 3 && bytes[2] <= 4);
    if (!type || !version) {
        return false;
    }
    if (bytes.size() < kRecordHeaderBytes) {
        return true;
    }
    length = load16(bytes, 3);
    const bool plausible = bytes[0] == kChangeCipher ? length == 1 : length >= kAlertBytes;
    return length <= kMaxRecordBytes && (plausible || bytes[0] == kApplicationData);
}

TlsRecordKind handshake_kind(std::span<const std::uint8_t> stream) noexcept {
    const std::uint8_t type = stream.size() > kRecordHeaderBytes ? stream[kRecordHeaderBytes] : 0;
    switch (type) {
    case 1:
        return TlsRecordKind::client_hello;
    case 2:
        return TlsRecordKind::server_hello;
    default:
        return TlsRecordKind::handshake;
    }
}

} // namespace

TlsRecordKind tls_record_kind(std::span<const std::uint8_t> stream) noexcept {
    std::size_t length = 0;
    if (stream.size() < kRecordHeaderBytes || !is_header(stream, length)) {
        return TlsRecordKind::none;
    }
    if (stream.size() > kRecordHeaderBytes + length) {
        std::size_t next_length = 0;
        if (!is_header(stream.subspan(kRecordHeaderBytes + length), next_length)) {
            return TlsRecordKind::none;
        }
    }
    switch (stream[0]) {
    case kChangeCipher:
        return TlsRecordKind::change_cipher;
    case kAlert:
        return TlsRecordKind::alert;
    case kHandshake:
        return handshake_kind(stream);
    default:
        return TlsRecordKind::application_data;
    }
}

bool looks_like_ssl2_hello(std::span<const std::uint8_t> stream) noexcept {
    // Length with the top bit set, type 1, version, lengths of ciphers, session and challenge.
    if (stream.size() < kSsl2HeaderBytes || (stream[0] & 0x80U) == 0 || stream[2] != 1) {
        return false;
    }
    const bool version = (stream[3] == 3 && stream[4] <= 3) || (stream[3] == 0 && stream[4] == 2);
    const std::size_t length = load16(stream, 0) & 0x7fffU;
    const std::size_t ciphers = load16(stream, 5);
    const std::size_t session = load16(stream, 7);
    const std::size_t challenge = load16(stream, 9);
    return version && ciphers > 0 && ciphers % 3 == 0 && (session == 0 || session == 16) &&
           challenge >= 16 && challenge <= 32 &&
           length == kSsl2HeaderBytes - 2 + ciphers + session + challenge;
}

bool looks_like_dtls(std::span<const std::uint8_t> datagram) noexcept {
    if (datagram.size() < kDtlsHeaderBytes) {
        return false;
    }
    const bool type = datagram[0] >= kChangeCipher && datagram[0] <= kConnectionId;
    // 0x0100 is what the first implementation of all wrote, and some VPNs still do.
    const std::size_t version = load16(datagram, 1);
    const bool known = version == 0xfeff || version == 0xfefd || version == 0x0100;
    if (!type || !known) {
        return false;
    }
    if (datagram[0] == kConnectionId) {
        return true; // the length stands behind an ID of unknown size
    }
    const std::size_t length = load16(datagram, 11);
    return length > 0 && length <= datagram.size() - kDtlsHeaderBytes;
}

} // namespace foregate::dataplane
