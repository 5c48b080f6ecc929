// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/packet/fragment_info.h"
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
        0x46, 0,    0,    50,   0x12, 0x34, 0x40, 0,   61, 6, 0x5c, 0x87, 10,   0,
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

/// The IPv4 header's checksum made right again after an edit, if the header is all there.
Bytes summed(Bytes frame) {
    const std::size_t header = (frame[14] & 15U) * 4U;
    if (header >= 20 && frame.size() >= 14 + header) {
        packet_test::set16(frame, 24, 0);
        packet_test::set16(frame, 24,
                           packet_test::ones_complement_sum(
                               Bytes(frame.begin() + 14,
                                     frame.begin() + 14 + static_cast<std::ptrdiff_t>(header))));
    }
    return frame;
}

/// A frame whose IP length is cut to `length` while the bytes are all there.
Bytes with_v4_length(Bytes frame, unsigned length) {
    packet_test::set16(frame, 16, length);
    return summed(frame);
}

TEST(ParseTest, LengthFieldsThatCutAHeaderShort) {
    const Bytes tcp = v4().tcp(1, 2).options(packet_test::mss(1460)).build();
    for (unsigned length = 20; length < 44; ++length) {
        EXPECT_EQ(result_of(with_v4_length(tcp, length)), ParseResult::truncated) << length;
    }
    for (unsigned length = 0; length < 20; ++length) {
        EXPECT_EQ(result_of(with_v4_length(tcp, length)), ParseResult::bad_length) << length;
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
              ParseResult::bad_length); // 60 bytes of header in 40 of packet
    EXPECT_EQ(changed(tcp4, 46, 0x40), ParseResult::bad_header);
    EXPECT_EQ(changed(tcp4, 46, 0x60), ParseResult::truncated);
    EXPECT_EQ(changed(udp4, 39, 7), ParseResult::bad_length);
    EXPECT_EQ(changed(udp4, 39, 12), ParseResult::bad_length);
    EXPECT_EQ(changed(udp4, 39, 10), ParseResult::ip); // shorter than the packet is allowed
    EXPECT_EQ(changed(tcp6, 14, 0x40), ParseResult::bad_header);
    EXPECT_EQ(changed(tcp6, 20, 0),
              ParseResult::truncated); // TCP read as extension headers, the second one too long
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
    const Bytes eight{0, 1, 4, 0, 0, 0, 0};
    PacketBuilder most = v6();
    for (unsigned i = 0; i < kMostExtensionHeaders; ++i) {
        most.extension(60, eight);
    }
    EXPECT_EQ(result_of(most.tcp(1, 2).build()), ParseResult::ip);
    EXPECT_EQ(result_of(most.extension(60, eight).build()), ParseResult::extension_headers);
    EXPECT_EQ(result_of(v6().extension(60, Bytes{255, 0, 0, 0, 0, 0, 0}).tcp(1, 2).build()),
              ParseResult::truncated);
    EXPECT_EQ(result_of(v6().extension(60, eight).extension(0, eight).tcp(1, 2).build()),
              ParseResult::bad_header)
        << "hop-by-hop options come first or not at all";
}

TEST(ParseTest, HeadersThatSpeakForThemselves) {
    const Bytes message{0, 1, 0, 0, 0, 0, 0}; // of 8 bytes, and nothing behind it
    for (const unsigned kind : {135U, 139U, 140U}) {
        const ParsedPacket alone = parsed(v6().extension(kind, message).protocol(59));
        EXPECT_EQ(alone.protocol, kind);
        EXPECT_EQ(alone.l4_offset, 54);
        EXPECT_EQ(alone.payload_length, 8);
        EXPECT_EQ(parsed(v6().extension(kind, message).udp(7, 8)).dst_port, 8);
    }
}

