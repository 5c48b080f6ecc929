// SPDX-License-Identifier: BSD-3-Clause
// Looking into the data plane: traces tell each stage's outcome, `flow explain` changes nothing, captures take what passes.
#include "packet/gateway_rig.h"
#include "packet/ring_ports.h"

#include "dataplane/watch/capture_point.h"

#include <algorithm>
#include <cstring>
#include <rte_mempool.h>
#include <tuple>

namespace foregate::packet_test {
namespace {

using namespace dataplane;

const StageNote& note_of(const TracedPacket& packet, Stage stage) {
    for (unsigned i = 0; i < packet.stage_count; ++i) {
        if (packet.stages[i].stage == stage) {
            return packet.stages[i];
        }
    }
    throw std::runtime_error("a stage is missing");
}

bool moved(const StageNote& note, Counter counter) {
    return std::any_of(note.changes.begin(), note.changes.begin() + note.change_count, [counter](const CounterChange& c) {
        return !c.is_drop && c.number == static_cast<std::uint8_t>(counter);
    });
}

bool moved(const StageNote& note, DropReason reason) {
    return std::any_of(note.changes.begin(), note.changes.begin() + note.change_count, [reason](const CounterChange& c) {
        return c.is_drop && c.number == static_cast<std::uint8_t>(reason);
    });
}

PacketBuilder desktop_syn(unsigned port = 443, const std::string& from = kDesktop) {
    return packet().ipv4(from, kServer).tcp(40000, port).syn().seq(100).options(mss(1460));
}

class PacketTrace : public GatewayTest {
protected:
    void trace(int count, const std::string& filter = "") {
        left = std::make_shared<std::atomic<int>>(count);
        job = std::make_unique<TraceJob>(std::make_shared<const PacketFilter>(filter), left, 64);
        ASSERT_TRUE(order(StartTrace{job.get()}));
        run();
    }
    std::vector<TracedPacket> taken() {
        std::vector<TracedPacket> out;
        TracedPacket packet;
        while (job->packets.take(packet)) {
            out.push_back(packet);
        }
        return out;
    }
    TracedPacket only_traced() {
        const auto all = taken();
        EXPECT_EQ(all.size(), 1U);
        return all.empty() ? TracedPacket{} : all[0];
    }
    void TearDown() override {
        if (job) {
            EXPECT_FALSE(job->released.load());
            EXPECT_TRUE(order(StopTrace{}));
            run();
            EXPECT_TRUE(job->released.load());
        }
        GatewayTest::TearDown();
    }
    std::shared_ptr<std::atomic<int>> left;
    std::unique_ptr<TraceJob> job;
};

TEST_F(PacketTrace, AForwardedPacketPassesEveryStage) {
    trace(10);
    send(Side::desktop, desktop_syn());
    EXPECT_EQ(only(Side::upstream).dst_port(), 443U) << "a traced packet goes its way";
    const TracedPacket traced = only_traced();
    ASSERT_EQ(traced.stage_count, kStages);
    EXPECT_EQ(traced.time_ns, now_ns);
    EXPECT_EQ(traced.port, 0);
    EXPECT_EQ(traced.parsed.dst.to_string(), kServer);
    EXPECT_EQ(traced.parsed.dst_port, 443);
    EXPECT_FALSE(note_of(traced, Stage::ingress).has_flow);
    const StageNote& flow = note_of(traced, Stage::flow);
    EXPECT_TRUE(flow.has_flow && flow.new_flow && flow.from_desktop && flow.has_desktop);
    EXPECT_EQ(flow.desktop, 1U);
    EXPECT_EQ(flow.usage_class, 1);
    EXPECT_TRUE(moved(flow, Counter::flows_created));
    EXPECT_EQ(note_of(traced, Stage::verdict).verdict, FlowVerdict::undecided);
    const StageNote& egress = note_of(traced, Stage::egress);
    EXPECT_EQ(egress.fate, TraceFate::pending);
    EXPECT_TRUE(moved(egress, Counter::forwarded));
    EXPECT_EQ(egress.next.port, 1);
    EXPECT_EQ(egress.next.mac, mac_of(kServer));

    send(Side::upstream, packet().ipv4(kServer, kDesktop).tcp(443, 40000).syn().seq(5).ack(101));
    const TracedPacket answer = only_traced();
    EXPECT_FALSE(note_of(answer, Stage::flow).new_flow);
    EXPECT_FALSE(note_of(answer, Stage::flow).from_desktop);
    EXPECT_EQ(note_of(answer, Stage::egress).next.port, 0);
    EXPECT_EQ(sent(Side::desktop).size(), 1U);
}

TEST_F(PacketTrace, ADropIsShownWhereItHappened) {
    trace(10);
    send(Side::desktop, desktop_syn(443, "192.168.7.7"));
    const TracedPacket traced = only_traced();
    EXPECT_EQ(note_of(traced, Stage::ingress).fate, TraceFate::pending);
    EXPECT_EQ(note_of(traced, Stage::flow).fate, TraceFate::dropped);
    EXPECT_EQ(note_of(traced, Stage::flow).reason, DropReason::unknown_desktop);
    EXPECT_FALSE(note_of(traced, Stage::flow).has_flow);
    EXPECT_TRUE(moved(note_of(traced, Stage::egress), DropReason::unknown_desktop)) << "counted where it ends";
    EXPECT_TRUE(nothing_left());
}

TEST_F(PacketTrace, AVerdictIsShownWithWhatItSetOff) {
    tables.threats = {listed_prefix("10.20.0.64/27")};
    publish();
    trace(10);
    send(Side::desktop, desktop_syn());
    const TracedPacket traced = only_traced();
    const StageNote& verdict = note_of(traced, Stage::verdict);
    EXPECT_EQ(verdict.fate, TraceFate::dropped);
    EXPECT_EQ(verdict.reason, DropReason::threat_address);
    EXPECT_EQ(verdict.verdict, FlowVerdict::block);
    EXPECT_EQ(verdict.blocked_for, DropReason::threat_address);
    EXPECT_TRUE(moved(verdict, Counter::threat_matches));
    EXPECT_TRUE(moved(verdict, Counter::resets_sent));
    EXPECT_EQ(sent(Side::desktop).size(), 1U); // the reset
}

TEST_F(PacketTrace, WhatIsTheKernelsSaysSo) {
    trace(10);
    send(Side::desktop, packet().ipv4(kDesktop, kOwnAddress).icmp(8, 0, 7));
    send(Side::desktop, packet().eth(port_mac(Side::desktop), mac_of(kDesktop)).ethertype(0x0806).payload_of_size(46));
    const auto all = taken();
    ASSERT_EQ(all.size(), 2U);
    for (const TracedPacket& traced : all) {
        EXPECT_TRUE(moved(note_of(traced, Stage::egress), Counter::to_kernel));
        EXPECT_EQ(note_of(traced, Stage::egress).fate, TraceFate::kernel);
    }
    EXPECT_EQ(all[0].parsed.ip_version, 4);
    EXPECT_EQ(to_kernel(Side::desktop).size(), 2U);
}

TEST_F(PacketTrace, OnlyAsManyAsAskedForAndOnlyThoseThatMatch) {
    trace(2, "tcp dst port 81");
    std::uint32_t number = 0;
    for (const unsigned port : {80U, 81U, 82U, 81U, 81U, 83U}) {
        arrive(Side::desktop, desktop_syn(port).seq(number++));
    }
    run();
    const auto all = taken();
    ASSERT_EQ(all.size(), 2U);
    EXPECT_TRUE(note_of(all[0], Stage::flow).new_flow);
    EXPECT_FALSE(note_of(all[1], Stage::flow).new_flow) << "the second SYN of one flow";
    EXPECT_EQ(all[0].parsed.dst_port, 81);
    std::vector<std::uint32_t> of_the_flow;
    const auto left_all = sent(Side::upstream);
    for (const Frame& frame : left_all) {
        if (frame.dst_port() == 81) {
            of_the_flow.push_back(frame.seq());
        }
    }
    EXPECT_EQ(left_all.size(), 6U) << "nothing is lost";
    EXPECT_EQ(of_the_flow, (std::vector<std::uint32_t>{1, 3, 4})) << "nothing of a flow is reordered";
    EXPECT_LE(left->load(), 0);
}

TEST_F(PacketTrace, AFlowCanBeLookedUp) {
    send(Side::desktop, desktop_syn());
    (void)sent(Side::upstream);
    FlowLookup found;
    ASSERT_TRUE(order(LookUpFlow{&found, address(kDesktop), address(kServer), 40000, 443, kProtoTcp, 1}));
    run();
    ASSERT_TRUE(found.done.load());
    EXPECT_TRUE(found.found);
    EXPECT_EQ(found.view.desktop, 1U);
    EXPECT_EQ(found.view.packets_up, 1U);
    FlowLookup other;
    ASSERT_TRUE(order(LookUpFlow{&other, address(kDesktop), address(kServer), 40001, 443, kProtoTcp, 1}));
    run();
    ASSERT_TRUE(other.done.load());
    EXPECT_FALSE(other.found);
}

TEST_F(PacketTrace, BurstsAndCyclesAreCounted) {
    for (unsigned i = 0; i < 4 * kMeasuredEvery; ++i) {
        send(Side::desktop, desktop_syn(1000 + i));
    }
    (void)sent(Side::upstream);
    EXPECT_EQ(count(Counter::bursts), 4 * kMeasuredEvery);
    const StageSums sums = worker().stage_sums();
    EXPECT_EQ(sums.bursts, 4U);
    EXPECT_EQ(sums.packets, 4U);
    for (std::size_t stage = 0; stage < kStages; ++stage) {
        EXPECT_GT(sums.cycles[stage], 0U) << kStageNames[stage].name;
    }
}

class PacketExplain : public GatewayTest {
protected:
    static RehearsalOrder order_for(std::uint16_t port = 443, const std::string& name = "",
                                    std::uint8_t protocol = kProtoTcp) {
        RehearsalOrder order;
        order.source = address(kDesktop);
        order.destination = address(kServer);
        order.source_port = 50000;
        order.destination_port = port;
        order.protocol = protocol;
        order.name = name;
        order.desktop = 1;
        order.syn.mss = 1460;
        return order;
    }
    static const TracedPacket& last(const RehearsalResult& result) { return result.packets.back().trace; }
    static TraceFate fate(const RehearsalResult& result) {
        return note_of(last(result), Stage::egress).fate;
    }
    template <typename T>
    static std::vector<T> reports_in(const RehearsalResult& result) {
        std::vector<T> out;
        for (const Report& report : result.reports) {
            if (const T* one = std::get_if<T>(&report)) {
                out.push_back(*one);
            }
        }
        return out;
    }
};

TEST_F(PacketExplain, ANewConnectionWithItsRouteAndQueue) {
    tables.plan[{address(kServer), 443, 1}] = AllotmentRef{7, 8};
    publish();
    run();
    const RehearsalResult result = rehearse(order_for());
    ASSERT_EQ(result.packets.size(), 1U);
    EXPECT_EQ(result.packets[0].what, "SYN");
    EXPECT_EQ(fate(result), TraceFate::pending);
    EXPECT_EQ(note_of(last(result), Stage::flow).desktop, 1U);
    ASSERT_EQ(result.packets[0].departures.size(), 1U);
    const Departure& left = result.packets[0].departures[0];
    EXPECT_EQ(left.way, Departure::Way::port);
    EXPECT_EQ(left.port, 1);
    EXPECT_EQ(left.next_hop, mac_of(kServer));
    EXPECT_EQ(left.pipe, 1U);
    EXPECT_EQ(left.allotment, 7);
    EXPECT_EQ(left.traffic_class, TrafficClass::allotted);
    EXPECT_FALSE(left.towards_source);
    EXPECT_FALSE(result.held.has_value());
}

TEST_F(PacketExplain, NothingOfTheGatewayChanges) {
    tables.threats = {listed_name("bad.example"), listed_prefix("10.20.0.99/32")};
    publish();
    send(Side::desktop, desktop_syn());
    (void)sent(Side::upstream);
    (void)reports<SynLearned>();
    const unsigned buffers = rte_mempool_avail_count(packet_pool());
    const std::uint32_t flows_before = flows();
    std::array<std::uint64_t, kCounters> counters{};
    for (std::size_t i = 0; i < kCounters; ++i) {
        counters[i] = count(static_cast<Counter>(i));
    }
    for (int round = 0; round < 5; ++round) {
        (void)rehearse(order_for(443, "bad.example"));
        (void)rehearse(order_for(80, "bad.example"));
        (void)rehearse(order_for(53, "bad.example", kProtoUdp));
        RehearsalOrder listed = order_for();
        listed.destination = address(kSilentServer);
        (void)rehearse(listed);
        RehearsalOrder held = order_for();
        HeldView view;
        view.id = 9;
        view.desktop = 1;
        view.state = HeldState::held;
        view.source = held.source;
        view.server = held.destination;
        view.port = 443;
        view.age_ns = kSecond;
        held.held = {view};
        held.held_max_age_ns = 50 * kSecond;
        (void)rehearse(held);
    }
    EXPECT_EQ(rte_mempool_avail_count(packet_pool()), buffers);
    EXPECT_EQ(flows(), flows_before);
    EXPECT_EQ(drops(), 0U);
    for (std::size_t i = 0; i < kCounters; ++i) {
        EXPECT_EQ(count(static_cast<Counter>(i)), counters[i]) << kCounterNames[i].name;
    }
    EXPECT_EQ(worker().desktop(1).blocked.read(), 0U);
    EXPECT_EQ(worker().desktop(1).packets_up.read(), 1U);
    EXPECT_TRUE(reports<ThreatMatched>().empty());
    EXPECT_TRUE(reports<DesktopSeen>().empty());
    EXPECT_TRUE(reports<HeldReport>().empty());
    EXPECT_TRUE(nothing_left());
    EXPECT_EQ(view_flows().size(), 1U);
}

TEST_F(PacketExplain, NamesOfEveryKind) {
    tables.threats = {listed_name("bad.example")};
    publish();
    const std::tuple<std::uint16_t, std::uint8_t, DropReason> cases[] = {
        {443, kProtoTcp, DropReason::threat_tls_name},
        {80, kProtoTcp, DropReason::threat_http_host},
        {53, kProtoUdp, DropReason::threat_dns_name}};
    for (const auto& [port, protocol, reason] : cases) {
        const RehearsalResult result = rehearse(order_for(port, "www.bad.example", protocol));
        EXPECT_EQ(result.packets.back().what, "first payload");
        EXPECT_EQ(result.packets.size(), protocol == kProtoTcp ? 2U : 1U);
        const auto matches = reports_in<ThreatMatched>(result);
        ASSERT_EQ(matches.size(), 1U) << port;
        EXPECT_EQ(matches[0].where, reason);
        bool counted = false;
        for (unsigned i = 0; i < last(result).stage_count; ++i) {
            counted = counted || moved(last(result).stages[i], reason);
        }
        EXPECT_TRUE(counted) << port;
        const RehearsalResult good = rehearse(order_for(port, "good.example", protocol));
        EXPECT_TRUE(reports_in<ThreatMatched>(good).empty()) << port;
        EXPECT_EQ(fate(good), TraceFate::pending) << port;
    }
}

TEST_F(PacketExplain, DropsAndCuts) {
    RehearsalOrder stranger = order_for();
    stranger.source = address("192.168.7.7");
    stranger.desktop = 0;
    EXPECT_EQ(note_of(last(rehearse(stranger)), Stage::flow).reason, DropReason::unknown_desktop);
    tables.desktop(kDesktop).state = SecondaryState::cut;
    publish();
    const RehearsalResult cut = rehearse(order_for());
    EXPECT_EQ(note_of(last(cut), Stage::verdict).reason, DropReason::secondary_cut);
    RehearsalOrder silent = order_for();
    silent.source = address(kTwinDesktop);
    silent.destination = address(kSilentServer);
    const RehearsalResult unresolved = rehearse(silent);
    ASSERT_EQ(unresolved.packets[0].departures.size(), 1U);
    EXPECT_EQ(unresolved.packets[0].departures[0].way, Departure::Way::kernel) << "the kernel finds the neighbour";
}

TEST_F(PacketExplain, OtherProtocolsAndIpv6) {
    RehearsalOrder echo = order_for(0, "", kProtoIcmp);
    echo.source_port = 0;
    EXPECT_EQ(rehearse(echo).packets[0].departures.at(0).port, 1);
    RehearsalOrder six = order_for();
    six.source = address(kDesktop6);
    six.destination = address(kServer6);
    const RehearsalResult tcp6 = rehearse(six);
    EXPECT_EQ(tcp6.packets[0].departures.at(0).next_hop, mac_of(kServer6));
    six.protocol = kProtoIcmpv6;
    six.source_port = six.destination_port = 0;
    EXPECT_EQ(rehearse(six).packets[0].departures.at(0).way, Departure::Way::port);
}

TEST_F(PacketExplain, TheHeldConnectionThatWouldBeUsed) {
    RehearsalOrder order = order_for(5432);
    order.held_max_age_ns = 50 * kSecond;
    HeldView view;
    view.desktop = 1;
    view.usage_class = 1;
    view.state = HeldState::held;
    view.source = order.source;
    view.server = order.destination;
    view.port = 5432;
    for (const std::uint64_t id : {41U, 42U}) {
        view.id = id;
        view.age_ns = id * kSecond / 2;
        order.held.push_back(view);
    }
    view.id = 43;
    view.port = 5433; // of another service
    order.held.push_back(view);
    const RehearsalResult result = rehearse(order);
    ASSERT_TRUE(result.held.has_value());
    EXPECT_TRUE(*result.held == 41 || *result.held == 42);
    EXPECT_EQ(note_of(last(result), Stage::splice_desktop).fate, TraceFate::consumed);
    ASSERT_EQ(result.packets[0].departures.size(), 1U);
    const Departure& answer = result.packets[0].departures[0];
    EXPECT_TRUE(answer.towards_source);
    EXPECT_EQ(answer.tcp_flags, tcp_syn | tcp_ack);
    EXPECT_EQ(answer.port, 0);

    for (HeldView& held : order.held) {
        held.age_ns = 49 * kSecond + 900 * kMs; // about to be replaced
    }
    const RehearsalResult late = rehearse(order);
    EXPECT_FALSE(late.held.has_value());
    EXPECT_EQ(fate(late), TraceFate::pending) << "its own connection";
}

TEST_F(PacketExplain, TheLedgerGoesOnFromTheDesktopsFigures) {
    ClassPattern expected;
    expected.known = true;
    expected.policy = DeviationPolicy::block;
    expected.budget.fill(2.5F);
    tables.pattern = {ClassPattern{}, expected, ClassPattern{}};
    publish();
    EXPECT_EQ(fate(rehearse(order_for())), TraceFate::pending);
    RehearsalOrder used_up = order_for();
    used_up.unexpected.fill(2);
    const RehearsalResult result = rehearse(used_up);
    EXPECT_EQ(note_of(last(result), Stage::verdict).reason, DropReason::deviation);
    const auto reports = reports_in<Deviated>(result);
    ASSERT_EQ(reports.size(), 1U);
    EXPECT_EQ(reports[0].seen, 3U);
}

class PacketCapture : public GatewayTest {
protected:
    void capture(const std::string& filter, std::uint64_t ports = ~0ULL, std::uint32_t snap = 65535) {
        auto rule = std::make_shared<CaptureRule>();
        rule->filter = PacketFilter(filter);
        rule->ports = ports;
        rule->snap_bytes = snap;
        in = std::make_unique<CaptureTap>(rule, 64 * 1024);
        out = std::make_unique<CaptureTap>(rule, 64 * 1024);
        worker().capture_point().arm(in.get());
        shaper(Side::upstream).capture_point().arm(out.get());
    }
    void TearDown() override {
        worker().capture_point().disarm();
        shaper(Side::upstream).capture_point().disarm();
        GatewayTest::TearDown();
    }
    std::unique_ptr<CaptureTap> in, out;
};

TEST_F(PacketCapture, BothSidesOfTheGateway) {
    capture("");
    PacketBuilder syn = desktop_syn();
    syn.eth(port_mac(Side::desktop), mac_of(kDesktop));
    const Bytes frame = syn.build();
    send(Side::desktop, frame);
    const Frame left = only(Side::upstream);
    const CapturedFrame* came = in->ring.front();
    ASSERT_NE(came, nullptr);
    EXPECT_EQ(came->port, 0);
    EXPECT_EQ(came->direction, CaptureDirection::in);
    EXPECT_EQ(came->time_ns, now_ns);
    ASSERT_EQ(came->kept, frame.size());
    EXPECT_EQ(std::memcmp(came->bytes(), frame.data(), frame.size()), 0) << "as it came, not as it left";
    const CapturedFrame* went = out->ring.front();
    ASSERT_NE(went, nullptr);
    EXPECT_EQ(went->port, 1);
    EXPECT_EQ(went->direction, CaptureDirection::out);
    ParsedPacket parsed;
    ASSERT_EQ(parse(went->bytes(), went->kept, parsed), ParseResult::ip);
    EXPECT_EQ(parsed.ttl, left.ttl());
    in->ring.pop();
    out->ring.pop();
    EXPECT_EQ(in->ring.front(), nullptr);
    EXPECT_EQ(out->ring.front(), nullptr) << "a frame is taken once";
}

TEST_F(PacketCapture, FilterPortAndLength) {
    capture("tcp port 443", 1U << 0, 40);
    send(Side::desktop, desktop_syn(80));
    send(Side::desktop, desktop_syn(443));
    (void)sent(Side::upstream);
    ASSERT_NE(in->ring.front(), nullptr);
    EXPECT_EQ(in->ring.front()->kept, 40U);
    EXPECT_GT(in->ring.front()->length, 40U);
    in->ring.pop();
    EXPECT_EQ(in->ring.front(), nullptr);
    EXPECT_EQ(out->ring.front(), nullptr) << "another port";
    EXPECT_EQ(in->matched.read(), 1U);
}

TEST_F(PacketCapture, DroppedPacketsAreTakenAsTheyCome) {
    capture("");
    send(Side::desktop, desktop_syn(443, "192.168.7.7"));
    EXPECT_NE(in->ring.front(), nullptr);
    EXPECT_EQ(out->ring.front(), nullptr);
    EXPECT_EQ(count(DropReason::unknown_desktop), 1U);
}

TEST_F(PacketCapture, AFullRingLosesTheCopyAndNotThePacket) {
    capture("");
    unsigned forwarded = 0;
    for (int i = 0; i < 60; ++i) {
        send(Side::desktop, packet().ipv4(kDesktop, kServer).tcp(40000, 443).payload_of_size(1400));
        forwarded += static_cast<unsigned>(sent(Side::upstream).size());
    }
    EXPECT_EQ(forwarded, 60U);
    EXPECT_EQ(in->matched.read(), 60U);
    EXPECT_GT(in->lost[0].read(), 0U);
    std::uint64_t kept = 0;
    while (in->ring.front() != nullptr) {
        in->ring.pop();
        ++kept;
    }
    EXPECT_EQ(kept + in->lost[0].read(), 60U);
}

TEST_F(PacketCapture, SeveralBuffersAreOneFrame) {
    capture("tcp port 443");
    PacketBuilder data = packet().ipv4(kDesktop, kServer).tcp(40000, 443).payload_of_size(1000);
    data.eth(port_mac(Side::desktop), mac_of(kDesktop));
    const Bytes frame = data.build();
    arrive_in_parts(Side::desktop, frame, 20); // within the IP header
    run();
    (void)sent(Side::upstream);
    const CapturedFrame* came = in->ring.front();
    ASSERT_NE(came, nullptr);
    ASSERT_EQ(came->kept, frame.size());
    EXPECT_EQ(std::memcmp(came->bytes(), frame.data(), frame.size()), 0);
}

TEST_F(PacketCapture, AfterDisarmingNothingIsTaken) {
    capture("");
    worker().capture_point().disarm();
    send(Side::desktop, desktop_syn());
    (void)sent(Side::upstream);
    EXPECT_EQ(in->ring.front(), nullptr);
    EXPECT_NE(out->ring.front(), nullptr);
}

} // namespace
} // namespace foregate::packet_test
