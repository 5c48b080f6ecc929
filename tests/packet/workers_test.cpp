// SPDX-License-Identifier: BSD-3-Clause
// Several workers, and the primaries' transparent pair.
#include "dataplane/packet/toeplitz.h"
#include "packet/gateway_rig.h"

#include <map>

namespace foregate::packet_test {
namespace {

using namespace dataplane;

class PacketTwoWorkers : public GatewayTest {
protected:
    PacketTwoWorkers() : GatewayTest(2) {}
    /// A server whose flows with the desktop are this worker's.
    std::string server_of(unsigned owned_by, const std::string& desktop = kDesktop) {
        for (unsigned i = 1; i < 255; ++i) {
            const std::string server = "203.0.113." + std::to_string(i);
            if (owner(desktop, server) == owned_by) {
                return server;
            }
        }
        ADD_FAILURE() << "no such server";
        return kFarServer;
    }
    std::uint64_t count_of(unsigned w, Counter c) { return worker(w).counters().read(c); }
};

TEST_F(PacketTwoWorkers, APacketGoesToItsOwnerAndIsCounted) {
    for (const unsigned owned_by : {0U, 1U}) {
        const std::string server = server_of(owned_by);
        for (const unsigned queue : {0U, 1U}) {
            const auto redirected = count(Counter::redirected);
            arrive(Side::desktop, packet().ipv4(kDesktop, server).tcp(40000, 443).syn(), queue);
            run();
            EXPECT_EQ(only(Side::upstream).dst(), server);
            EXPECT_EQ(count(Counter::redirected) - redirected, queue == owned_by ? 0U : 1U);
            arrive(Side::upstream, packet().ipv4(server, kDesktop).tcp(443, 40000).syn().ack(1),
                   queue);
            run();
            EXPECT_EQ(only(Side::desktop).src(), server);
        }
        EXPECT_EQ(count_of(owned_by, Counter::flows_created), 1U);
        EXPECT_EQ(worker(owned_by).flow_count(), 1U);
    }
    EXPECT_EQ(count(Counter::redirected), 4U);
    EXPECT_EQ(count(Counter::received), 8U) << "a redirected packet is received once";
    EXPECT_EQ(drops(), 0U);
}

TEST_F(PacketTwoWorkers, WhatIsTheKernelsIsNotRedirected) {
    for (const unsigned queue : {0U, 1U}) {
        arrive(Side::desktop, packet().ipv4(kDesktop, kOwnAddress).icmp(8, 0, 1), queue);
    }
    run();
    EXPECT_EQ(to_kernel(Side::desktop).size(), 2U);
    EXPECT_EQ(count(Counter::redirected), 0U);
}

TEST_F(PacketTwoWorkers, AFullRingToTheOwnerDropsAndCounts) {
    const std::string server = server_of(1);
    for (int i = 0; i < 300; ++i) {
        arrive(Side::desktop, packet().ipv4(kDesktop, server).udp(40000, 9).payload("x"), 0);
    }
    while (worker(0).poll(now_ns)) { // the other worker is busy elsewhere
    }
    EXPECT_EQ(count(DropReason::redirect_full), 300U - 255U);
    run();
    EXPECT_EQ(sent(Side::upstream).size(), 255U);
}

TEST_F(PacketTwoWorkers, HeldConnectionOfTheOtherWorker) {
    const std::string server = server_of(1);
    OpenHeld o;
    o.id = 1;
    o.desktop = 1;
    o.usage_class = 1;
    o.source = address(kDesktop);
    o.server = address(server);
    o.port = 5432;
    o.keepalive_ns = 0;
    ASSERT_TRUE(order(o, 1));
    run();
    const Frame syn = only(Side::upstream);
    arrive(Side::upstream,
           packet()
               .ipv4(server, kDesktop)
               .tcp(5432, syn.src_port())
               .syn()
               .seq(9)
               .ack(syn.seq() + 1)
               .options(mss(1460).nop().ws(7).nop().nop().sack()),
           0);
    run();
    EXPECT_EQ(only(Side::upstream).ack(), 10U);
    arrive(Side::desktop,
           packet()
               .ipv4(kDesktop, server)
               .tcp(50000, 5432)
               .syn()
               .seq(5)
               .options(mss(1460).nop().ws(8).nop().nop().sack()),
           0);
    run();
    EXPECT_EQ(only(Side::desktop).ack(), 6U);
    arrive(Side::desktop, packet().ipv4(kDesktop, server).tcp(50000, 5432).seq(6).ack(10), 0);
    run();
    EXPECT_EQ(only(Side::upstream).src_port(), syn.src_port());
    // An ICMP error follows the flow it speaks of, whoever sent it.
    const Bytes quoted = packet()
                             .ipv4(kDesktop, server)
                             .tcp(syn.src_port(), 5432)
                             .seq(syn.seq() + 1)
                             .ack(10)
                             .ip_packet();
    arrive(Side::upstream,
           packet()
               .ipv4(kRouter, kDesktop)
               .icmp(3, 4, 1300)
               .payload(Bytes(quoted.begin(), quoted.begin() + 28)),
           0);
    run();
    const Bytes inside = only(Side::desktop).payload();
    EXPECT_EQ(inside[20] * 256U + inside[21], 50000U);
    EXPECT_EQ(count_of(1, Counter::splices), 1U);
}

TEST_F(PacketTwoWorkers, EachWorkerMatchesNamesWithItsOwnMemory) {
    tables.threats = {listed_name("evil.example")};
    publish();
    for (const unsigned owned_by : {0U, 1U}) {
        send(Side::desktop, packet()
                                .ipv4(kDesktop, server_of(owned_by))
                                .udp(5353, 53)
                                .payload(dns_query(1, "evil.example")));
        EXPECT_EQ(only(Side::desktop).payload()[3] & 0x0f, 3);
    }
    EXPECT_EQ(reports<ThreatMatched>().size(), 2U);
}

// --- the spread ---

class PacketFourWorkers : public GatewayTest {
protected:
    explicit PacketFourWorkers(bool owned_by_interface = false)
        : GatewayTest(4, owned_by_interface) {}
    std::uint64_t count_of(unsigned w, Counter c) { return worker(w).counters().read(c); }
    static std::string server(unsigned i) { return "203.0.113." + std::to_string(1 + i); }
};

TEST_F(PacketFourWorkers, ABurstOfOneQueueIsSpreadInOrderAndCountedOnBothSides) {
    constexpr unsigned kServers = 64;
    constexpr unsigned kEach = 3;
    std::array<unsigned, 4> owned{};
    for (std::uint32_t n = 0; n < kEach; ++n) {
        for (unsigned i = 0; i < kServers; ++i) {
            arrive(Side::desktop,
                   packet().ipv4(kDesktop, server(i)).udp(40000, 9).payload(std::to_string(n)), 2);
        }
    }
    run();
    for (unsigned i = 0; i < kServers; ++i) {
        ++owned[owner(kDesktop, server(i))];
    }
    std::map<std::string, std::string> seen;
    for (const Frame& frame : sent(Side::upstream)) {
        const Bytes text = frame.payload();
        seen[frame.dst()] += std::string(text.begin(), text.end());
    }
    ASSERT_EQ(seen.size(), kServers);
    for (const auto& [to, order_of] : seen) {
        EXPECT_EQ(order_of, "012") << to;
    }
    for (unsigned w = 0; w < 4; ++w) {
        EXPECT_GT(owned[w], 0U);
        EXPECT_EQ(worker(w).flow_count(), owned[w]);
        EXPECT_EQ(count_of(w, Counter::received), w == 2 ? kServers * kEach : 0U);
        EXPECT_EQ(count_of(w, Counter::redirected_in), w == 2 ? 0U : owned[w] * kEach);
        EXPECT_EQ(count_of(w, Counter::redirected), w == 2 ? (kServers - owned[2]) * kEach : 0U);
    }
    EXPECT_EQ(drops(), 0U);
}

TEST_F(PacketFourWorkers, BothDirectionsOfIpv6MeetOnOneWorker) {
    for (unsigned queue = 0; queue < 4; ++queue) {
        const auto port = static_cast<std::uint16_t>(40000 + queue);
        arrive(Side::desktop, packet().ipv6(kDesktop6, kServer6).tcp(port, 443).syn(), queue);
        run();
        EXPECT_EQ(only(Side::upstream).dst(), kServer6);
        arrive(Side::upstream, packet().ipv6(kServer6, kDesktop6).tcp(443, port).syn().ack(1),
               3 - queue);
        run();
        EXPECT_EQ(only(Side::desktop).src(), kServer6);
    }
    EXPECT_EQ(worker(owner(kDesktop6, kServer6)).flow_count(), 4U);
    EXPECT_EQ(flows(), 4U);
}

class PacketInterfaceSpread : public PacketFourWorkers {
protected:
    PacketInterfaceSpread() : PacketFourWorkers(true) {}
    /// The queue that an interface with the symmetric key and our redirection table chooses,
    /// by the book: key, input and table in full.
    static unsigned queue_of(const std::string& source, const std::string& destination) {
        std::array<std::uint8_t, 40> key{};
        SymmetricToeplitz::fill_key(key);
        const IpAddress from = address(source);
        const IpAddress to = address(destination);
        const std::size_t skip = from.is_v4() ? 12 : 0;
        std::vector<std::uint8_t> input(from.bytes.begin() + static_cast<std::ptrdiff_t>(skip),
                                        from.bytes.end());
        input.insert(input.end(), to.bytes.begin() + static_cast<std::ptrdiff_t>(skip),
                     to.bytes.end());
        constexpr unsigned kEntries = 512;
        std::array<unsigned, kEntries> table{};
        for (unsigned i = 0; i < kEntries; ++i) {
            table[i] = i % OwnerRule::kBuckets % 4;
        }
        return table[toeplitz_hash(key, input) % kEntries];
    }
};

TEST_F(PacketInterfaceSpread, WhatTheInterfaceChoseStaysThere) {
    constexpr unsigned kServers = 64;
    for (unsigned i = 0; i < kServers; ++i) {
        ASSERT_EQ(queue_of(kDesktop, server(i)), queue_of(server(i), kDesktop));
        ASSERT_EQ(queue_of(kDesktop, server(i)), owner(kDesktop, server(i)));
        arrive(Side::desktop, packet().ipv4(kDesktop, server(i)).tcp(40000, 443).syn(),
               queue_of(kDesktop, server(i)));
    }
    run();
    EXPECT_EQ(sent(Side::upstream).size(), kServers);
    for (unsigned i = 0; i < kServers; ++i) {
        arrive(Side::upstream, packet().ipv4(server(i), kDesktop).tcp(443, 40000).syn().ack(1),
               queue_of(server(i), kDesktop));
    }
    arrive(Side::desktop, packet().ipv6(kDesktop6, kServer6).tcp(40000, 443).syn(),
           queue_of(kDesktop6, kServer6));
    run();
    EXPECT_EQ(sent(Side::desktop).size(), kServers);
    EXPECT_EQ(flows(), kServers + 1);
    for (unsigned w = 0; w < 4; ++w) {
        EXPECT_GT(count_of(w, Counter::received), 0U) << "worker " << w << " got nothing";
    }
    EXPECT_EQ(count(Counter::redirected), 0U);
    EXPECT_EQ(drops(), 0U);
}

TEST_F(PacketInterfaceSpread, APortWithOneQueueIsSpreadByTheSameRule) {
    constexpr unsigned kServers = 64;
    unsigned elsewhere = 0;
    for (unsigned i = 0; i < kServers; ++i) {
        elsewhere += owner(kDesktop, server(i)) != 0 ? 1 : 0;
        arrive(Side::desktop, packet().ipv4(kDesktop, server(i)).tcp(40000, 443).syn(), 0);
    }
    run();
    for (unsigned i = 0; i < kServers; ++i) { // the other port's interface chooses
        arrive(Side::upstream, packet().ipv4(server(i), kDesktop).tcp(443, 40000).syn().ack(1),
               queue_of(server(i), kDesktop));
    }
    run();
    EXPECT_EQ(sent(Side::upstream).size(), kServers);
    EXPECT_EQ(sent(Side::desktop).size(), kServers);
    EXPECT_EQ(flows(), kServers);
    EXPECT_EQ(count(Counter::redirected), elsewhere);
    EXPECT_EQ(count(Counter::redirected_in), elsewhere);
}

// --- the primaries ---

class PacketPrimary : public GatewayTest {};

TEST_F(PacketPrimary, EveryFramePassesUntouchedBothWays) {
    const Mac a{0x02, 1, 2, 3, 4, 5};
    const Mac b{0x02, 6, 7, 8, 9, 10};
    const std::vector<Bytes> frames{
        packet()
            .eth(a, b)
            .ipv4("172.16.0.1", "172.16.0.2")
            .tcp(50000, 4172)
            .ttl(1)
            .payload("screen")
            .build(),
        packet().eth(a, b).ethertype(0x88cc).payload("LLDP, say").build(),
        packet()
            .eth({0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, b)
            .ethertype(0x0806)
            .payload_of_size(46)
            .build(),
        packet().eth(a, b).ethertype(0x8100).payload_of_size(50).build(),
        packet().eth(a, b).ethertype(0x0800).payload("not IP at all").build(),
    };
    for (const Bytes& frame : frames) {
        send(Side::primary_desktop, frame);
        auto out = sent(Side::primary_client);
        ASSERT_EQ(out.size(), 1U);
        EXPECT_EQ(out[0].bytes, frame);
        send(Side::primary_client, frame);
        out = sent(Side::primary_desktop);
        ASSERT_EQ(out.size(), 1U);
        EXPECT_EQ(out[0].bytes, frame);
    }
    EXPECT_EQ(count(Counter::primary_forwarded), 2 * frames.size());
    EXPECT_EQ(count(Counter::received), 0U);
    EXPECT_EQ(drops(), 0U);
    EXPECT_TRUE(nothing_left());
}

TEST_F(PacketPrimary, PolicyNeverTouchesIt) {
    tables.threats = {listed_prefix("0.0.0.0/0"), listed_name("evil.example")};
    for (auto& [prefix, record] : tables.desktops) {
        record.state = SecondaryState::cut;
    }
    publish();
    const Mac a{0x02, 1, 2, 3, 4, 5};
    const Bytes frame = packet()
                            .eth(a, a)
                            .ipv4(kDesktop, kServer)
                            .udp(5000, 53)
                            .payload(dns_query(1, "evil.example"))
                            .build();
    send(Side::primary_desktop, frame);
    const auto out = sent(Side::primary_client);
    ASSERT_EQ(out.size(), 1U);
    EXPECT_EQ(out[0].bytes, frame);
    EXPECT_EQ(reports<ThreatMatched>().size(), 0U);
}

TEST_F(PacketPrimary, ComesBeforeTheSecondariesInEachTurn) {
    for (int i = 0; i < 32; ++i) {
        arrive(Side::desktop, packet().ipv4(kDesktop, kServer).udp(40000, 9).payload("x"));
    }
    arrive(Side::primary_desktop,
           packet().eth({2}, {2}).ethertype(0x0800).payload("screen").build());
    worker().poll(now_ns); // one turn
    EXPECT_EQ(sent(Side::primary_client).size(), 1U);
    run();
    EXPECT_EQ(sent(Side::upstream).size(), 32U);
}

TEST_F(PacketPrimary, AFullPortDropsAndCountsButDoesNotHang) {
    for (int i = 0; i < 1023; ++i) { // as many as the wire's ring takes
        arrive(Side::primary_desktop,
               packet().eth({2}, {2}).ethertype(0x0800).payload("screen").build());
    }
    run();
    arrive(Side::primary_desktop,
           packet().eth({2}, {2}).ethertype(0x0800).payload("one more").build());
    run();
    EXPECT_EQ(count(Counter::primary_forwarded), 1023U);
    EXPECT_EQ(count(DropReason::transmit_failed), 1U);
    EXPECT_EQ(sent(Side::primary_client).size(), 1023U);
}

} // namespace
} // namespace foregate::packet_test
