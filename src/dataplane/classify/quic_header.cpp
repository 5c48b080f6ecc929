// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/classify/quic_header.h"

namespace foregate::dataplane {

namespace {

constexpr std::uint32_t kVersion1 = 0x00000001;
constexpr std::uint32_t kVersion2 = 0x6b3343cf;
constexpr std::uint32_t kDraft = 0xff000000; // | number
constexpr std::uint32_t kMvfst = 0xfaceb000; // Facebook's
constexpr std::uint32_t kMvfstDraft22 = 0xfaceb001;
constexpr std::uint32_t kQ044 = 0x51303434;
constexpr std::uint32_t kQ049 = 0x51303439;
constexpr std::uint32_t kQ050 = 0x51303530;
constexpr std::uint32_t kT050 = 0x54303530;
constexpr std::uint32_t kT051 = 0x54303531;
constexpr std::size_t kFixedBytes = 6; // flags, version, length of the destination ID
constexpr std::size_t kGoogleHashBytes = 12;
constexpr std::uint8_t kLongHeader = 0x80;
constexpr std::uint8_t kFixedBit = 0x40;
constexpr std::size_t kMinClientBytes = 1200; // datagrams with a client's Initial packet

constexpr QuicKeyRecipe recipe(const std::array<std::uint8_t, kQuicSaltBytes>& salt) {
    return {salt, "quic key", "quic iv", "quic hp"};
}

constexpr QuicKeyRecipe kRecipeV1 =
    recipe({0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
            0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a});
constexpr QuicKeyRecipe kRecipeV2 = {{0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93,
                                      0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9},
                                     "quicv2 key",
                                     "quicv2 iv",
                                     "quicv2 hp"};
constexpr QuicKeyRecipe kRecipeDraft29 =
    recipe({0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e, 0x97,
            0x86, 0xf1, 0x9c, 0x61, 0x11, 0xe0, 0x43, 0x90, 0xa8, 0x99});
constexpr QuicKeyRecipe kRecipeDraft23 =
    recipe({0xc3, 0xee, 0xf7, 0x12, 0xc7, 0x2e, 0xbb, 0x5a, 0x11, 0xa7,
            0xd2, 0x43, 0x2b, 0xb4, 0x63, 0x65, 0xbe, 0xf9, 0xf5, 0x02});
constexpr QuicKeyRecipe kRecipeDraft22 =
    recipe({0x7f, 0xbc, 0xdb, 0x0e, 0x7c, 0x66, 0xbb, 0xe9, 0x19, 0x3a,
            0x96, 0xcd, 0x21, 0x51, 0x9e, 0xbd, 0x7a, 0x02, 0x64, 0x4a});
constexpr QuicKeyRecipe kRecipeQ050 =
    recipe({0x50, 0x45, 0x74, 0xef, 0xd0, 0x66, 0xfe, 0x2f, 0x9d, 0x94,
            0x5c, 0xfc, 0xdb, 0xd3, 0xa7, 0xf0, 0xd3, 0xb5, 0x6b, 0x45});
constexpr QuicKeyRecipe kRecipeT050 =
    recipe({0x7f, 0xf5, 0x79, 0xe5, 0xac, 0xd0, 0x72, 0x91, 0x55, 0x80,
            0x30, 0x4c, 0x43, 0xa2, 0x36, 0x7c, 0x60, 0x48, 0x83, 0x10});
constexpr QuicKeyRecipe kRecipeT051 =
    recipe({0x7a, 0x4e, 0xde, 0xf4, 0xe7, 0xcc, 0xee, 0x5f, 0xa4, 0x50,
            0x6c, 0x19, 0x12, 0x4f, 0xc8, 0xcc, 0xda, 0x6e, 0x03, 0x3d});

constexpr bool is_mvfst(std::uint32_t version) noexcept {
    return (version & 0xffffff00U) == kMvfst;
}

/// Chosen by a client to provoke a negotiation (RFC 9000, section 15).
constexpr bool is_reserved(std::uint32_t version) noexcept {
    return (version & 0x0f0f0f0fU) == 0x0a0a0a0aU;
}

constexpr std::uint32_t draft_number(std::uint32_t version) noexcept {
    return (version & 0xffffff00U) == kDraft ? version & 0xffU : 0U;
}

std::uint32_t load32(std::span<const std::uint8_t> bytes, std::size_t at) noexcept {
    return static_cast<std::uint32_t>(bytes[at]) << 24 |
           static_cast<std::uint32_t>(bytes[at + 1]) << 16 |
           static_cast<std::uint32_t>(bytes[at + 2]) << 8 | bytes[at + 3];
}

/// Q044 to Q049: both lengths in one byte, 0 or 3 more than said; nothing tells the packet's end.
bool read_google_header(std::span<const std::uint8_t> bytes, QuicLongHeader& out) noexcept {
    const std::size_t destination = bytes[5] >> 4;
    const std::size_t source = bytes[5] & 0xfU;
    const std::size_t ids = (destination > 0 ? destination + 3 : 0) + (source > 0 ? source + 3 : 0);
    out.number_at = kFixedBytes + ids;
    out.end = bytes.size();
    out.initial = true; // the CHLO is looked for in any packet
    return out.number_at + 1 + kGoogleHashBytes <= bytes.size();
}

/// Behind the connection IDs of a version that is encrypted; `type` is the two bits of the header.
bool read_lengths(std::span<const std::uint8_t> bytes, std::size_t at, unsigned type,
                  QuicLongHeader& out) noexcept {
    const unsigned initial_type = out.version == kVersion2 ? 1 : 0;
    const unsigned retry_type = out.version == kVersion2 ? 0 : 3;
    out.initial = type == initial_type;
    out.number_at = at;
    out.end = bytes.size();
    if (type == retry_type) {
        return true;
    }
    std::uint64_t length = 0;
    if (out.initial) {
        if (!read_quic_varint(bytes, at, length) || length > bytes.size() - at) {
            return false;
        }
        at += static_cast<std::size_t>(length); // the token
    }
    if (!read_quic_varint(bytes, at, length) || length > bytes.size() - at) {
        return false;
    }
    out.number_at = at;
    out.end = at + static_cast<std::size_t>(length);
    return true;
}

} // namespace

QuicDialect quic_dialect(std::uint32_t version) noexcept {
    if (version == 0) {
        return QuicDialect::negotiation;
    }
    if (version == kQ050) {
        return QuicDialect::crypto;
    }
    if (version >= kQ044 && version <= kQ049) {
        return QuicDialect::plain;
    }
    if (is_reserved(version)) {
        return QuicDialect::reserved;
    }
    if (quic_key_recipe(version) != nullptr) {
        return QuicDialect::ietf;
    }
    const std::uint32_t draft = draft_number(version);
    return draft > 0 && draft < 64 ? QuicDialect::reserved : QuicDialect::unknown;
}

const QuicKeyRecipe* quic_key_recipe(std::uint32_t version) noexcept {
    switch (version) {
    case kVersion1:
        return &kRecipeV1;
    case kVersion2:
        return &kRecipeV2;
    case kQ050:
        return &kRecipeQ050;
    case kT050:
        return &kRecipeT050;
    case kT051:
        return &kRecipeT051;
    case kMvfstDraft22:
        return &kRecipeDraft22;
    default:
        break;
    }
    const std::uint32_t draft = draft_number(version);
    if (draft == 22) {
        return &kRecipeDraft22;
    }
    if (is_mvfst(version) || (draft >= 23 && draft <= 28)) {
        return &kRecipeDraft23;
    }
    if (is_reserved(version) || (draft >= 29 && draft <= 32)) {
        return &kRecipeDraft29;
    }
    return draft == 33 || draft == 34 ? &kRecipeV1 : nullptr;
}

bool read_quic_varint(std::span<const std::uint8_t> bytes, std::size_t& at,
                      std::uint64_t& value) noexcept {
    if (at >= bytes.size()) {
        return false;
    }
    const std::size_t size = std::size_t{1} << (bytes[at] >> 6);
    if (size > bytes.size() - at) {
        return false;
    }
    value = bytes[at] & 0x3fU;
    for (std::size_t i = 1; i < size; ++i) {
        value = value << 8 | bytes[at + i];
    }
    at += size;
    return true;
}

bool read_quic_long_header(std::span<const std::uint8_t> bytes, QuicLongHeader& out) noexcept {
    out = QuicLongHeader{};
    if (bytes.size() <= kFixedBytes || (bytes[0] & kLongHeader) == 0) {
        return false;
    }
    out.version = load32(bytes, 1);
    out.dialect = quic_dialect(out.version);
    if (out.dialect == QuicDialect::unknown) {
        return false;
    }
    if (out.dialect == QuicDialect::plain) {
        return read_google_header(bytes, out);
    }
    // The fixed bit of RFC 9000 may be missing (RFC 9287), but hardly in a small first packet: RTP
    // would look the same there.
    const bool fixed = (bytes[0] & kFixedBit) != 0;
    if (!fixed && out.dialect != QuicDialect::negotiation && bytes.size() < kMinClientBytes) {
        return false;
    }
    std::size_t at = 5;
    const std::size_t destination_bytes = bytes[at++];
    if (destination_bytes > kMaxQuicIdBytes || destination_bytes + 1 > bytes.size() - at) {
        return false;
    }
    out.destination_id = bytes.subspan(at, destination_bytes);
    at += destination_bytes;
    const std::size_t source_bytes = bytes[at++];
    if (source_bytes > kMaxQuicIdBytes || source_bytes > bytes.size() - at) {
        return false;
    }
    at += source_bytes;
    const bool lengths =
        out.dialect != QuicDialect::negotiation && read_lengths(bytes, at, bytes[0] >> 4 & 3U, out);
    if (lengths || out.dialect == QuicDialect::ietf || out.dialect == QuicDialect::crypto) {
        return lengths;
    }
    out.initial = false; // nothing is promised of what follows the connection IDs
    out.number_at = at;
    out.end = bytes.size();
    return true;
}

} // namespace foregate::dataplane
