// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/classify/quic_initial.h"

#include "dataplane/classify/google_hello.h"
#include "dataplane/classify/quic_header.h"

#include <algorithm>
#include <cstddef>

namespace foregate::dataplane {

namespace {

constexpr int kMaxCoalesced = 4;
constexpr int kMaxFrames = 256; // runs of padding count as one
constexpr int kMaxAckRanges = 64;
constexpr std::size_t kMaxOfferedVersions = 32;

constexpr std::uint64_t kFramePadding = 0x00;
constexpr std::uint64_t kFramePing = 0x01;
constexpr std::uint64_t kFrameAck = 0x02;
constexpr std::uint64_t kFrameAckEcn = 0x03;
constexpr std::uint64_t kFrameCrypto = 0x06;
constexpr std::uint64_t kFrameGoogleCrypto = 0x08; // Q050, T050; elsewhere nothing that Initial has

/// Behind the type of an ACK frame.
bool skip_ack(std::span<const std::uint8_t> frames, std::size_t& at, bool ecn) noexcept {
    std::uint64_t value = 0;
    std::uint64_t ranges = 0;
    if (!read_quic_varint(frames, at, value) || !read_quic_varint(frames, at, value) ||
        !read_quic_varint(frames, at, ranges) || ranges > kMaxAckRanges) {
        return false;
    }
    const std::uint64_t fields = 1 + 2 * ranges + (ecn ? 3 : 0);
    for (std::uint64_t i = 0; i < fields; ++i) {
        if (!read_quic_varint(frames, at, value)) {
            return false;
        }
    }
    return true;
}

/// Behind the type of a CRYPTO frame.
bool gather_crypto(std::span<const std::uint8_t> frames, std::size_t& at,
                   StreamGather& crypto) noexcept {
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    if (!read_quic_varint(frames, at, offset) || !read_quic_varint(frames, at, length) ||
        length > frames.size() - at) {
        return false;
    }
    crypto.add_at(offset, frames.subspan(at, static_cast<std::size_t>(length)));
    at += static_cast<std::size_t>(length);
    return true;
}

/// Walks the frames of an opened Initial packet, as far as they are of the kinds that belong there.
void gather_frames(std::span<const std::uint8_t> frames, StreamGather& crypto) noexcept {
    std::size_t at = 0;
    for (int i = 0; i < kMaxFrames; ++i) {
        while (at < frames.size() && frames[at] == kFramePadding) {
            ++at;
        }
        std::uint64_t type = 0;
        if (!read_quic_varint(frames, at, type)) {
            return;
        }
        const bool ack = type == kFrameAck || type == kFrameAckEcn;
        const bool hello = type == kFrameCrypto || type == kFrameGoogleCrypto;
        const bool understood = type == kFramePing ||
                                (ack && skip_ack(frames, at, type == kFrameAckEcn)) ||
                                (hello && gather_crypto(frames, at, crypto));
        if (!understood) {
            return;
        }
    }
}

bool same_id(const QuicHello& state, std::span<const std::uint8_t> id) noexcept {
    return std::equal(id.begin(), id.end(), state.connection_id.begin(),
                      state.connection_id.begin() + state.connection_id_bytes);
}

/// Opens a packet with the keys of the connection; after a Retry, and for a packet that came before
/// the client's first, with keys of its own.
std::span<const std::uint8_t> open_packet(std::span<const std::uint8_t> packet,
                                          const QuicLongHeader& header, QuicHello& state,
                                          QuicCrypto& crypto) noexcept {
    const bool keyed = state.have_keys && state.version == header.version;
    if (keyed) {
        const auto frames = crypto.open(packet, header.number_at, state.keys);
        if (!frames.empty() || same_id(state, header.destination_id)) {
            return frames;
        }
    }
    QuicKeys keys;
    if (!crypto.client_keys(*quic_key_recipe(header.version), header.destination_id, keys)) {
        return {};
    }
    const auto frames = crypto.open(packet, header.number_at, keys);
    if (!frames.empty() || !state.have_keys) {
        state.keys = keys;
        state.version = header.version;
        state.have_keys = true;
        state.connection_id_bytes = static_cast<std::uint8_t>(header.destination_id.size());
        std::copy(header.destination_id.begin(), header.destination_id.end(),
                  state.connection_id.begin());
    }
    return frames;
}

QuicResult to_quic(TlsResult result) noexcept {
    switch (result) {
    case TlsResult::found:
        return QuicResult::found;
    case TlsResult::incomplete:
        return QuicResult::incomplete;
    case TlsResult::none:
    case TlsResult::not_tls: // opened, and no hello inside
        break;
    }
    return QuicResult::none;
}

/// What the gathered CRYPTO stream says so far.
QuicResult judge(const QuicHello& state, QuicDialect dialect, TlsClientHello& out) noexcept {
    const auto hello = state.crypto.contiguous();
    const TlsResult result = dialect == QuicDialect::crypto ? parse_google_hello(hello, out)
                                                            : parse_tls_handshake(hello, out);
    const bool spent = state.packets >= QuicHello::kMaxPackets || state.crypto.full();
    return result == TlsResult::incomplete && spent ? QuicResult::none : to_quic(result);
}

bool offers_known_version(std::span<const std::uint8_t> list) noexcept {
    if (list.empty() || list.size() % 4 != 0) {
        return false;
    }
    for (std::size_t i = 0; i < std::min(list.size() / 4, kMaxOfferedVersions); ++i) {
        const std::uint8_t* four = list.data() + 4 * i;
        const std::uint32_t version = static_cast<std::uint32_t>(four[0]) << 24 |
                                      static_cast<std::uint32_t>(four[1]) << 16 |
                                      static_cast<std::uint32_t>(four[2]) << 8 | four[3];
        const QuicDialect dialect = quic_dialect(version);
        if (dialect != QuicDialect::unknown && dialect != QuicDialect::negotiation) {
            return true;
        }
    }
    return false;
}

} // namespace

bool looks_like_quic(std::span<const std::uint8_t> datagram) noexcept {
    QuicLongHeader header;
    if (read_quic_long_header(datagram, header)) {
        return header.dialect != QuicDialect::negotiation ||
               offers_known_version(datagram.subspan(header.number_at));
    }
    return google_public_header_bytes(datagram) > 0;
}

QuicResult parse_quic_datagram(std::span<const std::uint8_t> datagram, QuicHello& state,
                               QuicCrypto& crypto, TlsClientHello& out) noexcept {
    const std::size_t public_header = google_public_header_bytes(datagram);
    if (public_header > 0) {
        state.version = kQuicGoogleOld;
        return to_quic(find_google_hello(datagram.subspan(public_header), out));
    }
    if (!looks_like_quic(datagram)) {
        return state.version != 0 ? QuicResult::incomplete : QuicResult::not_quic;
    }
    QuicDialect dialect = QuicDialect::unknown;
    bool gathered = false;
    QuicLongHeader header;
    for (int i = 0; i < kMaxCoalesced && read_quic_long_header(datagram, header); ++i) {
        if (!state.have_keys) {
            state.version = header.version;
        }
        if (header.dialect == QuicDialect::plain) {
            return to_quic(find_google_hello(datagram.subspan(header.number_at), out));
        }
        const bool keys_known = quic_key_recipe(header.version) != nullptr;
        if (header.initial && keys_known && state.packets < QuicHello::kMaxPackets) {
            ++state.packets;
            dialect = header.dialect;
            const auto packet = datagram.first(header.end);
            gather_frames(open_packet(packet, header, state, crypto), state.crypto);
            gathered = true;
        }
        datagram = datagram.subspan(header.end);
    }
    return gathered ? judge(state, dialect, out) : QuicResult::incomplete;
}

} // namespace foregate::dataplane
