// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/classify/quic_header.h"
#include "dataplane/classify/quic_initial.h"
#include "dataplane/classify/quic_packets.h"

#include <openssl/crypto.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

namespace foregate::dataplane {
namespace {

using namespace quic_test;

/// Every allocation of libcrypto in this program is counted: it asks before its first one.
std::size_t g_allocations = 0;
const bool g_counted = CRYPTO_set_mem_functions(
                           [](std::size_t size, const char*, int) {
                               ++g_allocations;
                               return std::malloc(size);
                           },
                           [](void* at, std::size_t size, const char*, int) {
                               ++g_allocations;
                               return std::realloc(at, size);
                           },
                           [](void* at, const char*, int) { std::free(at); }) == 1;

/// The CRYPTO frame of RFC 9001, appendix A.2: a ClientHello for example.com, ALPN "alpn".
const Bytes kFrameOfRfc = from_hex(
    "060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f06a2b69484c00000413"
    "011302010000c000000010000e00000b6578616d706c652e636f6dff01000100000a00080006001d001700180010"
    "00070005"
    "04616c706e000500050100000000003300260024001d00209370b2c9caa47fbabaf4559fedba753de171fa71f50f"
    "1ce15d43e994ec74d748002b0003020304000d0010000e0403050306030203080408050806002d00020101001c00"
    "024001003900320408ffffffffffffffff05048000ffff07048000ffff0801100104800075300901100f088394c8"
    "f03e51570806048000ffff");
const Bytes kIdOfRfc = from_hex("8394c8f03e515708");

/// The handshake message inside that frame.
Bytes hello_of_rfc() {
    return {kFrameOfRfc.begin() + 4, kFrameOfRfc.end()};
}

Bytes slice(const Bytes& bytes, std::size_t from, std::size_t to) {
    return {bytes.begin() + static_cast<std::ptrdiff_t>(from),
            bytes.begin() + static_cast<std::ptrdiff_t>(std::min(to, bytes.size()))};
}

class QuicInitial : public ::testing::Test {
protected:
    QuicInitial() { state_->begin(); }

    QuicResult parse(const Bytes& datagram) {
        return parse_quic_datagram(datagram, *state_, *crypto_, hello_);
    }

