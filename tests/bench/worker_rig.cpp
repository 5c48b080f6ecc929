// SPDX-License-Identifier: BSD-3-Clause
#include "bench/worker_rig.h"

#include "bench/machine.h"

#include <algorithm>
#include <rte_cycles.h>
#include <rte_eth_ring.h>
#include <rte_mbuf.h>
#include <rte_ring.h>
#include <stdexcept>
#include <string>

namespace foregate::bench {

using namespace dataplane;

namespace {

constexpr unsigned kMemoryMb = 192;

Settings settings_of(const RigSettings& rig) {
    Settings s;
    for (const auto& [name, kind] : {std::pair{"desktops", PortKind::desktop}, std::pair{"upstream", PortKind::upstream}}) {
        PortSettings port;
        port.name = name;
        port.kind = kind;
        port.device = std::string("bench-") + name;
        s.ports.push_back(port);
    }
    s.worker_cpus = {bench_cpu()};
    s.shaper_cpu = s.control_cpu = bench_cpu(); // the calling thread takes the worker's turns
    s.hugepages = hugepages_for(kMemoryMb + 64);
    s.memory_mb = kMemoryMb;
    s.flows_per_worker = rig.flows;
    s.held_per_worker = rig.held;
    s.seed = 0x0123456789abcdefULL;
    return s;
}

} // namespace

WorkerRig::WorkerRig(const RigSettings& rig)
    : settings_(settings_of(rig)), eal_(settings_), pool_(make_packet_pool("packets", 4 * kBatch - 1, kBatch / 2)) {
    std::vector<PortLane> lanes;
    for (unsigned i = 0; i < kPorts; ++i) {
        make_port(i);
        to_shaper_[i] = make_packet_ring("shaper-" + settings_.ports[i].name, 4 * kBatch);
        lanes.push_back({ports_[i].get(), to_shaper_[i].get(), nullptr});
    }
    generations_ = std::make_unique<GenerationSlot>(1);
    worker_ = std::make_unique<Worker>(0, settings_, lanes, pool_.get(), std::vector<rte_ring*>{}, nullptr, nullptr,
                                       *generations_);
    generations_->worker_online(0);
    generations_->publish(make_tables(rig.threats, 1));
}

WorkerRig::~WorkerRig() {
    (void)take_away();
    worker_.reset();
    generations_.reset();
}

void WorkerRig::make_port(unsigned index) {
    const PortSettings& port = settings_.ports[index];
    Wire& wire = wires_[index];
    wire.receive = make_packet_ring(port.name + "-rx", 2 * kBatch).release();
    wire.transmit = make_packet_ring(port.name + "-tx", 64).release();
    const int id = rte_eth_from_rings(port.device.c_str(), &wire.receive, 1, &wire.transmit, 1, 0);
    if (id < 0) {
        throw std::runtime_error("no ring port for " + port.name);
    }
    ports_[index] = std::make_unique<Port>(port, static_cast<std::uint16_t>(index), static_cast<std::uint16_t>(id), 1U,
                                           pool_.get());
}

rte_mbuf* WorkerRig::buffer() {
    rte_mbuf* packet = rte_pktmbuf_alloc(pool_.get());
    if (packet == nullptr) {
        throw std::runtime_error("the benchmark ran out of packet buffers");
    }
    return packet;
}

void WorkerRig::put(rte_mbuf* packet, bool up) {
    const unsigned port = up ? 0 : 1;
    if (rte_ring_sp_enqueue(wires_[port].receive, packet) != 0) {
        throw std::runtime_error("too many packets on a wire at once");
    }
    ++waiting_[port];
}

void WorkerRig::arrive(std::uint32_t number, bool up, std::uint8_t flags) {
    rte_mbuf* packet = buffer();
    const MacAddress& to = ports_[up ? 0 : 1]->mac();
    const unsigned length = writer_.write(number, up, flags, to, rte_pktmbuf_mtod(packet, std::uint8_t*));
    packet->data_len = static_cast<std::uint16_t>(length);
    packet->pkt_len = length;
    put(packet, up);
}

void WorkerRig::arrive(const SegmentSpec& segment, bool up) {
    rte_mbuf* packet = buffer();
    const unsigned length = writer_.write(segment, ports_[up ? 0 : 1]->mac(), rte_pktmbuf_mtod(packet, std::uint8_t*));
    packet->data_len = static_cast<std::uint16_t>(length);
    packet->pkt_len = length;
    put(packet, up);
}

void WorkerRig::establish(std::uint32_t first, std::uint32_t end) {
    struct Step {
        bool up;
        std::uint8_t flags;
    };
    for (; first < end; first += kBatch) {
        for (const Step step : {Step{true, tcp_syn}, Step{false, tcp_syn | tcp_ack}, Step{true, tcp_ack | tcp_psh}}) {
            for (std::uint32_t number = first; number < std::min(end, first + kBatch); ++number) {
                arrive(number, step.up, step.flags);
            }
            (void)work();
            (void)take_away();
        }
    }
    expect_no_drops();
}

std::uint64_t WorkerRig::work() {
    const unsigned turns = (std::max(waiting_[0], waiting_[1]) + kBurst - 1) / kBurst;
    waiting_[0] = waiting_[1] = 0;
    return idle(turns);
}

std::uint64_t WorkerRig::idle(unsigned turns, std::uint64_t step_ns) {
    const std::uint64_t start = rte_rdtsc_precise();
    for (unsigned i = 0; i < turns; ++i) {
        now_ns_ += step_ns;
        (void)worker_->poll(now_ns_);
    }
    return rte_rdtsc_precise() - start;
}

std::uint64_t WorkerRig::receive_only() {
    const unsigned turns = (std::max(waiting_[0], waiting_[1]) + kBurst - 1) / kBurst;
    waiting_[0] = waiting_[1] = 0;
    std::vector<rte_mbuf*> taken(2 * kBatch + 2 * kBurst);
    unsigned count = 0;
    const std::uint64_t start = rte_rdtsc_precise();
    for (unsigned i = 0; i < turns; ++i) {
        for (const auto& port : ports_) {
            count += port->receive(0, taken.data() + count, kBurst);
        }
    }
    const std::uint64_t cycles = rte_rdtsc_precise() - start;
    rte_pktmbuf_free_bulk(taken.data(), count);
    return cycles;
}

unsigned WorkerRig::empty(rte_ring* ring, const Look& look) {
    unsigned count = 0;
    void* packets[kBurst];
    while (const unsigned got = rte_ring_sc_dequeue_burst(ring, packets, kBurst, nullptr)) {
        for (unsigned i = 0; look && i < got; ++i) {
            look(rte_pktmbuf_mtod(static_cast<rte_mbuf*>(packets[i]), const std::uint8_t*));
        }
        rte_pktmbuf_free_bulk(reinterpret_cast<rte_mbuf**>(packets), got);
        count += got;
    }
    return count;
}

unsigned WorkerRig::take_away(const Look& sent_up, const Look& sent_down) {
    Report report;
    while (worker_->reports().take(report)) {
    }
    return empty(to_shaper_[0].get(), sent_down) + empty(to_shaper_[1].get(), sent_up);
}

void WorkerRig::expect_no_drops() const {
    for (std::size_t i = 0; i < kDropReasons; ++i) {
        const auto count = worker_->counters().read(static_cast<DropReason>(i));
        if (count != 0) {
            throw std::runtime_error("the worker dropped " + std::to_string(count) + " packets: " +
                                     std::string(kDropReasonNames[i].help));
        }
    }
    if (const auto count = worker_->counters().read(Counter::to_kernel); count != 0) {
        throw std::runtime_error(std::to_string(count) + " packets went to the kernel");
    }
}

void WorkerRig::expect_decided(std::uint32_t flows) {
    Snapshot snapshot;
    snapshot.flows.reserve(settings_.flows_per_worker);
    if (!worker_->orders().post(TakeSnapshot{&snapshot, 0, true, false})) {
        throw std::runtime_error("the worker takes no order");
    }
    for (unsigned i = 0; i < settings_.flows_per_worker && !snapshot.done.load(); ++i) {
        (void)idle(1);
    }
    const auto decided = std::count_if(snapshot.flows.begin(), snapshot.flows.end(), [](const FlowView& flow) {
        return flow.verdict == FlowVerdict::allow && flow.tcp == TcpPhase::established;
    });
    if (decided < static_cast<std::ptrdiff_t>(flows) || static_cast<std::size_t>(decided) != snapshot.flows.size()) {
        throw std::runtime_error(std::to_string(decided) + " of " + std::to_string(snapshot.flows.size()) +
                                 " flows are established and decided, not " + std::to_string(flows));
    }
}

} // namespace foregate::bench
