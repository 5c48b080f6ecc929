// SPDX-License-Identifier: BSD-3-Clause
#include "bench/worker_rig.h"

#include "bench/machine.h"

#include <algorithm>
#include <bit>
#include <cstring>
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
    s.worker_cpus.assign(rig.workers, bench_cpu());
    for (unsigned w = 0; w < rig.workers && rig.threads; ++w) {
        s.worker_cpus[w] = cpu_count() - 1 - w % cpu_count();
    }
    s.shaper_cpu = s.worker_cpus[0];
    s.control_cpu = rig.threads ? 0 : bench_cpu(); // without threads the calling thread takes the workers' turns
    s.hugepages = hugepages_for(kMemoryMb + 64);
    s.memory_mb = kMemoryMb;
    s.flows_per_worker = rig.flows;
    s.payloads_looked_at = 1; // the first payload decides: a flow is established in three packets
    s.held_per_worker = rig.held;
    s.seed = 0x0123456789abcdefULL;
    return s;
}

} // namespace

WorkerRig::WorkerRig(const RigSettings& rig)
    : settings_(settings_of(rig)), layout_(core_layout(settings_)),
      owner_rule_(OwnerRule::by_seed(rig.workers, settings_.seed)), eal_(settings_),
      pool_(make_packet_pool("packets", 4 * kBatch * rig.workers - 1, kBatch / 2)), seats_(rig.workers) {
    std::vector<PortLane> lanes;
    for (unsigned i = 0; i < kPorts; ++i) {
        make_port(i);
        to_shaper_[i] = make_packet_ring("shaper-" + settings_.ports[i].name, std::bit_ceil(4 * kBatch * rig.workers));
        lanes.push_back({ports_[i].get(), to_shaper_[i].get(), nullptr});
    }
    std::vector<rte_ring*> redirect;
    for (unsigned w = 0; w < rig.workers && rig.workers > 1; ++w) {
        redirect_rings_.push_back(make_packet_ring("redirect-" + std::to_string(w), 2048));
        redirect.push_back(redirect_rings_.back().get());
    }
    generations_ = std::make_unique<GenerationSlot>(rig.workers);
    for (unsigned w = 0; w < rig.workers; ++w) {
        seats_[w].worker = std::make_unique<Worker>(w, settings_, lanes, pool_.get(), SpreadLanes{redirect, &owner_rule_},
                                                    nullptr, nullptr, *generations_);
        generations_->worker_online(w);
    }
    publish(make_tables(rig.threats, rig.workers));
}

WorkerRig::~WorkerRig() {
    (void)take_away();
    seats_.clear();
    generations_.reset();
}

void WorkerRig::publish(std::unique_ptr<Generation> tables) {
    tables->number = ++generation_;
    generations_->publish(std::move(tables));
}

unsigned WorkerRig::owner(std::uint32_t number) const {
    const FlowEnds ends(number);
    return owner_rule_.owner(ends.desktop, ends.server);
}

void WorkerRig::make_port(unsigned index) {
    const PortSettings& port = settings_.ports[index];
    const auto queues = static_cast<unsigned>(seats_.size());
    Wire& wire = wires_[index];
    for (unsigned queue = 0; queue < queues; ++queue) {
        wire.receive.push_back(make_packet_ring(port.name + "-rx" + std::to_string(queue), 2 * kBatch).release());
    }
    wire.transmit = make_packet_ring(port.name + "-tx", 64).release();
    const int id = rte_eth_from_rings(port.device.c_str(), wire.receive.data(), queues, &wire.transmit, 1, 0);
    if (id < 0) {
        throw std::runtime_error("no ring port for " + port.name);
    }
    ports_[index] = std::make_unique<Port>(port, static_cast<std::uint16_t>(index), static_cast<std::uint16_t>(id), queues,
                                           pool_.get());
}

rte_mbuf* WorkerRig::buffer() {
    rte_mbuf* packet = rte_pktmbuf_alloc(pool_.get());
    if (packet == nullptr) {
        throw std::runtime_error("the benchmark ran out of packet buffers");
    }
    return packet;
}

void WorkerRig::put(rte_mbuf* packet, unsigned length, bool up, unsigned worker) {
    const unsigned port = up ? 0 : 1;
    packet->data_len = static_cast<std::uint16_t>(length);
    packet->pkt_len = length;
    if (rte_ring_sp_enqueue(wires_[port].receive[worker], packet) != 0) {
        rte_pktmbuf_free(packet);
        throw std::runtime_error("too many packets on a wire at once");
    }
    ++seats_[worker].waiting[port];
}

void WorkerRig::arrive(std::uint32_t number, bool up, std::uint8_t flags, unsigned worker) {
    rte_mbuf* packet = buffer();
    const MacAddress& to = ports_[up ? 0 : 1]->mac();
    put(packet, seats_[worker].writer.write(number, up, flags, to, rte_pktmbuf_mtod(packet, std::uint8_t*)), up, worker);
}