TEST(ParseTest, SourceRoutes) {
    const Bytes loose{131, 7, 4, 10, 0, 0, 9, 0};
    const Bytes strict{1, 137, 7, 4, 10, 0, 0, 9};
    const Bytes record{7, 7, 4, 0, 0, 0, 0, 0};
    const Bytes alert{148, 4, 0, 0};
    EXPECT_EQ(result_of(v4().ipv4_options(loose).tcp(1, 2).build()), ParseResult::source_route);
    EXPECT_EQ(result_of(v4().ipv4_options(strict).udp(1, 2).build()), ParseResult::source_route);
    EXPECT_EQ(parsed(v4().ipv4_options(record).udp(1, 2)).dst_port, 2);
    EXPECT_EQ(parsed(v4().ipv4_options(alert).udp(1, 2)).l4_offset, 38);
    const Bytes behind_the_end{0, 131, 7, 4};
    EXPECT_EQ(parsed(v4().ipv4_options(behind_the_end).udp(1, 2)).dst_port, 2);
    for (const Bytes& broken : {Bytes{7, 0, 0, 0}, Bytes{7, 1, 0, 0}, Bytes{7, 5, 0, 0}, Bytes{1, 1, 1, 7}}) {
        EXPECT_EQ(result_of(v4().ipv4_options(broken).udp(1, 2).build()), ParseResult::bad_header);
    }
    const Bytes type0{0, 0, 1, 0, 0, 0, 0};
    const Bytes type2{0, 2, 1, 0, 0, 0, 0};
    EXPECT_EQ(result_of(v6().extension(43, type0).tcp(1, 2).build()), ParseResult::source_route);
    EXPECT_EQ(parsed(v6().extension(43, type2).tcp(1, 2)).dst_port, 2);
}

TEST(ParseTest, TheV4ChecksumIsVerifiedUnlessKnownToBeGood) {
    for (const PacketBuilder& one : {v4().tcp(1, 2), v4().udp(1, 2), v4().icmp(8, 0, 1), v4().protocol(47),
                                     v4().ipv4_options(Bytes(4, 1)).tcp(1, 2)}) {
        const Bytes good = one.build();
        ASSERT_EQ(result_of(good), ParseResult::ip);
        const std::size_t header = (good[14] & 15U) * 4U;
        for (std::size_t at = 15; at < 14 + header; ++at) {
            if (at == 16 || at == 17) {
                continue; // another length is another fault
            }
            Bytes bad = good;
            bad[at] = static_cast<std::uint8_t>(bad[at] ^ 0x10);
            EXPECT_EQ(result_of(bad), ParseResult::bad_checksum) << at;
        }
        Bytes unsummed = good;
        unsummed[24] = static_cast<std::uint8_t>(~unsummed[24]);
        ParsedPacket p;
        EXPECT_EQ(parse(unsummed.data(), static_cast<std::uint32_t>(unsummed.size()), p), ParseResult::bad_checksum);
        EXPECT_EQ(parse(unsummed.data(), static_cast<std::uint32_t>(unsummed.size()), p, HeaderChecksum::known_good),
                  ParseResult::ip);
    }
    // Sums that carry: every identification, so that both forms of zero and every fold occur.
    Bytes frame = v4().tcp(1, 2).build();
    for (unsigned id = 0; id < 0x10000; ++id) {
        packet_test::set16(frame, 18, id);
        frame = summed(std::move(frame));
        ParsedPacket p;
        ASSERT_EQ(parse(frame.data(), static_cast<std::uint32_t>(frame.size()), p), ParseResult::ip) << id;
    }
}

