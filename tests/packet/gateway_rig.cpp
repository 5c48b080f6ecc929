// SPDX-License-Identifier: BSD-3-Clause
#include "packet/gateway_rig.h"

#include "dataplane/device/shape_tag.h"
#include "packet/ring_ports.h"

#include <algorithm>
#include <cstring>
#include <rte_mbuf.h>
#include <rte_ring.h>
#include <stdexcept>

namespace foregate::packet_test {

using namespace dataplane;

namespace {

constexpr std::array<const char*, kSides> kNames{"desktops", "upstream", "screens", "clients"};
constexpr std::array<PortKind, kSides> kKinds{PortKind::desktop, PortKind::upstream,
                                              PortKind::primary_desktop, PortKind::primary_client};

bool routed(unsigned side) {
    return is_routed(kKinds[side]);
}

Settings rig_settings() {
    Settings s;
    for (unsigned i = 0; i < kSides; ++i) {
        PortSettings port;
        port.name = kNames[i];
        port.kind = kKinds[i];
        port.device = "wire" + std::to_string(i);
        port.descriptors = 256;
        s.ports.push_back(port);
    }
    s.flows_per_worker = 1024;
    s.max_desktops = 64;
    s.held_per_worker = 64;
    s.usage_cells = 1024;
    s.twin_packets_per_second = 10;
    s.seed = 0x0123456789abcdefULL;
    return s;
}

void free_all(rte_ring* ring) {
    void* packet = nullptr;
    while (rte_ring_sc_dequeue(ring, &packet) == 0) {
        rte_pktmbuf_free(static_cast<rte_mbuf*>(packet));
    }
}

} // namespace

Mac mac_of(const IpAddress& a) {
    return {0x02, 0x11, a.bytes[0], a.bytes[13], a.bytes[14], a.bytes[15]};
}

Tables::Tables() {
    using enum SecondaryState;
    desktops = {{kDesktop, {1, 1, open}},       {kTwinDesktop, {2, 1, open}},
                {kOtherDesktop, {3, 2, open}},  {kDesktop6, {1, 1, open}},
                {"10.10.1.0/24", {0, 1, open}}, {"10.10.2.0/24", {0, 2, open}},
                {"fd00:10::/64", {0, 1, open}}};
    const auto route = [this](const char* prefix, std::uint16_t port,
                              const std::string& gateway = {}) {
        Route r{port, !gateway.empty(), gateway.empty() ? IpAddress{} : address(gateway)};
        routes.emplace_back(*IpPrefix::parse(prefix), r);
    };
    route("10.10.0.0/16", 0);
    route("fd00:10::/64", 0);
    route("10.20.0.0/24", 1);
    route("fd00:20::/64", 1);
    route("0.0.0.0/0", 1, kRouter);
    route("::/0", 1, kRouter6);
    own = {address(kOwnAddress), address(kOwnAddress6), address("10.20.0.1"),
           address("fd00:20::1")};
    for (const std::string& known : {kDesktop, kTwinDesktop, kOtherDesktop, kUnnumbered, kServer,
                                     kResolver, kRouter, kDesktop6, kServer6, kRouter6}) {
        neighbours[address(known)] = mac_of(known);
    }
}

ThreatEntry listed_name(const std::string& name, ThreatAction action) {
    ThreatEntry entry;
    entry.kind = ThreatKind::name;
    entry.action = action;
    entry.name = name;
    return entry;
}

ThreatEntry listed_prefix(const std::string& prefix, ThreatAction action) {
    ThreatEntry entry;
    entry.kind = ThreatKind::prefix;
    entry.action = action;
    entry.prefix = *IpPrefix::parse(prefix);
    return entry;
}

GatewayTest::GatewayTest(unsigned workers, bool owned_by_interface)
    : settings(rig_settings()), worker_count_(workers),
      owner_rule_(owned_by_interface ? OwnerRule::by_interface(workers)
                                     : OwnerRule::by_seed(workers, settings.seed)) {
    settings.worker_cpus.assign(workers, 0);
}

GatewayTest::~GatewayTest() = default;

void GatewayTest::SetUp() {
    buffers_before_ = rte_mempool_avail_count(packet_pool());
    std::vector<PortLane>& lanes = lanes_;
    for (unsigned i = 0; i < kSides; ++i) {
        const auto index = static_cast<std::uint16_t>(i);
        ports_.push_back(std::make_unique<Port>(settings.ports[i], index, ring_port(i).dpdk_id,
                                                routed(i) ? worker_count_ : 1, packet_pool()));
        transmit_.push_back(
            routed(i) ? std::make_unique<TransmitStage>(*ports_[i], settings.max_desktops, 200'000)
                      : nullptr);
        kernel_rings_.push_back(routed(i) ? make_packet_ring("kernel" + std::to_string(i), 1024)
                                          : nullptr);
        lanes.push_back({ports_[i].get(), transmit_[i] ? transmit_[i]->ring() : nullptr,
                         kernel_rings_[i].get()});
    }
    std::vector<rte_ring*> redirect;
    for (unsigned w = 0; w < worker_count_ && worker_count_ > 1; ++w) {
        redirect_rings_.push_back(make_packet_ring("redirect" + std::to_string(w), 256));
        redirect.push_back(redirect_rings_.back().get());
    }
    generations_ = std::make_unique<GenerationSlot>(worker_count_);
    for (unsigned w = 0; w < worker_count_; ++w) {
        workers_.push_back(std::make_unique<Worker>(
            w, settings, lanes, packet_pool(), SpreadLanes{redirect, &owner_rule_}, w == 0 ? ports_[2].get() : nullptr,
            w == 0 ? ports_[3].get() : nullptr, *generations_));
        generations_->worker_online(w);
    }
    publish();
}

void GatewayTest::restart(std::span<SpliceRecord> records, std::span<const SpliceRecord> left_behind) {
    ASSERT_EQ(worker_count_, 1U);
    workers_.clear();
    settings.seed ^= 0x1234567;
    workers_.push_back(std::make_unique<Worker>(0, settings, lanes_, packet_pool(), SpreadLanes{{}, &owner_rule_},
                                                ports_[2].get(), ports_[3].get(), *generations_));
    workers_[0]->take_over(records, left_behind, now_ns);
}

void GatewayTest::TearDown() {
    workers_.clear();
    generations_.reset();
    redirect_rings_.clear();
    kernel_rings_.clear();
    transmit_.clear();
    ports_.clear();
    for (unsigned i = 0; i < kRingPorts; ++i) {
        for (rte_ring* ring : ring_port(i).receive) {
            free_all(ring);
        }
        free_all(ring_port(i).transmit);
    }
    EXPECT_EQ(rte_mempool_avail_count(packet_pool()), buffers_before_)
        << "packet buffers were lost";
}

void GatewayTest::publish() {
    auto next = std::make_unique<Generation>();
    next->number = ++generation_;
    next->routes = std::make_shared<RouteTable>(tables.routes, tables.own, tables.neighbours);
    std::vector<std::pair<IpPrefix, DesktopRecord>> desktops;
    for (const auto& [prefix, record] : tables.desktops) {
        desktops.emplace_back(*IpPrefix::parse(prefix), record);
    }
    next->desktops = std::make_shared<DesktopTable>(desktops, tables.allow_unknown);
    next->plan = std::make_shared<PlanTable>(tables.plan);
    next->pattern = std::make_shared<PatternTable>(tables.bucket, tables.pattern, tables.expected);
    next->catalogue = CatalogueTables::plain(worker_count_);
    if (!tables.threats.empty()) {
        ThreatListInput input;
        input.feeds = {"test"};
        input.categories = {"test"};
        input.entries = tables.threats;
        next->threats =
            std::make_shared<ThreatTables>(ThreatDb::build(std::move(input)), worker_count_);
    }
    if (!tables.access.empty()) {
        next->access = std::make_shared<AccessTable>(std::make_shared<AccessLists>(tables.access, AccessList{}),
                                                     tables.names);
    }
    generations_->publish(std::move(next));
}

rte_mbuf* GatewayTest::buffer_of(const std::uint8_t* bytes, std::size_t size) {
    rte_mbuf* packet = rte_pktmbuf_alloc(packet_pool());
    char* room =
        packet == nullptr ? nullptr : rte_pktmbuf_append(packet, static_cast<std::uint16_t>(size));
    if (room == nullptr) {
        throw std::runtime_error("no packet buffer for a frame of " + std::to_string(size) +
                                 " bytes");
    }
    std::memcpy(room, bytes, size);
    return packet;
}

void GatewayTest::arrive_in_parts(Side side, const Bytes& frame, std::size_t first) {
    rte_mbuf* packet = buffer_of(frame.data(), first);
    ASSERT_EQ(rte_pktmbuf_chain(packet, buffer_of(frame.data() + first, frame.size() - first)), 0);
    ASSERT_EQ(rte_ring_enqueue(ring_port(static_cast<unsigned>(side)).receive[0], packet), 0);
}

void GatewayTest::arrive_flagged(Side side, const Bytes& frame, std::uint64_t flags,
                                 std::uint16_t vlan) {
    rte_mbuf* packet = buffer_of(frame.data(), frame.size());
    packet->ol_flags |= flags;
    packet->vlan_tci = vlan;
    ASSERT_EQ(rte_ring_enqueue(ring_port(static_cast<unsigned>(side)).receive[0], packet), 0);
}

void GatewayTest::from_kernel(Side side, const Bytes& frame) {
    rte_mbuf* packet = buffer_of(frame.data(), frame.size());
    shape_tag(packet) = ShapeTag{0, TrafficClass::control, 0, 0};
    ASSERT_EQ(rte_ring_mp_enqueue(transmit_[static_cast<unsigned>(side)]->ring(), packet), 0);
}

void GatewayTest::arrive(Side side, const Bytes& frame, unsigned queue) {
    rte_mbuf* packet = buffer_of(frame.data(), frame.size());
    ASSERT_EQ(rte_ring_enqueue(ring_port(static_cast<unsigned>(side)).receive[queue], packet), 0);
}

void GatewayTest::arrive(Side side, PacketBuilder builder, unsigned queue) {
    if (!builder.mac_given()) {
        builder.eth(port_mac(side), mac_of(builder.source()));
    }
    arrive(side, builder.build(), queue);
}

void GatewayTest::send(Side side, PacketBuilder builder) {
    arrive(side, std::move(builder));
    run();
}

void GatewayTest::send(Side side, const Bytes& frame) {
    arrive(side, frame);
    run();
}

bool GatewayTest::turn() {
    bool worked = false;
    for (auto& one : workers_) {
        worked = one->poll(now_ns) || worked;
    }
    for (auto& stage : transmit_) {
        worked = (stage && stage->poll(now_ns)) || worked;
    }
    return worked;
}

void GatewayTest::run() {
    int turns = 0;
    while (turn() && turns < 10'000) {
        ++turns;
    }
    ASSERT_LT(turns, 10'000) << "the gateway does not come to rest";
    turn(); // what housekeeping has sent in the last turn leaves its shaper here
}

void GatewayTest::pass(std::uint64_t ns, std::uint64_t step_ns) {
    for (const std::uint64_t until = now_ns + ns; now_ns < until;) {
        now_ns += std::min(step_ns, until - now_ns);
        run();
    }
}

void GatewayTest::sweep_flows() {
    for (unsigned i = 0; i <= settings.flows_per_worker / 64; ++i) {
        now_ns += kMs; // flows are looked at once in a millisecond
        run();
    }
}

std::vector<Frame> GatewayTest::drain(rte_ring* ring) {
    std::vector<Frame> out;
    void* object = nullptr;
    while (ring != nullptr && rte_ring_sc_dequeue(ring, &object) == 0) {
        auto* packet = static_cast<rte_mbuf*>(object);
        EXPECT_EQ(packet->nb_segs, 1);
        const auto* data = rte_pktmbuf_mtod(packet, const std::uint8_t*);
        out.emplace_back(Bytes(data, data + rte_pktmbuf_data_len(packet)));
        rte_pktmbuf_free(packet);
    }
    return out;
}

std::vector<Frame> GatewayTest::sent(Side side) {
    return drain(ring_port(static_cast<unsigned>(side)).transmit);
}

std::vector<Frame> GatewayTest::to_kernel(Side side) {
    return drain(kernel_rings_[static_cast<unsigned>(side)].get());
}

Frame GatewayTest::only(Side side) {
    const auto all = sent(side);
    if (all.size() != 1) {
        ADD_FAILURE() << all.size() << " frames left by " << kNames[static_cast<unsigned>(side)]
                      << ", not one";
        return Frame(packet().ipv4("0.0.0.0", "0.0.0.0").tcp(0, 0).build());
    }
    EXPECT_TRUE(all[0].checksums_right()) << all[0];
    return all[0];
}

bool GatewayTest::nothing_left() {
    bool nothing = true;
    for (const Side side :
         {Side::desktop, Side::upstream, Side::primary_desktop, Side::primary_client}) {
        for (const Frame& f : sent(side)) {
            nothing = false;
            std::cerr << "left by " << kNames[static_cast<unsigned>(side)] << ": " << f << "\n";
        }
        for (const Frame& f : to_kernel(side)) {
            nothing = false;
            std::cerr << "to the kernel of " << kNames[static_cast<unsigned>(side)] << ": " << f
                      << "\n";
        }
    }
    return nothing;
}

void GatewayTest::collect_reports() {
    Report r;
    for (auto& one : workers_) {
        while (one->reports().take(r)) {
            reports_.push_back(r);
        }
    }
}

std::uint64_t GatewayTest::count(Counter counter) const {
    std::uint64_t sum = 0;
    for (const auto& one : workers_) {
        sum += one->counters().read(counter);
    }
    return sum;
}

std::uint64_t GatewayTest::count(DropReason reason) const {
    std::uint64_t sum = 0;
    for (const auto& one : workers_) {
        sum += one->counters().read(reason);
    }
    for (const auto& stage : transmit_) {
        sum += stage ? stage->counters().read(reason) : 0;
    }
    return sum;
}

std::uint64_t GatewayTest::drops() const {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < kDropReasons; ++i) {
        sum += count(static_cast<DropReason>(i));
    }
    return sum;
}

std::uint32_t GatewayTest::flows() const {
    std::uint32_t sum = 0;
    for (const auto& one : workers_) {
        sum += one->flow_count();
    }
    return sum;
}

std::vector<FlowView> GatewayTest::view_flows(std::uint32_t desktop) {
    std::vector<FlowView> out;
    for (unsigned w = 0; w < worker_count_; ++w) {
        Snapshot snapshot;
        snapshot.flows.reserve(settings.flows_per_worker);
        EXPECT_TRUE(order(TakeSnapshot{&snapshot, desktop, true, false}, w));
        sweep_flows();
        EXPECT_TRUE(snapshot.done.load());
        out.insert(out.end(), snapshot.flows.begin(), snapshot.flows.end());
    }
    return out;
}

unsigned GatewayTest::owner(const std::string& a, const std::string& b) const {
    return owner_rule_.owner(address(a), address(b));
}

} // namespace foregate::packet_test
