// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/packet/parse.h"
#include "packet/packet_builder.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>

namespace foregate::dataplane {
namespace {

using packet_test::Bytes;
using packet_test::packet;
using packet_test::PacketBuilder;

/// Parses from memory that is exactly as long as the frame, so that a sanitizer sees a byte too
/// far.
ParseResult parse_exactly(const Bytes& frame, ParsedPacket& out) {
    const auto copy = std::make_unique<std::uint8_t[]>(frame.size());
    if (!frame.empty()) {
        std::memcpy(copy.get(), frame.data(), frame.size());
    }
    return parse(copy.get(), static_cast<std::uint32_t>(frame.size()), out);
}

ParsedPacket parsed(const Bytes& frame) {
    ParsedPacket out;
    EXPECT_EQ(parse_exactly(frame, out), ParseResult::ip);
    return out;
}
ParsedPacket parsed(const PacketBuilder& builder) {
    return parsed(builder.build());
}

ParseResult result_of(const Bytes& frame) {
    ParsedPacket out;
    return parse_exactly(frame, out);
}

PacketBuilder v4() {
    return packet().ipv4("10.0.0.1", "192.0.2.9");
}
PacketBuilder v6() {
    return packet().ipv6("fd00::1", "2001:db8::9");
}

TEST(ParseTest, TcpOverV4ByHand) {
    // Written out byte by byte, so that the builder is not its own witness.
    const Bytes frame{
        0x02, 0,    0,    0,    0,    1,    0x02, 0,   0,  0, 0, 2, 0x08, 0x00, // Ethernet
        0x46, 0,    0,    50,   0x12, 0x34, 0x40, 0,   61, 6, 0, 0, 10,   0,
        0,    1,    192,  0,    2,    9,    1,    1,   1,  0, // IPv4, options
        0x9c, 0x40, 0x01, 0xbb, 0,    0,    0,    1,   0,  0, 0, 2, 0x60, 0x12,
        0xfa, 0xf0, 0,    0,    0,    0,                 // TCP
        2,    4,    5,    0xb4, 'h',  'i',  0xee, 0xee}; // MSS, payload, padding
    const ParsedPacket p = parsed(frame);
    EXPECT_EQ(p.src.to_string(), "10.0.0.1");
    EXPECT_EQ(p.dst.to_string(), "192.0.2.9");
    EXPECT_EQ(p.src_port, 40000);
    EXPECT_EQ(p.dst_port, 443);
    EXPECT_EQ(p.protocol, kProtoTcp);
    EXPECT_EQ(p.ip_version, 4);
    EXPECT_EQ(p.tcp_flags, tcp_syn | tcp_ack);
    EXPECT_EQ(p.ttl, 61);
    EXPECT_EQ(p.l3_offset, 14);
    EXPECT_EQ(p.l4_offset, 38);
    EXPECT_EQ(p.payload_offset, 62);
    EXPECT_EQ(p.payload_length, 2) << "by the IP length, not by the frame's padding";
    EXPECT_EQ(p.ip_length, 50);
    EXPECT_FALSE(p.fragment);
}

TEST(ParseTest, UdpOverV6ByHand) {
    Bytes frame{0x02, 0, 0, 0, 0, 1, 0x02, 0, 0, 0, 0, 2, 0x86, 0xdd, 0x60, 0, 0, 0, 0, 11, 17, 64};
    const Bytes src = packet_test::wire_address(packet_test::address("fd00::1"));
    const Bytes dst = packet_test::wire_address(packet_test::address("2001:db8::9"));
    packet_test::put(frame, src);
    packet_test::put(frame, dst);
    packet_test::put(frame, {0x14, 0xe9, 0, 53, 0, 11, 0, 0, 'a', 'b', 'c'});
    const ParsedPacket p = parsed(frame);
    EXPECT_EQ(p.dst.to_string(), "2001:db8::9");
    EXPECT_EQ(p.src_port, 5353);
    EXPECT_EQ(p.dst_port, 53);
    EXPECT_EQ(p.protocol, kProtoUdp);
    EXPECT_EQ(p.ip_version, 6);
    EXPECT_EQ(p.payload_offset, 62);
    EXPECT_EQ(p.payload_length, 3);
    EXPECT_EQ(p.ip_length, 51);
}

TEST(ParseTest, IcmpEchoIsKeyedByItsIdentifier) {
    const ParsedPacket ping = parsed(v4().icmp(8, 0, 0x00070001).payload("data"));
    EXPECT_EQ(ping.icmp_type, 8);
    EXPECT_EQ(ping.src_port, 7);
    EXPECT_EQ(ping.dst_port, 7);
    EXPECT_EQ(ping.payload_length, 4);
    EXPECT_EQ(parsed(v6().icmp(129, 0, 0x00090001)).src_port, 9);
    const ParsedPacket error = parsed(v4().icmp(3, 4, 1400).payload_of_size(28));
    EXPECT_EQ(error.icmp_code, 4);
    EXPECT_EQ(error.src_port, 0);
    EXPECT_EQ(error.payload_length, 28);
}

TEST(ParseTest, ProtocolsWithoutPorts) {
    const ParsedPacket esp = parsed(v4().protocol(50).payload_of_size(40));
    EXPECT_EQ(esp.protocol, 50);
    EXPECT_EQ(esp.src_port, 0);
    EXPECT_EQ(esp.payload_length, 40);
    EXPECT_EQ(parsed(v6().protocol(59)).payload_length, 0); // no next header
}

TEST(ParseTest, NotIp) {
    for (const unsigned type : {0x0806U, 0x88ccU, 0x8100U, 0x88a8U, 0x0004U}) {
        EXPECT_EQ(result_of(packet().ethertype(type).payload_of_size(46).build()),
                  ParseResult::not_ip)
            << type;
    }
}

TEST(ParseTest, EveryTruncationOfEveryKindIsNoticed) {
    const PacketBuilder kinds[]{v4().tcp(1, 2).options(packet_test::mss(1460)).payload("abc"),
                                v4().udp(1, 2).payload("abc"),
                                v4().icmp(8, 0, 1).payload("abc"),
                                v4().ipv4_options(Bytes(8, 1)).tcp(1, 2).payload("abc"),
                                v6().tcp(1, 2).payload("abc"),
                                v6().udp(1, 2).payload("abc"),
                                v6().extension(0, Bytes{0, 1, 4, 0, 0, 0, 0})
                                    .extension(60, Bytes{0, 1, 4, 0, 0, 0, 0})
                                    .tcp(1, 2)
                                    .payload("abc"),
                                v4().protocol(50).payload_of_size(20)};
    for (const PacketBuilder& kind : kinds) {
        const Bytes whole = kind.build();
        ASSERT_EQ(result_of(whole), ParseResult::ip);
        for (std::size_t size = 0; size < whole.size(); ++size) {
            EXPECT_EQ(
                result_of(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size))),
                ParseResult::truncated)
                << size << " of " << whole.size();
        }
    }
}