TEST(ParseTest, BothWaysOfParsingAgree) {
    // One tag sends a frame down the long way; all fields but the offsets must be those of the short one.
    for (const PacketBuilder& one : {v4().tcp(40000, 443).syn().options(packet_test::mss(1460)).ttl(61).payload("abc"),
                                     v4().udp(53, 5353).payload("abcd").padding(9), v4().udp(1, 2)}) {
        ParsedPacket dirty;
        std::memset(static_cast<void*>(&dirty), 0xff, sizeof dirty);
        const Bytes plain = one.build();
        ASSERT_EQ(parse_exactly(plain, dirty), ParseResult::ip);
        PacketBuilder with_tag = one;
        const ParsedPacket tagged = parsed(with_tag.vlan(10));
        EXPECT_EQ(dirty.src, tagged.src);
        EXPECT_EQ(dirty.dst, tagged.dst);
        EXPECT_EQ(dirty.src_port, tagged.src_port);
        EXPECT_EQ(dirty.dst_port, tagged.dst_port);
        EXPECT_EQ(dirty.protocol, tagged.protocol);
        EXPECT_EQ(dirty.ip_version, tagged.ip_version);
        EXPECT_EQ(dirty.tcp_flags, tagged.tcp_flags);
        EXPECT_EQ(dirty.ttl, tagged.ttl);
        EXPECT_EQ(dirty.icmp_type, tagged.icmp_type);
        EXPECT_EQ(dirty.icmp_code, tagged.icmp_code);
        EXPECT_EQ(dirty.fragment, tagged.fragment);
        EXPECT_EQ(dirty.later_fragment, tagged.later_fragment);
        EXPECT_EQ(dirty.l3_offset + 4, tagged.l3_offset);
        EXPECT_EQ(dirty.l4_offset + 4, tagged.l4_offset);
        EXPECT_EQ(dirty.payload_offset + 4, tagged.payload_offset);
        EXPECT_EQ(dirty.payload_length, tagged.payload_length);
        EXPECT_EQ(dirty.ip_length, tagged.ip_length);
        EXPECT_EQ(dirty.vlan_count, 0);
        EXPECT_EQ(tagged.vlan_count, 1);
    }
}

TEST(ParseTest, VlanTags) {
    const ParsedPacket one = parsed(v4().vlan(0x6000 | 10).tcp(1, 2).payload("x"));
    EXPECT_EQ(one.vlan_count, 1);
    EXPECT_EQ(one.vlan[0], 0x600a);
    EXPECT_EQ(one.l3_offset, 18);
    EXPECT_EQ(one.payload_offset, 18 + 40);
    const ParsedPacket two = parsed(v6().vlan(100, 0x88a8).vlan(10).udp(5, 6));
    EXPECT_EQ(two.vlan_count, 2);
    EXPECT_EQ(two.vlan[0], 100);
    EXPECT_EQ(two.vlan[1], 10);
    EXPECT_EQ(two.l3_offset, 22);
    EXPECT_EQ(two.dst_port, 6);
    EXPECT_EQ(parsed(v4().vlan(100).vlan(10).tcp(1, 2)).vlan_count, 2);
    ParsedPacket p;
    EXPECT_EQ(parse_exactly(v4().vlan(1).vlan(2).vlan(3).tcp(1, 2).build(), p), ParseResult::not_ip);
    EXPECT_EQ(p.vlan_count, 3);
    EXPECT_EQ(parse_exactly(packet().vlan(7).ethertype(0x0806).payload_of_size(46).build(), p), ParseResult::not_ip);
    EXPECT_EQ(p.vlan_count, 1);
    const Bytes whole = v4().vlan(100, 0x88a8).vlan(10).tcp(1, 2).build();
    for (std::size_t size = 0; size < whole.size(); ++size) {
        EXPECT_EQ(result_of(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size))),
                  ParseResult::truncated)
            << size;
    }
}

