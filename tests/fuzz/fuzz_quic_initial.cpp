// SPDX-License-Identifier: BSD-3-Clause
// QUIC datagrams. Input: a first byte, then pieces of { length 16 bit, bytes }. With the lowest bit
// of the first byte a piece is the plain content of an Initial packet and is encrypted here, so
// that frames and hellos are reached; otherwise it is a datagram as it stands.
#include "dataplane/classify/quic_initial.h"
#include "dataplane/classify/quic_packets.h"

#include <algorithm>
#include <cstdlib>
#include <span>

using namespace foregate::dataplane;

namespace {

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

/// Sealed with keys that are made once: what is fuzzed is what comes after the decryption.
quic_test::Bytes sealed(std::span<const std::uint8_t> plain, bool google) {
    static const quic_test::Bytes id{1, 2, 3, 4, 5, 6, 7, 8};
    static const quic_test::Keys ietf_keys = quic_test::keys_of(quic_test::version_1(), id);
    static const quic_test::Keys google_keys = quic_test::keys_of(quic_test::google_50(), id);
    quic_test::Bytes frames(plain.begin(), plain.end());
    frames.resize(std::max<std::size_t>(frames.size(), 8));
    quic_test::Bytes header = google ? quic_test::Bytes{0xc1, 'Q', '0', '5', '0', 8}
                                     : quic_test::Bytes{0xc1, 0, 0, 0, 1, 8};
    quic_test::append(header, id);
    quic_test::append(header, {0, 0}); // no source ID, no token
    quic_test::put_varint(header, 2 + frames.size() + 16);
    quic_test::append(header, {0, 1});
    return quic_test::seal(google ? google_keys : ietf_keys, header, 2, frames);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static QuicCrypto crypto;
    static QuicHello state;
    state.begin();
    std::span<const std::uint8_t> rest(data, size);
    if (rest.empty()) {
        return 0;
    }
    const std::uint8_t mode = rest[0];
    rest = rest.subspan(1);
    while (rest.size() >= 2) {
        const auto announced = static_cast<std::size_t>(rest[0] << 8 | rest[1]);
        const std::size_t length = std::min<std::size_t>({announced, rest.size() - 2, 1400});
        const auto piece = rest.subspan(2, length);
        rest = rest.subspan(2 + length);
        const quic_test::Bytes datagram = (mode & 1U) != 0
                                              ? sealed(piece, (mode & 2U) != 0)
                                              : quic_test::Bytes(piece.begin(), piece.end());
        TlsClientHello hello;
        const bool looks = looks_like_quic(datagram);
        const QuicResult result = parse_quic_datagram(datagram, state, crypto, hello);
        require(looks == (result != QuicResult::not_quic) || state.version != 0);
        require((mode & 1U) == 0 || looks);
        require(result != QuicResult::found || !hello.server_name.empty());
        require(state.packets <= QuicHello::kMaxPackets);
        if (result == QuicResult::found || result == QuicResult::none) {
            break;
        }
    }
    return 0;
}
