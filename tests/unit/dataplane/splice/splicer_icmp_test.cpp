// SPDX-License-Identifier: BSD-3-Clause
// ICMP errors that quote held and spliced connections.
#include "dataplane/splice/icmp_quote.h"

#include "dataplane/packet/checksum.h"
#include "splice_rig.h"

#include <gtest/gtest.h>

namespace foregate::dataplane {
namespace {

using namespace splice_test;

/// An ICMP error from `router` to `to`, quoting the first `quoted` bytes of `about`'s IP packet.
Packet icmp_error(const Packet& about, const IpAddress& router, const IpAddress& to,
                  std::uint8_t type, std::uint8_t code, unsigned quoted) {
    Packet p;
    const bool v4 = to.is_v4();
    const unsigned ip_header = v4 ? 20 : 40;
    const unsigned icmp_length = 8 + quoted;
    std::uint8_t* ip = p.frame.data() + 14;
    store_be16(p.frame.data() + 12, v4 ? 0x0800 : 0x86dd);
    if (v4) {
        ip[0] = 0x45;
        store_be16(ip + 2, static_cast<std::uint16_t>(ip_header + icmp_length));
        ip[8] = 60;
        ip[9] = kProtoIcmp;
        std::memcpy(ip + 12, router.v4_wire(), 4);
        std::memcpy(ip + 16, to.v4_wire(), 4);
        store_be16(ip + 10, checksum_fold(checksum_add(ip, 20, 0)));
    } else {
        ip[0] = 0x60;
        store_be16(ip + 4, static_cast<std::uint16_t>(icmp_length));
        ip[6] = kProtoIcmpv6;
        ip[7] = 60;
        std::memcpy(ip + 8, router.bytes.data(), 16);
        std::memcpy(ip + 24, to.bytes.data(), 16);
    }
    std::uint8_t* icmp = ip + ip_header;
    icmp[0] = type;
    icmp[1] = code;
    store_be16(icmp + 6, 1280);
    std::memcpy(icmp + 8, about.frame.data() + 14, quoted);
    const std::uint16_t sum = v4 ? checksum_fold(checksum_add(icmp, icmp_length, 0))
                                 : transport_checksum(router, to, kProtoIcmpv6, icmp, icmp_length);
    store_be16(icmp + 2, sum);
    p.length = 14 + ip_header + icmp_length;
    EXPECT_TRUE(p.reparse());
    EXPECT_TRUE(checksum_right(p));
    return p;
}

IpAddress router_of(const Rig& rig) {
    return *IpAddress::parse(rig.options.v6 ? "2001:db8:9::1" : "198.51.100.1");
}

Packet too_big(Rig& rig, const Packet& about, const IpAddress& to, unsigned quoted) {
    return rig.options.v6 ? icmp_error(about, router_of(rig), to, 2, 0, quoted)
                          : icmp_error(about, router_of(rig), to, 3, 4, quoted);
}

TEST(SplicerIcmp, TooBigFromUpstreamReachesTheDesktopInItsOwnNumbers) {
    for (const bool v6 : {false, true}) {
        const unsigned ip = v6 ? 40 : 20;
        for (const unsigned quoted : {ip + 8, ip + 12, ip + 20, ip + 60}) {
            Rig rig({.v6 = v6});
            ASSERT_TRUE(rig.splice());
            const std::string data(100, 'd');
            Packet desktops = to_packet(rig.desktop_segment(tcp_ack, rig.c(), rig.s(), data));
            rig.desktop_sends(tcp_ack, rig.c(), rig.s(), data);
            rig.packet.reparse();
            Packet error = too_big(rig, rig.packet, rig.order.source, quoted);
            const auto quote = parse_icmp_quote(error.frame.data(), error.parsed);
            ASSERT_TRUE(quote);
            EXPECT_EQ(quote->kind, IcmpErrorKind::packet_too_big);
            EXPECT_EQ(quote->src_port, rig.held_port);
            const auto a =
                rig.splicer.from_icmp_error(rig.ref, error.frame.data(), error.parsed, rig.now);
            EXPECT_EQ(a.verdict, SpliceVerdict::forward);
            EXPECT_TRUE(checksum_right(error)) << quoted;
            // The quote is now what the desktop itself sent, byte by byte (its checksum too).
            EXPECT_EQ(std::memcmp(error.frame.data() + error.parsed.payload_offset,
                                  desktops.frame.data() + 14, quoted),
                      0)
                << quoted;
        }
    }
}

TEST(SplicerIcmp, TooBigFromTheInsideReachesTheServerInItsNumbers) {
    for (const bool v6 : {false, true}) {
        Rig rig({.v6 = v6});
        ASSERT_TRUE(rig.splice());
        const Packet servers =
            to_packet(rig.server_segment(tcp_ack, rig.s(), rig.iss + 1, std::string(90, 's')));
        rig.server_sends(tcp_ack, rig.s(), rig.iss + 1, std::string(90, 's'));
        const unsigned quoted = v6 ? 100 : 80;
        Packet error = too_big(rig, rig.packet, rig.order.server, quoted);
        EXPECT_EQ(
            rig.splicer.from_icmp_error(rig.ref, error.frame.data(), error.parsed, rig.now).verdict,
            SpliceVerdict::forward);
        EXPECT_TRUE(checksum_right(error));
        EXPECT_EQ(std::memcmp(error.frame.data() + error.parsed.payload_offset,
                              servers.frame.data() + 14, quoted),
                  0);
    }
}

TEST(SplicerIcmp, UnreachableFailsADialAndAHeldOne) {
    for (const bool v6 : {false, true}) {
        for (const bool held : {false, true}) {
            Rig rig({.v6 = v6});
            ASSERT_TRUE(held ? rig.hold() : rig.dial());
            const auto unreachable = [&](const SegmentSpec& about) {
                Packet e = icmp_error(to_packet(about), router_of(rig), rig.order.source,
                                      v6 ? 1 : 3, v6 ? 0 : 1, v6 ? 60 : 28);
                return rig.splicer.from_icmp_error(rig.ref, e.frame.data(), e.parsed, rig.now);
            };
            SegmentSpec forged = rig.syn;
            forged.seq += 100000; // never sent
            EXPECT_EQ(unreachable(forged).verdict, SpliceVerdict::consumed);
            EXPECT_EQ(rig.splicer.in_use(), 1U);
            EXPECT_EQ(unreachable(rig.syn).verdict, SpliceVerdict::consumed);
            EXPECT_EQ(rig.splicer.in_use(), 0U);
            const auto r = rig.last_report();
            EXPECT_EQ(held ? r.close == HeldClose::icmp : r.fail == HeldFailure::icmp, true);
        }
    }
}

TEST(SplicerIcmp, SizeErrorsAndStrangersDoNotTouchAHeldOne) {
    Rig rig;
    ASSERT_TRUE(rig.hold());
    Packet big = too_big(rig, to_packet(rig.syn), rig.order.source, 28);
    EXPECT_EQ(rig.splicer.from_icmp_error(rig.ref, big.frame.data(), big.parsed, rig.now).verdict,
              SpliceVerdict::consumed);
    EXPECT_EQ(rig.splicer.state(rig.ref), HeldState::held);
    SegmentSpec other = rig.syn;
    other.src_port ^= 1;
    Packet stranger = too_big(rig, to_packet(other), rig.order.source, 28);
    EXPECT_EQ(rig.splicer.from_icmp_error(rig.ref, stranger.frame.data(), stranger.parsed, rig.now)
                  .verdict,
              SpliceVerdict::stale);
}

TEST(SplicerIcmp, ShortOrForeignQuotesAreNotRead) {
    Rig rig;
    ASSERT_TRUE(rig.dial());
    const Packet syn = to_packet(rig.syn);
    for (unsigned quoted = 0; quoted < 28; ++quoted) {
        Packet e = too_big(rig, syn, rig.order.source, quoted);
        EXPECT_FALSE(parse_icmp_quote(e.frame.data(), e.parsed)) << quoted;
    }
    Packet echo = icmp_error(syn, router_of(rig), rig.order.source, 8, 0, 40);
    EXPECT_FALSE(parse_icmp_quote(echo.frame.data(), echo.parsed));
    Packet udp = syn;
    udp.frame[14 + 9] = kProtoUdp;
    Packet e = too_big(rig, udp, rig.order.source, 28);
    EXPECT_FALSE(parse_icmp_quote(e.frame.data(), e.parsed));
    EXPECT_FALSE(parse_icmp_quote(syn.frame.data(), syn.parsed));
}

TEST(SplicerIcmp, TimestampsInAQuoteAreTheSendersOwn) {
    for (const bool v6 : {false, true}) {
        Rig rig({.v6 = v6, .timestamps = true});
        ASSERT_TRUE(rig.splice());
        const unsigned quoted = (v6 ? 40U : 20U) + 40;
        const std::string data(100, 'd');
        const Packet desktops = to_packet(rig.desktop_segment(tcp_ack, rig.c(), rig.s(), data));
        rig.desktop_sends(tcp_ack, rig.c(), rig.s(), data);
        Packet up = too_big(rig, rig.packet, rig.order.source, quoted);
        EXPECT_EQ(rig.splicer.from_icmp_error(rig.ref, up.frame.data(), up.parsed, rig.now).verdict,
                  SpliceVerdict::forward);
        EXPECT_TRUE(checksum_right(up));
        EXPECT_EQ(std::memcmp(up.frame.data() + up.parsed.payload_offset,
                              desktops.frame.data() + 14, quoted),
                  0);
        rig.upstream_ts += 1000; // an echo of something that the desktop has sent
        const Packet servers = to_packet(rig.server_segment(tcp_ack, rig.s(), rig.iss + 1, data));
        rig.server_sends(tcp_ack, rig.s(), rig.iss + 1, data);
        Packet down = too_big(rig, rig.packet, rig.order.server, quoted);
        EXPECT_EQ(
            rig.splicer.from_icmp_error(rig.ref, down.frame.data(), down.parsed, rig.now).verdict,
            SpliceVerdict::forward);
        EXPECT_TRUE(checksum_right(down));
        EXPECT_EQ(std::memcmp(down.frame.data() + down.parsed.payload_offset,
                              servers.frame.data() + 14, quoted),
                  0);
    }
}

/// `packet` (IPv6, TCP) with `extensions` before the TCP header.
Packet with_extensions(const Packet& packet, const std::vector<std::uint8_t>& extensions,
                       std::uint8_t first) {
    Packet out = packet;
    std::uint8_t* ip = out.frame.data() + 14;
    std::memcpy(ip + 40 + extensions.size(), packet.frame.data() + 54, packet.length - 54);
    std::memcpy(ip + 40, extensions.data(), extensions.size());
    store_be16(ip + 4, static_cast<std::uint16_t>(load_be16(ip + 4) + extensions.size()));
    ip[6] = first;
    out.length += static_cast<unsigned>(extensions.size());
    return out;
}

TEST(SplicerIcmp, ExtensionHeadersInAQuote) {
    Rig rig({.v6 = true});
    ASSERT_TRUE(rig.splice());
    Packet desktops = to_packet(rig.desktop_segment(tcp_ack, rig.c(), rig.s(), "data"));
    rig.desktop_sends(tcp_ack, rig.c(), rig.s(), "data");
    // Hop-by-hop of 16 bytes, destination options of 8, a first fragment.
    std::vector<std::uint8_t> headers{60, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                      44, 0, 1, 4,  0, 0, 0, 0, 6, 0, 0, 1, 0, 0, 0, 9};
    const Packet about = with_extensions(rig.packet, headers, 0);
    const Packet wanted = with_extensions(desktops, headers, 0);
    const unsigned quoted = 40 + 32 + 20;
    Packet error = too_big(rig, about, rig.order.source, quoted);
    ASSERT_TRUE(parse_icmp_quote(error.frame.data(), error.parsed));
    EXPECT_EQ(
        rig.splicer.from_icmp_error(rig.ref, error.frame.data(), error.parsed, rig.now).verdict,
        SpliceVerdict::forward);
    EXPECT_TRUE(checksum_right(error));
    EXPECT_EQ(std::memcmp(error.frame.data() + error.parsed.payload_offset,
                          wanted.frame.data() + 14, quoted),
              0);
    // Cut anywhere before TCP's ports are whole, it is not read.
    for (unsigned cut = 40; cut < 40 + 32 + 8; ++cut) {
        Packet e = too_big(rig, about, rig.order.source, cut);
        EXPECT_FALSE(parse_icmp_quote(e.frame.data(), e.parsed)) << cut;
    }
    headers[27] = 8; // a later fragment
    Packet later = too_big(rig, with_extensions(rig.packet, headers, 0), rig.order.source, quoted);
    EXPECT_FALSE(parse_icmp_quote(later.frame.data(), later.parsed));
    headers[24] = 50; // something that hides what follows
    headers[27] = 1;
    Packet hidden = too_big(rig, with_extensions(rig.packet, headers, 0), rig.order.source, quoted);
    EXPECT_FALSE(parse_icmp_quote(hidden.frame.data(), hidden.parsed));
}

} // namespace
} // namespace foregate::dataplane
