// SPDX-License-Identifier: BSD-3-Clause
// Fragments go the way of their flow, whatever order they come in; what cannot be told apart from an attack ends here.
#include "packet/gateway_rig.h"

#include <algorithm>

namespace foregate::packet_test {
namespace {

using namespace dataplane;

/// The fragments of an IPv4 packet, `size` bytes of data in each (a multiple of 8).
std::vector<Bytes> cut_v4(const Bytes& ip_packet, std::size_t size, unsigned id = 77) {
    const Bytes data(ip_packet.begin() + 20, ip_packet.end());
    std::vector<Bytes> out;
    for (std::size_t at = 0; at < data.size(); at += size) {
        const std::size_t end = std::min(at + size, data.size());
        Bytes one(ip_packet.begin(), ip_packet.begin() + 20);
        set16(one, 2, static_cast<unsigned>(20 + end - at));
        set16(one, 4, id);
        set16(one, 6, static_cast<unsigned>(at / 8 | (end < data.size() ? 0x2000U : 0U)));
        set16(one, 10, 0);
        set16(one, 10, ones_complement_sum(one));
        one.insert(one.end(), data.begin() + static_cast<std::ptrdiff_t>(at),
                   data.begin() + static_cast<std::ptrdiff_t>(end));
        out.push_back(one);
    }
    return out;
}

/// Likewise of an IPv6 packet without extension headers.
std::vector<Bytes> cut_v6(const Bytes& ip_packet, std::size_t size, std::uint32_t id = 77) {
    const Bytes data(ip_packet.begin() + 40, ip_packet.end());
    std::vector<Bytes> out;
    for (std::size_t at = 0; at < data.size(); at += size) {
        const std::size_t end = std::min(at + size, data.size());
        Bytes one(ip_packet.begin(), ip_packet.begin() + 40);
        set16(one, 4, static_cast<unsigned>(8 + end - at));
        one[6] = 44;
        one.push_back(ip_packet[6]);
        one.push_back(0);
        put16(one, static_cast<unsigned>(at | (end < data.size() ? 1U : 0U)));
        put32(one, id);
        one.insert(one.end(), data.begin() + static_cast<std::ptrdiff_t>(at),
                   data.begin() + static_cast<std::ptrdiff_t>(end));
        out.push_back(one);
    }
    return out;
}

class ParseFragment : public GatewayTest {
protected:
    Bytes framed(const Bytes& ip_packet, Side side = Side::desktop) {
        const IpAddress source = ip_packet[0] >> 4 == 4 ? IpAddress::from_v4_wire(ip_packet.data() + 12)
                                                        : IpAddress::from_v6_wire(ip_packet.data() + 8);
        const Mac from = mac_of(source);
        Bytes out;
        const Mac to = port_mac(side);
        out.insert(out.end(), to.begin(), to.end());
        out.insert(out.end(), from.begin(), from.end());
        put16(out, ip_packet[0] >> 4 == 4 ? 0x0800 : 0x86dd);
        put(out, ip_packet);
        return out;
    }
    void arrive_ip(const Bytes& ip_packet, Side side = Side::desktop) { arrive(side, framed(ip_packet, side)); }
    PacketBuilder question() { return packet().ipv4(kDesktop, kServer).udp(6000, 6001).payload(numbered(4000)); }
    static Bytes numbered(std::size_t size) {
        Bytes out(size);
        for (std::size_t i = 0; i < size; ++i) {
            out[i] = static_cast<std::uint8_t>(i * 7 + i / 256);
        }
        return out;
    }
    /// The data of IPv4 fragments put together by their own offsets.
    static Bytes joined(const std::vector<Frame>& frames) {
        Bytes out;
        for (const Frame& f : frames) {
            const std::size_t at = (f.half(f.parsed.l3_offset + 6U) & 0x1fffU) * 8U;
            const std::size_t from = f.parsed.l3_offset + 20U;
            const std::size_t size = f.parsed.ip_length - 20U;
            out.resize(std::max(out.size(), at + size));
            std::copy_n(f.bytes.begin() + static_cast<std::ptrdiff_t>(from), size,
                        out.begin() + static_cast<std::ptrdiff_t>(at));
        }
        return out;
    }
};

TEST_F(ParseFragment, AllOfAPacketAreOneFlow) {
    const Bytes whole = question().ip_packet();
    for (const Bytes& one : cut_v4(whole, 1480)) {
        arrive_ip(one);
    }
    run();
    const auto out = sent(Side::upstream);
    ASSERT_EQ(out.size(), 3U);
    EXPECT_EQ(joined(out), Bytes(whole.begin() + 20, whole.end()));
    EXPECT_EQ(flows(), 1U);
    const auto seen = view_flows();
    ASSERT_EQ(seen.size(), 1U);
    EXPECT_EQ(seen[0].server_port, 6001);
    EXPECT_EQ(seen[0].packets_up, 3U);
    EXPECT_EQ(drops(), 0U);
}

TEST_F(ParseFragment, EveryOrder) {
    const Bytes whole = question().ip_packet();
    std::vector<std::size_t> order{0, 1, 2};
    unsigned id = 100;
    do {
        const auto parts = cut_v4(whole, 1480, id++);
        for (const std::size_t i : order) {
            arrive_ip(parts[i]);
            run();
        }
        const auto out = sent(Side::upstream);
        ASSERT_EQ(out.size(), 3U);
        EXPECT_EQ(joined(out), Bytes(whole.begin() + 20, whole.end()));
    } while (std::next_permutation(order.begin(), order.end()));
    EXPECT_EQ(flows(), 1U);
    EXPECT_EQ(drops(), 0U);
}

TEST_F(ParseFragment, HeldUntilTheFirstComes) {
    const auto parts = cut_v4(question().ip_packet(), 8, 5); // 501 of them, more than a burst of those that may be held
    for (std::size_t i = 1; i <= 64; ++i) {
        arrive_ip(parts[i]);
    }
    run();
    EXPECT_TRUE(nothing_left());
    EXPECT_EQ(flows(), 0U);
    arrive_ip(parts[0]);
    run();
    const auto out = sent(Side::upstream);
    ASSERT_EQ(out.size(), 65U);
    EXPECT_FALSE(out[0].parsed.later_fragment) << "the first one leads";
    for (std::size_t i = 1; i <= 64; ++i) {
        EXPECT_EQ(out[i].half(14 + 6) & 0x1fffU, i) << "the others in the order they came";
    }
    EXPECT_EQ(drops(), 0U);
}

TEST_F(ParseFragment, V6) {
    const Bytes whole = packet().ipv6(kDesktop6, kServer6).udp(6000, 6001).payload(numbered(3000)).ip_packet();
    auto parts = cut_v6(whole, 1448);
    std::reverse(parts.begin(), parts.end());
    for (const Bytes& one : parts) {
        arrive_ip(one);
    }
    run();
    EXPECT_EQ(sent(Side::upstream).size(), 3U);
    const auto seen = view_flows();
    ASSERT_EQ(seen.size(), 1U);
    EXPECT_EQ(seen[0].server_port, 6001);
    EXPECT_EQ(seen[0].packets_up, 3U);
    EXPECT_EQ(drops(), 0U);
}

TEST_F(ParseFragment, AnEchoInFragments) {
    const Bytes ping = packet().ipv4(kDesktop, kServer).icmp(8, 0, 0x00070001).payload(numbered(3000)).ip_packet();
    const auto parts = cut_v4(ping, 1480);
    arrive_ip(parts[1]);
    arrive_ip(parts[0]);
    arrive_ip(parts[2]);
    run();
    EXPECT_EQ(sent(Side::upstream).size(), 3U);
    EXPECT_EQ(flows(), 1U);
}

TEST_F(ParseFragment, OfABlockedFlowAreBlocked) {
    tables.threats = {listed_prefix("203.0.113.0/24")};
    publish();
    const auto parts = cut_v4(packet().ipv4(kDesktop, kFarServer).udp(6000, 6001).payload(numbered(4000)).ip_packet(), 1480);
    arrive_ip(parts[2]);
    arrive_ip(parts[0]);
    arrive_ip(parts[1]);
    run();
    EXPECT_TRUE(nothing_left());
    EXPECT_EQ(count(DropReason::threat_address), 1U);
    EXPECT_EQ(count(DropReason::blocked_flow), 2U);
}

TEST_F(ParseFragment, NoNameIsReadOutOfThem) {
    // The data of a later fragment that looks like a question for a listed name.
    tables.threats = {listed_name("bad.example")};
    publish();
    Bytes data = numbered(1480 - 8);
    put(data, dns_query(1, "bad.example"));
    const auto parts = cut_v4(packet().ipv4(kDesktop, kResolver).udp(5000, 53).payload(data).ip_packet(), 1480);
    ASSERT_EQ(parts.size(), 2U);
    for (const Bytes& one : parts) {
        arrive_ip(one);
    }
    run();
    EXPECT_EQ(sent(Side::upstream).size(), 2U);
    EXPECT_EQ(drops(), 0U);
}

TEST_F(ParseFragment, WithoutAFirstOneTimeIsUp) {
    const auto parts = cut_v4(question().ip_packet(), 1480);
    arrive_ip(parts[1]);
    arrive_ip(parts[2]);
    run();
    pass(1 * kSecond);
    EXPECT_EQ(drops(), 0U);
    pass(2 * kSecond);
    EXPECT_EQ(count(DropReason::fragment_timeout), 2U);
    arrive_ip(parts[0]);
    run();
    EXPECT_EQ(sent(Side::upstream).size(), 1U);
    EXPECT_EQ(drops(), 2U);
}

TEST_F(ParseFragment, OverlapsSpoilThePacket) {
    auto parts = cut_v4(question().ip_packet(), 1480);
    const auto shifted = cut_v4(question().ip_packet(), 1472); // the second begins 8 bytes earlier
    arrive_ip(parts[2]);                                       // held
    arrive_ip(parts[0]);
    run();
    EXPECT_EQ(sent(Side::upstream).size(), 2U);
    arrive_ip(shifted[1]);
    arrive_ip(parts[1]);
    run();
    EXPECT_EQ(count(DropReason::overlapping_fragment), 2U);
    EXPECT_TRUE(nothing_left());
}

TEST_F(ParseFragment, ASecondFirstOneCannotRewriteTheHeader) {
    // The classic: an innocent first fragment, then one with other ports over it.
    arrive_ip(cut_v4(packet().ipv4(kDesktop, kServer).udp(6000, 80).payload(numbered(64)).ip_packet(), 24, 9)[0]);
    arrive_ip(cut_v4(packet().ipv4(kDesktop, kServer).udp(6000, 22).payload(numbered(64)).ip_packet(), 24, 9)[0]);
    run();
    const auto out = sent(Side::upstream);
    ASSERT_EQ(out.size(), 1U);
    EXPECT_EQ(out[0].dst_port(), 80U);
    EXPECT_EQ(count(DropReason::overlapping_fragment), 1U);
}

TEST_F(ParseFragment, TinyOnes) {
    const Bytes tcp = packet().ipv4(kDesktop, kServer).tcp(1, 2).syn().payload(numbered(64)).ip_packet();
    for (const Bytes& one : cut_v4(tcp, 8)) {
        arrive_ip(one);
    }
    run();
    EXPECT_EQ(count(DropReason::tiny_fragment), 2U) << "the first, and the one that would carry the flags";
    EXPECT_TRUE(nothing_left()) << "the rest is held for a first one that never comes";
    pass(3 * kSecond);
    EXPECT_EQ(count(DropReason::fragment_timeout), 9U);
    EXPECT_EQ(flows(), 0U);
}

TEST_F(ParseFragment, ForgedSourcesTakeNoRoom) {
    const auto foreign = cut_v4(packet().ipv4("10.99.0.1", kServer).udp(1, 2).payload(numbered(64)).ip_packet(), 16);
    arrive_ip(foreign[1]);
    const auto inside = cut_v4(packet().ipv4(kTwinDesktop, kDesktop).udp(1, 2).payload(numbered(64)).ip_packet(), 16);
    arrive_ip(inside[1], Side::upstream);
    run();
    EXPECT_EQ(count(DropReason::unknown_desktop), 1U);
    EXPECT_EQ(count(DropReason::spoofed_source), 1U);
    EXPECT_EQ(drops(), 2U);
}

TEST_F(ParseFragment, OneDesktopsFloodLeavesRoomForOthers) {
    for (unsigned id = 0; id < 400; ++id) {
        arrive_ip(cut_v4(question().ip_packet(), 1480, id)[0]);
        run();
    }
    EXPECT_EQ(sent(Side::upstream).size(), 256U);
    EXPECT_EQ(count(DropReason::fragment_table_full), 144U);
    for (const Bytes& one : cut_v4(packet().ipv4(kTwinDesktop, kServer).udp(1, 2).payload(numbered(3000)).ip_packet(), 1480)) {
        arrive_ip(one);
    }
    run();
    EXPECT_EQ(sent(Side::upstream).size(), 3U);
    pass(3 * kSecond);
    arrive_ip(cut_v4(question().ip_packet(), 1480, 999)[0]);
    run();
    EXPECT_EQ(sent(Side::upstream).size(), 1U) << "and its own room comes back";
}

TEST_F(ParseFragment, ForTheGatewayItselfTheKernelPutsThemTogether) {
    for (const Bytes& one : cut_v4(packet().ipv4(kDesktop, kOwnAddress).icmp(8, 0, 1).payload(numbered(3000)).ip_packet(), 1480)) {
        arrive_ip(one);
    }
    run();
    EXPECT_EQ(to_kernel(Side::desktop).size(), 3U);
    EXPECT_EQ(drops(), 0U);
}


class ParseFragmentTwoWorkers : public GatewayTest {
protected:
    ParseFragmentTwoWorkers() : GatewayTest(2) {}
};

TEST_F(ParseFragmentTwoWorkers, MeetOnOneWhereverTheyArrive) {
    const Bytes whole = packet().ipv4(kDesktop, kServer).udp(6000, 6001).payload_of_size(3000).ip_packet();
    unsigned queue = 0;
    auto parts = cut_v4(whole, 1480);
    std::reverse(parts.begin(), parts.end());
    for (const Bytes& one : parts) {
        Bytes frame;
        const Mac to = port_mac(Side::desktop);
        const Mac from = mac_of(kDesktop);
        frame.insert(frame.end(), to.begin(), to.end());
        frame.insert(frame.end(), from.begin(), from.end());
        put16(frame, 0x0800);
        put(frame, one);
        arrive(Side::desktop, frame, queue);
        queue = 1 - queue;
    }
    run();
    EXPECT_EQ(sent(Side::upstream).size(), 3U);
    EXPECT_EQ(flows(), 1U);
    EXPECT_EQ(drops(), 0U);
}

} // namespace
} // namespace foregate::packet_test