/// A frame whose IP length is cut to `length` while the bytes are all there.
Bytes with_v4_length(Bytes frame, unsigned length) {
    packet_test::set16(frame, 16, length);
    return frame;
}

TEST(ParseTest, LengthFieldsThatCutAHeaderShort) {
    const Bytes tcp = v4().tcp(1, 2).options(packet_test::mss(1460)).build();
    for (unsigned length = 20; length < 44; ++length) {
        EXPECT_EQ(result_of(with_v4_length(tcp, length)), ParseResult::truncated) << length;
    }
    for (unsigned length = 0; length < 20; ++length) {
        EXPECT_EQ(result_of(with_v4_length(tcp, length)), ParseResult::bad_header) << length;
    }
    EXPECT_EQ(result_of(with_v4_length(tcp, 45)), ParseResult::truncated);
    EXPECT_EQ(result_of(with_v4_length(tcp, 0xffff)), ParseResult::truncated);
    const Bytes icmp = v4().icmp(8, 0, 1).build();
    EXPECT_EQ(result_of(with_v4_length(icmp, 23)), ParseResult::truncated);
    EXPECT_EQ(result_of(with_v4_length(icmp, 24)), ParseResult::ip);
}

TEST(ParseTest, ImpossibleHeaders) {
    const auto changed = [](Bytes frame, std::size_t at, unsigned value) {
        frame[at] = static_cast<std::uint8_t>(value);
        return result_of(frame);
    };
    const Bytes tcp4 = v4().tcp(1, 2).build();
    const Bytes udp4 = v4().udp(1, 2).payload("abc").build();
    const Bytes tcp6 = v6().tcp(1, 2).build();
    EXPECT_EQ(changed(tcp4, 14, 0x44), ParseResult::bad_header);
    EXPECT_EQ(changed(tcp4, 14, 0x65), ParseResult::bad_header);
    EXPECT_EQ(changed(tcp4, 14, 0x4f),
              ParseResult::bad_header); // 60 bytes of header in 40 of packet
    EXPECT_EQ(changed(tcp4, 46, 0x40), ParseResult::bad_header);
    EXPECT_EQ(changed(tcp4, 46, 0x60), ParseResult::truncated);
    EXPECT_EQ(changed(udp4, 39, 7), ParseResult::bad_header);
    EXPECT_EQ(changed(udp4, 39, 12), ParseResult::bad_header);
    EXPECT_EQ(changed(udp4, 39, 10), ParseResult::ip); // shorter than the packet is allowed
    EXPECT_EQ(changed(tcp6, 14, 0x40), ParseResult::bad_header);
    EXPECT_EQ(changed(tcp6, 20, 0),
              ParseResult::bad_header); // TCP read as an extension header that is too long
}