TEST(ParseTest, FragmentsThatBreakTheRules) {
    const auto fragment4 = [](unsigned protocol, unsigned field, std::size_t bytes) {
        return result_of(v4().protocol(protocol).fragment_field(field).payload_of_size(bytes).build());
    };
    EXPECT_EQ(fragment4(6, 0x2000, 16), ParseResult::tiny_fragment) << "TCP flags in the second";
    EXPECT_EQ(fragment4(17, 0x2000, 0), ParseResult::bad_length);
    EXPECT_EQ(fragment4(1, 0x2000, 8), ParseResult::ip);
    EXPECT_EQ(fragment4(6, 0x0001, 40), ParseResult::tiny_fragment) << "RFC 3128";
    EXPECT_EQ(fragment4(17, 0x0001, 40), ParseResult::ip);
    EXPECT_EQ(fragment4(17, 0x2002, 41), ParseResult::bad_length) << "not a multiple of eight";
    EXPECT_EQ(fragment4(17, 0x0002, 41), ParseResult::ip) << "the last one may be any length";
    EXPECT_EQ(fragment4(17, 0x0002, 0), ParseResult::bad_length);
    EXPECT_EQ(fragment4(17, 0x1fff, 8), ParseResult::bad_length) << "the ping of death";
    EXPECT_EQ(fragment4(17, 0x1ff0, 80), ParseResult::ip);

    const auto fragment6 = [](unsigned field, unsigned protocol, std::size_t bytes) {
        return result_of(v6().extension(44, Bytes{0, static_cast<std::uint8_t>(field >> 8),
                                                  static_cast<std::uint8_t>(field), 0, 0, 0, 9})
                             .protocol(protocol)
                             .payload_of_size(bytes)
                             .build());
    };
    EXPECT_EQ(fragment6(0x0001, 6, 16), ParseResult::tiny_fragment);
    EXPECT_EQ(fragment6(0x0001, 60, 8), ParseResult::tiny_fragment) << "the chain goes on in the second (RFC 7112)";
    EXPECT_EQ(fragment6(0x0008, 6, 40), ParseResult::tiny_fragment);
    EXPECT_EQ(fragment6(0x0011, 17, 41), ParseResult::bad_length);
    EXPECT_EQ(fragment6(0x0010, 17, 41), ParseResult::ip);
    EXPECT_EQ(fragment6(0xfff8, 17, 16), ParseResult::bad_length);
    EXPECT_EQ(result_of(v6().extension(44, Bytes{0, 0, 1, 0, 0, 0, 9})
                            .extension(44, Bytes{0, 0, 1, 0, 0, 0, 9})
                            .udp(1, 2)
                            .build()),
              ParseResult::bad_header)
        << "a fragment of a fragment";
}

TEST(ParseTest, WhereAFragmentBelongs) {
    const Bytes v4_later = v4().ip_id(0xbeef).protocol(17).payload_of_size(48).fragment_field(0x2005).build();
    const FragmentInfo four = fragment_info(v4_later.data(), parsed(v4_later));
    EXPECT_EQ(four.id, 0xbeefU);
    EXPECT_EQ(four.offset, 40U);
    EXPECT_EQ(four.length, 48U);
    EXPECT_FALSE(four.last);
    const Bytes eight{0, 1, 4, 0, 0, 0, 0};
    const Bytes v6_first = v6().extension(0, eight)
                               .extension(44, Bytes{0, 0, 1, 1, 2, 3, 4})
                               .extension(60, eight)
                               .udp(53, 5353)
                               .payload_of_size(40)
                               .build();
    const FragmentInfo six = fragment_info(v6_first.data(), parsed(v6_first));
    EXPECT_EQ(six.id, 0x01020304U);
    EXPECT_EQ(six.offset, 0U);
    EXPECT_EQ(six.length, 56U) << "all that follows the fragment header";
    EXPECT_FALSE(six.last);
    EXPECT_EQ(parsed(v6_first).dst_port, 5353);
    const Bytes v6_last = v6().extension(44, Bytes{0, 0, 0x40, 1, 2, 3, 4}).protocol(17).payload_of_size(3).build();
    const FragmentInfo last = fragment_info(v6_last.data(), parsed(v6_last));
    EXPECT_EQ(last.offset, 64U);
    EXPECT_EQ(last.length, 3U);
    EXPECT_TRUE(last.last);
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