    std::unique_ptr<QuicCrypto> crypto_ = std::make_unique<QuicCrypto>();
    std::unique_ptr<QuicHello> state_ = std::make_unique<QuicHello>();
    TlsClientHello hello_;
};

/// The packets of RFC 9001 and RFC 9369, appendix A.2: sealed here with the keys printed in
/// appendix A.1, compared with the beginning and the end of the packets printed there.
struct RfcVector {
    Version version;
    Keys keys;
    std::string header;
    std::string packet_begin;
    std::string packet_end;
};

std::vector<RfcVector> rfc_vectors() {
    return {
        {version_1(),
         {from_hex("1f369613dd76d5467730efcbe3b1a22d"), from_hex("fa044b2f42a3fd3b46fb255c"),
          from_hex("9f50449e04a0e810283a1e9933adedd2")},
         "c300000001088394c8f03e5157080000449e00000002",
         "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11",
         "e221af44860018ab0856972e194cd934"},
        {version_2(),
         {from_hex("8b1a0bc121284290a29e0971b5cd045d"), from_hex("91f73e2351d8fa91660e909f"),
          from_hex("45b95e15235d6f45a6b19cbcb0294ba9")},
         "d36b3343cf088394c8f03e5157080000449e00000002",
         "d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485",
         "a18b2faa745b6fe189cf772a9f84cbfc"},
    };
}

TEST_F(QuicInitial, VectorsOfTheRfcs) {
    for (const RfcVector& vector : rfc_vectors()) {
        QuicKeys keys;
        ASSERT_TRUE(crypto_->client_keys(*quic_key_recipe(vector.version.number), kIdOfRfc, keys));
        EXPECT_TRUE(std::equal(keys.key.begin(), keys.key.end(), vector.keys.key.begin()));
        EXPECT_TRUE(std::equal(keys.iv.begin(), keys.iv.end(), vector.keys.iv.begin()));
        EXPECT_TRUE(std::equal(keys.header.begin(), keys.header.end(), vector.keys.header.begin()));

        Bytes frames = kFrameOfRfc;
        frames.resize(1162);
        const Bytes packet = seal(vector.keys, from_hex(vector.header), 4, frames);
        ASSERT_EQ(slice(packet, 0, 32), from_hex(vector.packet_begin));
        ASSERT_EQ(slice(packet, packet.size() - 16, packet.size()), from_hex(vector.packet_end));

        state_->begin();
        EXPECT_TRUE(looks_like_quic(packet));
        ASSERT_EQ(parse(packet), QuicResult::found);
        EXPECT_EQ(hello_.server_name.view(), "example.com");
        EXPECT_EQ(hello_.protocols.view(), "alpn");
        EXPECT_EQ(hello_.version, 0x0304);
        EXPECT_TRUE(hello_.whole);
        EXPECT_EQ(state_->version, vector.version.number);
    }
}

TEST_F(QuicInitial, OpeningAllocatesNothing) {
    ASSERT_TRUE(g_counted);
    const Bytes first = initial_packet({}, kFrameOfRfc);
    Initial other;
    other.version = version_2();
    other.destination = {9, 9, 9};
    const Bytes second = initial_packet(other, kFrameOfRfc);
    const std::size_t before = g_allocations;
    EXPECT_GT(before, 0U);
    for (int i = 0; i < 3; ++i) {
        state_->begin();
        EXPECT_EQ(parse(first), QuicResult::found);
        state_->begin();
        EXPECT_EQ(parse(second), QuicResult::found);
    }
    EXPECT_EQ(g_allocations, before);
}

TEST_F(QuicInitial, DraftsAndTokens) {
    Initial how;
    how.version = draft_29();
    how.token = Bytes(70, 0xee);
    EXPECT_EQ(parse(initial_packet(how, kFrameOfRfc)), QuicResult::found);
    EXPECT_EQ(hello_.server_name.view(), "example.com");
}

TEST_F(QuicInitial, FramesOutOfOrderInOnePacket) {
    const Bytes hello = hello_of_rfc();
    Bytes frames{1, 0, 0, 0}; // ping, padding
    append(frames, crypto_frame(100, slice(hello, 100, 170)));
    frames.push_back(1);
    append(frames, crypto_frame(170, slice(hello, 170, 999)));
    append(frames, {2, 0, 0, 1, 0, 0, 0});    // ACK with one more range
    append(frames, {3, 0, 0, 0, 0, 1, 1, 1}); // ACK with counts of congestion marks
    append(frames, crypto_frame(0, slice(hello, 0, 100)));
    ASSERT_EQ(parse(initial_packet({}, frames)), QuicResult::found);
    EXPECT_EQ(hello_.server_name.view(), "example.com");
    EXPECT_TRUE(hello_.whole);
}

TEST_F(QuicInitial, HelloInSeveralDatagramsInAnyOrder) {
    const Bytes hello = hello_of_rfc();
    Initial how;
    std::vector<Bytes> datagrams;
    for (std::size_t at = 0; at < hello.size(); at += 30) {
        how.number = static_cast<std::uint8_t>(datagrams.size());
        datagrams.push_back(initial_packet(how, crypto_frame(at, slice(hello, at, at + 30))));
    }
    ASSERT_LE(datagrams.size(), QuicHello::kMaxPackets);
    std::reverse(datagrams.begin(), datagrams.end());
    for (std::size_t i = 0; i + 1 < datagrams.size(); ++i) {
        EXPECT_EQ(parse(datagrams[i]), QuicResult::incomplete) << i;
    }
    EXPECT_EQ(parse(datagrams.back()), QuicResult::found);
    EXPECT_EQ(hello_.server_name.view(), "example.com");
}

TEST_F(QuicInitial, CoalescedPackets) {
    const Bytes hello = hello_of_rfc();
    Initial how;
    how.pad_to = 0;
    Bytes datagram = initial_packet(how, crypto_frame(0, slice(hello, 0, 60)));
    Initial zero_rtt = how;
    zero_rtt.type = 1;
    append(datagram, initial_packet(zero_rtt, Bytes(40, 1)));
    how.number = 1;
    append(datagram, initial_packet(how, crypto_frame(60, slice(hello, 60, 999))));
    ASSERT_EQ(parse(datagram), QuicResult::found);
    EXPECT_EQ(hello_.server_name.view(), "example.com");
}

TEST_F(QuicInitial, LaterPacketsGoToTheServersChoiceOfId) {
    const Bytes hello = hello_of_rfc();
    Initial how;
    EXPECT_EQ(parse(initial_packet(how, crypto_frame(0, slice(hello, 0, 60)))),
              QuicResult::incomplete);
    how.keyed_by = how.destination;
    how.destination = Bytes(20, 0xab);
    EXPECT_EQ(parse(initial_packet(how, crypto_frame(60, slice(hello, 60, 999)))),
              QuicResult::found);
}

TEST_F(QuicInitial, RetryMakesNewKeys) {
    Initial how;
    EXPECT_EQ(parse(initial_packet(how, crypto_frame(0, slice(hello_of_rfc(), 0, 60)))),
              QuicResult::incomplete);
    how.destination = Bytes(12, 0xcd); // chosen by the server in its Retry
    how.token = Bytes(30, 0x77);
    EXPECT_EQ(parse(initial_packet(how, kFrameOfRfc)), QuicResult::found);
    EXPECT_EQ(hello_.server_name.view(), "example.com");
}

TEST_F(QuicInitial, ServersPacketsStayShut) {
    Initial how;
    how.side = "server in";
    EXPECT_EQ(parse(initial_packet(how, kFrameOfRfc)), QuicResult::incomplete);
    EXPECT_TRUE(state_->crypto.contiguous().empty());
}

TEST_F(QuicInitial, ADamagedPacketStaysShut) {
    Bytes packet = initial_packet({}, kFrameOfRfc);
    packet[packet.size() - 20] ^= 1;
    EXPECT_EQ(parse(packet), QuicResult::incomplete);
    EXPECT_TRUE(state_->crypto.contiguous().empty());
}

TEST_F(QuicInitial, WorkIsBounded) {
    const Bytes ping = initial_packet({}, {1});
    for (int i = 1; i < QuicHello::kMaxPackets; ++i) {
        EXPECT_EQ(parse(ping), QuicResult::incomplete) << i;
    }
    EXPECT_EQ(parse(ping), QuicResult::none);
    state_->begin();
    Bytes endless = from_hex("0100ea600303"); // a hello of 60000 bytes, nearly all one extension
    endless.resize(42, 0);
    append(endless, from_hex("ea380015ea34"));
    endless.resize(1000, 0);
    EXPECT_EQ(parse(initial_packet({}, crypto_frame(0, endless))), QuicResult::incomplete);
    for (std::size_t at = 1000; at < 4000; at += 1000) {
        EXPECT_EQ(parse(initial_packet({}, crypto_frame(at, Bytes(1000, 0)))),
                  QuicResult::incomplete);
    }
    EXPECT_EQ(parse(initial_packet({}, crypto_frame(4000, Bytes(1000, 0)))), QuicResult::none);
}

TEST_F(QuicInitial, CryptoThatIsNoHelloIsNone) {
    EXPECT_EQ(parse(initial_packet({}, crypto_frame(0, {2, 0, 0, 40, 3, 3}))), QuicResult::none);
}

TEST_F(QuicInitial, EveryTruncationIsHarmless) {
    const Bytes packet = initial_packet({}, kFrameOfRfc);
    for (std::size_t size = 0; size < packet.size(); ++size) {
        state_->begin();
        const QuicResult result = parse(slice(packet, 0, size));
        EXPECT_NE(result, QuicResult::found) << size;
        EXPECT_NE(result, QuicResult::none) << size;
    }
}

TEST_F(QuicInitial, NegotiationRetryAndOtherHeaders) {
    EXPECT_TRUE(looks_like_quic(from_hex("80000000000000"
                                         "00000001")));
    EXPECT_TRUE(looks_like_quic(from_hex("80000000000000"
                                         "deadbeef"
                                         "ff00001d")));
    EXPECT_FALSE(looks_like_quic(from_hex("80000000000000"
                                          "00000001"
                                          "ff"))); // a broken list
    EXPECT_FALSE(looks_like_quic(from_hex("80000000000000"
                                          "deadbeef")));       // of nothing known
    EXPECT_FALSE(looks_like_quic(from_hex("80000000000000"))); // offers nothing
    EXPECT_TRUE(looks_like_quic(from_hex("f0000000010008f067a5502a4262b5746f6b656e"))); // Retry
    EXPECT_TRUE(looks_like_quic(from_hex("cadadadada0411223344041122334400")));  // reserved version
    EXPECT_FALSE(looks_like_quic(from_hex("c0deadbeef0411223344041122334400"))); // unknown version
    EXPECT_FALSE(looks_like_quic(from_hex("c00000000115"))); // ID longer than 20
    EXPECT_FALSE(
        looks_like_quic(from_hex("800000000101aa0000400102")));      // RTP could begin like this
    EXPECT_FALSE(looks_like_quic(from_hex("40112233445566778899"))); // short header
    EXPECT_FALSE(looks_like_quic({}));
    EXPECT_EQ(parse(from_hex("40112233445566778899")), QuicResult::not_quic);
    EXPECT_EQ(parse(from_hex("cadadadada0411223344041122334400")), QuicResult::incomplete);
    EXPECT_EQ(parse(from_hex("40112233445566778899")), QuicResult::incomplete); // known by now
}

void put_le32(Bytes& to, std::size_t value) {
    for (int i = 0; i < 4; ++i) {
        to.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
    }
}

/// Google's CHLO with the tags PAD, SNI and VER.
Bytes google_hello(const std::string& name) {
    Bytes hello{'C', 'H', 'L', 'O', 3, 0, 0, 0, 'P', 'A', 'D', 0};
    put_le32(hello, 5);
    append(hello, {'S', 'N', 'I', 0});
    put_le32(hello, 5 + name.size());
    append(hello, {'V', 'E', 'R', 0});
    put_le32(hello, 9 + name.size());
    append(hello, Bytes(5, '-'));
    append(hello, Bytes(name.begin(), name.end()));
    append(hello, {'Q', '0', '4', '3'});
    return hello;
}

TEST_F(QuicInitial, GooglesOwnHellosInTheClear) {
    const Bytes hash_and_frame(12 + 4, 0x5a);
    Bytes q043 = from_hex("0911223344556677885130343301"); // flags, ID, "Q043", packet number
    append(q043, hash_and_frame);
    append(q043, google_hello("www.google.example"));
    EXPECT_TRUE(looks_like_quic(q043));
    ASSERT_EQ(parse(q043), QuicResult::found);
    EXPECT_EQ(hello_.server_name.view(), "www.google.example");

    state_->begin();
    Bytes q046 = from_hex("c35130343650112233445566778800000001");
    append(q046, hash_and_frame);
    append(q046, google_hello("upload.example"));
    EXPECT_TRUE(looks_like_quic(q046));
    ASSERT_EQ(parse(q046), QuicResult::found);
    EXPECT_EQ(hello_.server_name.view(), "upload.example");
    EXPECT_EQ(parse(google_hello("no.header")), QuicResult::incomplete); // known to be QUIC
    state_->begin();
    EXPECT_EQ(parse(google_hello("no.header")), QuicResult::not_quic);
}

TEST_F(QuicInitial, GooglesHelloInAnEncryptedPacket) {
    Initial how;
    how.version = google_50();
    const Bytes hello = google_hello("q050.example");
    EXPECT_EQ(parse(initial_packet(how, crypto_frame(0, slice(hello, 0, 30)))),
              QuicResult::incomplete);
    ASSERT_EQ(parse(initial_packet(how, crypto_frame(30, slice(hello, 30, 999)))),
              QuicResult::found);
    EXPECT_EQ(hello_.server_name.view(), "q050.example");
}

} // namespace
} // namespace foregate::dataplane