TEST(ParseTest, V4MappedAddressesOnTheWireAreRefused) {
    Bytes frame = v6().tcp(1, 2).build();
    const IpAddress mapped = IpAddress::from_v4(0x0a000001);
    std::copy(mapped.bytes.begin(), mapped.bytes.end(), frame.begin() + 22);
    EXPECT_EQ(result_of(frame), ParseResult::bad_header);
}

TEST(ParseTest, ExtensionHeadersAreWalked) {
    const Bytes eight{0, 1, 4, 0, 0, 0, 0}; // length 0, PadN
    const Bytes sixteen{1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    const Bytes authentication{2, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 9, 9, 9, 9}; // (2 + 2) * 4 bytes
    const ParsedPacket p = parsed(v6().extension(0, eight)
                                      .extension(60, sixteen)
                                      .extension(43, eight)
                                      .extension(51, authentication)
                                      .tcp(7, 8)
                                      .payload("x"));
    EXPECT_EQ(p.protocol, kProtoTcp);
    EXPECT_EQ(p.l4_offset, 14 + 40 + 8 + 16 + 8 + 16);
    EXPECT_EQ(p.src_port, 7);
    EXPECT_EQ(p.payload_length, 1);
}

TEST(ParseTest, TooManyExtensionHeaders) {
    PacketBuilder seven = v6();
    for (int i = 0; i < 7; ++i) {
        seven.extension(60, Bytes{0, 1, 4, 0, 0, 0, 0});
    }
    EXPECT_EQ(result_of(seven.tcp(1, 2).build()), ParseResult::ip);
    EXPECT_EQ(result_of(seven.extension(60, Bytes{0, 1, 4, 0, 0, 0, 0}).build()),
              ParseResult::bad_header);
    EXPECT_EQ(result_of(v6().extension(60, Bytes{255, 0, 0, 0, 0, 0, 0}).tcp(1, 2).build()),
              ParseResult::bad_header);
}

TEST(ParseTest, FragmentsOfV4) {
    const ParsedPacket first =
        parsed(v4().udp(53, 5353).payload_of_size(40).fragment_field(0x2000));
    EXPECT_TRUE(first.fragment);
    EXPECT_FALSE(first.later_fragment);
    EXPECT_EQ(first.src_port, 53);
    const ParsedPacket later = parsed(v4().protocol(17).payload_of_size(40).fragment_field(0x0005));
    EXPECT_TRUE(later.later_fragment);
    EXPECT_EQ(later.src_port, 0);
    EXPECT_EQ(later.payload_length, 40);
    EXPECT_EQ(later.payload_offset, later.l4_offset);
    EXPECT_FALSE(parsed(v4().tcp(1, 2).fragment_field(0x4000)).fragment)
        << "don't fragment is no fragment";
    // The UDP length of a first fragment speaks of the whole datagram.
    Bytes of_a_longer = v4().udp(53, 5353).payload_of_size(40).fragment_field(0x2000).build();
    packet_test::set16(of_a_longer, 38, 3000);
    EXPECT_EQ(result_of(of_a_longer), ParseResult::ip);
}

TEST(ParseTest, FragmentsOfV6) {
    const auto fragment = [](unsigned field) {
        return v6().extension(44, Bytes{0, static_cast<std::uint8_t>(field >> 8),
                                        static_cast<std::uint8_t>(field), 0, 0, 0, 9});
    };
    const ParsedPacket first = parsed(fragment(0x0001).udp(53, 5353).payload_of_size(40));
    EXPECT_TRUE(first.fragment);
    EXPECT_FALSE(first.later_fragment);
    EXPECT_EQ(first.dst_port, 5353);
    const ParsedPacket later = parsed(fragment(0x0008).protocol(17).payload_of_size(40));
    EXPECT_TRUE(later.later_fragment);
    EXPECT_EQ(later.protocol, kProtoUdp);
    EXPECT_EQ(later.payload_length, 40);
    EXPECT_FALSE(parsed(fragment(0).udp(1, 2)).fragment)
        << "an atomic fragment is whole (RFC 6946)";
}

TEST(ParseTest, AFrameThatIsTooLongForItsOffsets) {
    Bytes giant = v4().udp(1, 2).payload("x").build();
    giant.resize(0x10000);
    EXPECT_EQ(result_of(giant), ParseResult::truncated);
}

} // namespace
} // namespace foregate::dataplane