void WorkerRig::arrive_long(std::uint32_t number, bool up, unsigned length) {
    rte_mbuf* packet = buffer();
    const MacAddress& to = ports_[up ? 0 : 1]->mac();
    put(packet, seats_[0].writer.write_long(number, up, length, to, rte_pktmbuf_mtod(packet, std::uint8_t*)), up, 0);
}

void WorkerRig::arrive(const SegmentSpec& segment, bool up) {
    rte_mbuf* packet = buffer();
    const MacAddress& to = ports_[up ? 0 : 1]->mac();
    put(packet, seats_[0].writer.write(segment, to, rte_pktmbuf_mtod(packet, std::uint8_t*)), up, 0);
}

void WorkerRig::arrive_frame(std::span<const std::uint8_t> frame, bool up) {
    rte_mbuf* packet = buffer();
    auto* to = rte_pktmbuf_mtod(packet, std::uint8_t*);
    const MacAddress& mac = ports_[up ? 0 : 1]->mac();
    std::memcpy(to, frame.data(), frame.size());
    std::memcpy(to, mac.data(), mac.size());
    put(packet, static_cast<unsigned>(frame.size()), up, 0);
}

namespace {

struct Step {
    bool up;
    std::uint8_t flags;
};
constexpr Step kHandshake[]{{true, tcp_syn}, {false, tcp_syn | tcp_ack}, {true, tcp_ack | tcp_psh}};

} // namespace

void WorkerRig::establish(std::uint32_t first, std::uint32_t end) {
    for (; first < end; first += kBatch) {
        for (const Step& step : kHandshake) {
            for (std::uint32_t number = first; number < std::min(end, first + kBatch); ++number) {
                arrive(number, step.up, step.flags);
            }
            (void)work();
            (void)take_away();
        }
    }
    expect_no_drops();
}

void WorkerRig::establish_own(std::span<const std::uint32_t> numbers, unsigned worker) {
    for (std::size_t first = 0; first < numbers.size(); first += kBatch) {
        for (const Step& step : kHandshake) {
            for (const std::uint32_t number : numbers.subspan(first, std::min<std::size_t>(kBatch, numbers.size() - first))) {
                arrive(number, step.up, step.flags, worker);
            }
            (void)work(worker);
            (void)take_away();
        }
    }
    expect_no_drops();
}

std::uint64_t WorkerRig::work(unsigned worker) {
    auto& waiting = seats_[worker].waiting;
    const unsigned turns = (std::max(waiting[0], waiting[1]) + kBurst - 1) / kBurst;
    waiting[0] = waiting[1] = 0;
    return idle(turns, kTurnNs, worker);
}

std::uint64_t WorkerRig::idle(unsigned turns, std::uint64_t step_ns, unsigned worker) {
    Seat& seat = seats_[worker];
    const std::uint64_t start = rte_rdtsc_precise();
    for (unsigned i = 0; i < turns; ++i) {
        seat.now_ns += step_ns;
        (void)seat.worker->poll(seat.now_ns);
    }
    return rte_rdtsc_precise() - start;
}

std::uint64_t WorkerRig::turn(std::uint64_t step_ns) {
    for (unsigned& waiting : seats_[0].waiting) {
        waiting -= std::min(waiting, kBurst);
    }
    return idle(1, step_ns);
}

std::uint64_t WorkerRig::receive_only() {
    auto& waiting = seats_[0].waiting;
    const unsigned turns = (std::max(waiting[0], waiting[1]) + kBurst - 1) / kBurst;
    waiting[0] = waiting[1] = 0;
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
    for (Seat& seat : seats_) {
        while (seat.worker->reports().take(report)) {
        }
    }
    return empty(to_shaper_[0].get(), sent_down) + empty(to_shaper_[1].get(), sent_up);
}

void WorkerRig::expect_no_drops() const {
    for (const Seat& seat : seats_) {
        const CounterBlock& counters = seat.worker->counters();
        for (std::size_t i = 0; i < kDropReasons; ++i) {
            if (const auto count = counters.read(static_cast<DropReason>(i)); count != 0) {
                throw std::runtime_error("the worker dropped " + std::to_string(count) + " packets: " +
                                         std::string(kDropReasonNames[i].help));
            }
        }
        if (const auto count = counters.read(Counter::to_kernel); count != 0) {
            throw std::runtime_error(std::to_string(count) + " packets went to the kernel");
        }
    }
}

void WorkerRig::expect_decided(std::uint32_t flows) {
    Snapshot snapshot;
    snapshot.flows.reserve(settings_.flows_per_worker);
    if (!worker().orders().post(TakeSnapshot{&snapshot, 0, true, false})) {
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
