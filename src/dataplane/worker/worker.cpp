// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/worker/worker.h"

#include "dataplane/worker/address_gate.h"
#include "dataplane/worker/recorder.h"
#include "dataplane/worker/stage_clock.h"

#include <cstring>
#include <rte_ring.h>

namespace foregate::dataplane {

namespace {

/// What a packet's kind or addresses alone decide does not end its way here.
void note_without_stopping(BatchSlot& slot, const RouteTable& routes, ExaminedPacket& seen) noexcept {
    if (slot.fate == Fate::kernel && slot.parsed.ip_version != 0) { // neighbour discovery
        seen.fate = Fate::kernel;
        slot.fate = Fate::pending;
    } else if (slot.fate == Fate::pending) {
        BatchSlot asked = slot;
        asked.examined = false;
        if (!pass_address_gate(asked, routes)) {
            seen.fate = asked.fate;
            seen.reason = asked.reason;
        }
    }
}

constexpr unsigned kHousekeepingTurns = 64;
constexpr int kOrdersATurn = 32;

SplicerSettings splicer_settings(const Settings& settings, unsigned worker) {
    SplicerSettings out;
    out.capacity = settings.held_per_worker;
    // Distinct secrets for each worker, from the one that was drawn at start.
    for (unsigned half = 0; half < 2; ++half) {
        const std::uint64_t part =
            hash_address(IpAddress::from_v4(worker * 2 + half), settings.seed ^ 0xa5a5f00dc0ffee11ULL);
        std::memcpy(out.secret.data() + half * 8, &part, 8);
    }
    for (const PortSettings& port : settings.ports) {
        if (port.kind == PortKind::desktop) {
            out.inner_mtu = port.mtu;
        }
    }
    return out;
}

} // namespace

WorkerState::WorkerState(unsigned worker_index, const Settings& worker_settings, std::vector<PortLane> port_lanes,
                         rte_mempool* packet_pool)
    : index(worker_index), settings(worker_settings), lanes(std::move(port_lanes)), pool(packet_pool),
      flows(worker_settings.flows_per_worker, worker_settings.seed ^ (0x51ed270b76d3a3e5ULL + worker_index)),
      classifier({worker_settings.undecided_flows, static_cast<std::uint8_t>(worker_settings.payloads_looked_at)}),
      services(worker_settings.seed ^ 0x3c6ef372fe94f82bULL),
      splicer(splicer_settings(worker_settings, worker_index)),
      desktops(worker_settings.max_desktops),
      usage_tables{UsageTable(worker_settings.usage_cells, worker_settings.seed),
                   UsageTable(worker_settings.usage_cells, worker_settings.seed)},
      usage_salt(worker_settings.seed ^ 0xd6e8feb86659fd93ULL), ledger(worker_settings.max_desktops),
      kernel_limiter(worker_settings.twin_packets_per_second),
      new_flows(worker_settings.new_flows, worker_settings.max_desktops, worker_settings.flows_per_worker,
                worker_settings.seed ^ 0x9fb21c651e98df25ULL), numbered_seen_ms(worker_settings.max_desktops),
      options_told(worker_settings.max_desktops),
      orders(8192), reports(8192) {
    for (PortLane& lane : lanes) {
        lane.mac = lane.port->mac();
        lane.kind = lane.port->settings().kind;
        lane.mtu = lane.port->settings().mtu;
    }
}

Worker::Worker(unsigned index, const Settings& settings, std::vector<PortLane> lanes, rte_mempool* pool,
               SpreadLanes spread, Port* primary_desktops, Port* primary_clients,
               GenerationSlot& generations)
    : state_(index, settings, std::move(lanes), pool), generations_(generations), outlet_(state_),
      flow_stage_(state_), fragments_(state_), ingress_(state_), spread_(state_, std::move(spread)),
      count_(state_),
      splice_(state_, flow_stage_, count_, outlet_), verdict_(state_, outlet_), egress_(state_, outlet_),
      redirected_(spread_.own_ring()) {
    if (primary_desktops != nullptr && primary_clients != nullptr) {
        primary_.emplace(*primary_desktops, *primary_clients, state_.counters, capture_);
    }
}

void Worker::begin_turn(std::uint64_t now_ns) noexcept {
    state_.now_ns = now_ns;
    state_.generation = &generations_.current();
    if (state_.generation->number != state_.generation_number) {
        state_.generation_number = state_.generation->number;
        ++state_.stamp;
    }
}

bool Worker::poll(std::uint64_t now_ns) noexcept {
    begin_turn(now_ns);
    bool worked = primary_ && primary_->run(now_ns);
    for (const PortLane& lane : state_.lanes) {
        if (!is_routed(lane.kind) || state_.index >= lane.port->rx_queues()) {
            continue;
        }
        rte_mbuf* burst[kBurst];
        const unsigned count = lane.port->receive(state_.index, burst, kBurst);
        for (unsigned i = 0; i < count; ++i) {
            batch_.slots[i].begin(burst[i]);
            burst[i]->port = lane.port->index();
        }
        batch_.count = count;
        if (count != 0) {
            state_.counters.add(Counter::received, count);
            capture_.see(burst, count, lane.port->index(), CaptureDirection::in, now_ns);
            process(batch_, Entry::received);
            worked = true;
        }
    }
    if (redirected_ != nullptr) {
        void* burst[kBurst];
        const unsigned count = rte_ring_sc_dequeue_burst(redirected_, burst, kBurst, nullptr);
        for (unsigned i = 0; i < count; ++i) {
            batch_.slots[i].begin(static_cast<rte_mbuf*>(burst[i]));
        }
        batch_.count = count;
        if (count != 0) {
            state_.counters.add(Counter::redirected_in, count);
            process(batch_, Entry::redirected);
            worked = true;
        }
    }
    if (fragments_.has_released()) {
        fragments_.take_released(batch_);
        process(batch_, Entry::released);
        worked = true;
    }
    if (!worked || turn_ % kHousekeepingTurns == 0) {
        housekeeping();
    }
    ++turn_;
    state_.counters.add(Counter::turns);
    if (!worked) {
        state_.counters.add(Counter::idle_turns);
    }
    generations_.quiescent(state_.index);
    return worked;
}

/// The way of a packet.
template <typename After>
void Worker::run_stages(PacketBatch& batch, Entry entry, After&& after) noexcept {
    if (entry != Entry::released) {
        ingress_.run(batch, entry == Entry::redirected);
        after(Stage::ingress);
        if (entry == Entry::received) {
            spread_.run(batch);
            after(Stage::spread);
        }
        fragments_.run(batch);
        after(Stage::fragments);
    }
    flow_stage_.run(batch);
    after(Stage::flow);
    splice_.from_upstream(batch);
    after(Stage::splice_upstream);
    verdict_.run(batch);
    after(Stage::verdict);
    splice_.from_desktop(batch);
    after(Stage::splice_desktop);
    count_.run(batch);
    after(Stage::count);
    egress_.run(batch);
    outlet_.flush();
    after(Stage::egress);
}

void Worker::process(PacketBatch& batch, Entry entry) noexcept {
    state_.counters.add(Counter::bursts);
    if (trace_ != nullptr) [[unlikely]] {
        process_traced(batch, entry);
        return;
    }
    if (++bursts_ % kMeasuredEvery != 0) {
        run_stages(batch, entry, [](Stage) noexcept {});
        return;
    }
    StageClock clock(stage_cycles_);
    run_stages(batch, entry, [&clock](Stage stage) noexcept { clock.done(stage); });
    stage_cycles_.bursts.add(1);
    stage_cycles_.packets.add(batch.count);
}

void Worker::trace_one(BatchSlot& slot, Entry entry, TracedPacket& into) noexcept {
    if (entry != Entry::released) {
        slot.parsed = ParsedPacket{}; // so that what it says of a frame that is not IP is of this one
    }
    Recorder recorder(state_, slot, entry == Entry::redirected, into);
    run_stages(single_, entry, [&](Stage stage) noexcept { recorder.after(stage, slot); });
}

void Worker::process_traced(PacketBatch& batch, Entry entry) noexcept {
    single_.count = 1;
    BatchSlot& slot = single_.slots[0];
    for (unsigned i = 0; i < batch.count; ++i) {
        slot = batch.slots[i];
        const rte_mbuf& packet = *slot.packet;
        const bool wanted =
            trace_->left->load(std::memory_order_relaxed) > 0 &&
            trace_->filter->matches(slot.frame(), rte_pktmbuf_data_len(&packet), rte_pktmbuf_pkt_len(&packet)) &&
            trace_->left->fetch_sub(1, std::memory_order_relaxed) > 0;
        if (!wanted) {
            run_stages(single_, entry, [](Stage) noexcept {});
            continue;
        }
        TracedPacket traced;
        trace_one(slot, entry, traced);
        if (!trace_->packets.post(traced)) {
            state_.counters.add(Counter::reports_lost);
        }
    }
}

void Worker::rehearse(rte_mbuf* packet, std::uint64_t now_ns, TracedPacket& into) noexcept {
    begin_turn(now_ns);
    single_.count = 1;
    single_.slots[0].begin(packet);
    trace_one(single_.slots[0], Entry::received, into);
}

void Worker::examine(rte_mbuf* packet, std::uint64_t now_ns, Examiner& examiner) {
    begin_turn(now_ns);
    fragments_.expire();
    single_.count = 1;
    single_.slots[0].begin(packet);
    single_.slots[0].parsed = ParsedPacket{};
    examine_one(Entry::received, examiner);
    while (fragments_.has_released()) {
        fragments_.take_released(batch_);
        for (const BatchSlot& slot : batch_) {
            single_.slots[0] = slot;
            examine_one(Entry::released, examiner);
        }
    }
}

void Worker::examine_one(Entry entry, Examiner& examiner) {
    BatchSlot& slot = single_.slots[0];
    slot.examined = true;
    state_.classified.clear();
    ExaminedPacket seen;
    seen.buffer = slot.packet;
    seen.waited = entry == Entry::released;
    if (seen.waited) {
        seen.readable = true;
        note_without_stopping(slot, *state_.generation->routes, seen);
    }
    run_stages(single_, entry, [&](Stage stage) noexcept {
        if (stage == Stage::ingress) {
            seen.readable = slot.fate != Fate::dropped && slot.parsed.ip_version != 0;
            note_without_stopping(slot, *state_.generation->routes, seen);
        } else if (stage == Stage::flow) {
            seen.parsed = slot.parsed; // as it was before the verdict may have cut it short
        }
    });
    seen.flow = slot.flow;
    seen.new_flow = slot.new_flow;
    if (seen.fate == Fate::pending || slot.fate == Fate::elsewhere) {
        seen.fate = slot.fate;
        seen.reason = slot.reason;
    }
    if (slot.flow != nullptr) {
        seen.place = state_.flows.place_of(*slot.flow);
        if (seen.fate == Fate::pending && slot.flow->verdict == FlowVerdict::block) { // a reset in its place has left
            seen.fate = Fate::dropped;
            seen.reason = state_.flows.cold(*slot.flow).blocked_for;
        }
    }
    seen.told = &state_.classified;
    examiner.examined(seen);
}

void Worker::rehearse_orders(std::uint64_t now_ns) noexcept {
    begin_turn(now_ns);
    housekeeping();
}

void Worker::housekeeping() noexcept {
    take_orders();
    state_.splicer.tick(state_.now_ns);
    outlet_.drain_splicer();
    age_flows();
    fragments_.expire();
    if (snapshot_.into != nullptr) {
        continue_snapshot();
    }
    outlet_.flush();
    flow_count_.set(state_.flows.size());
}

void Worker::take_orders() noexcept {
    Order order;
    for (int i = 0; i < kOrdersATurn && state_.orders.take(order); ++i) {
        obey(order);
        outlet_.drain_splicer();
    }
}

} // namespace foregate::dataplane
