// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/dataplane.h"

#include "dataplane/device/clock.h"
#include "dataplane/device/eal.h"
#include "dataplane/device/owner_rule.h"
#include "dataplane/device/twin.h"
#include "dataplane/splice/splice_file.h"
#include "dataplane/worker/polling_core.h"
#include "dataplane/worker/rehearsal.h"
#include "dataplane/worker/worker.h"

#include <algorithm>
#include <rte_mbuf.h>
#include <rte_ring.h>

namespace foregate::dataplane {

namespace {

unsigned largest_mtu(const Settings& settings) {
    unsigned largest = 0;
    for (const PortSettings& port : settings.ports) {
        largest = std::max<unsigned>(largest, port.mtu);
    }
    return largest;
}

} // namespace

/// In the order of construction; destruction is the exact reverse.
struct Dataplane::Parts {
    explicit Parts(const Settings& given) : settings(given), eal(settings), layout(core_layout(settings)) {}

    const Settings settings;
    Eal eal;
    CoreLayout layout;
    Clock clock;
    PacketPool pool;       ///< what ports of ordinary MTU receive into; our own packets
    PacketPool jumbo_pool; ///< for ports whose frames do not fit there; null without any. Apart, since AF_XDP's buffers
                           ///< must not be larger than a page
    std::vector<std::unique_ptr<Port>> ports;
    std::vector<std::unique_ptr<Twin>> twins;            ///< by port index; null where there is none
    std::vector<PacketRing> kernel_rings;                ///< likewise
    OwnerRule owner_rule{OwnerRule::by_seed(1, 0)};
    std::vector<PacketRing> redirect_rings;              ///< by worker
    std::vector<std::unique_ptr<TransmitStage>> transmit; ///< by port index; null for pair ports
    std::vector<PortLane> lanes;                         ///< by port index
    std::unique_ptr<GenerationSlot> generations;
    std::unique_ptr<SpliceFile> splice_file;             ///< null: splices end with the process
    std::string splices_not_read;
    std::vector<std::unique_ptr<Worker>> workers;
    std::unique_ptr<TwinThread> twin_thread;
    std::vector<std::unique_ptr<PollingCore>> cores;

    void take_over_splices();
};

/// What the process before has left goes to the workers that own it now, whatever their number was then.
void Dataplane::Parts::take_over_splices() {
    if (settings.splice_file.empty()) {
        return;
    }
    splice_file = std::make_unique<SpliceFile>(settings.splice_file, layout.workers, settings.held_per_worker);
    splices_not_read = splice_file->why_not();
    std::vector<std::vector<SpliceRecord>> by_worker(workers.size());
    for (const SpliceRecord& record : splice_file->left_behind()) {
        by_worker[owner_rule.owner(record.source, record.server)].push_back(record);
    }
    for (unsigned w = 0; w < workers.size(); ++w) {
        workers[w]->take_over(splice_file->region(w), by_worker[w], clock.now_ns());
    }
    splice_file->replace();
}

const std::string& Dataplane::splices_not_read() const noexcept { return parts_->splices_not_read; }

Dataplane::Dataplane(const Settings& settings) : parts_(std::make_unique<Parts>(settings)) {
    Parts& p = *parts_;
    p.pool = make_packet_pool("packets", settings.packet_buffers);
    if (const unsigned mtu = largest_mtu(settings); buffer_bytes(mtu) > buffer_bytes(0)) {
        p.jumbo_pool = make_packet_pool("jumbo", settings.packet_buffers, 256, mtu);
    }
    const auto pool_of = [&p](const PortSettings& port) {
        return buffer_bytes(port.mtu) > buffer_bytes(0) ? p.jumbo_pool.get() : p.pool.get();
    };
    for (std::uint16_t i = 0; i < settings.ports.size(); ++i) {
        const PortSettings& port = settings.ports[i];
        p.ports.push_back(std::make_unique<Port>(port, i, is_routed(port.kind) ? p.layout.workers : 1,
                                                 pool_of(port)));
        const bool routed = is_routed(port.kind);
        p.transmit.push_back(routed ? std::make_unique<TransmitStage>(*p.ports[i], settings.max_desktops,
                                                                 settings.idle_sleep ? 2'000'000 : 200'000) : nullptr);
        const bool twin = routed && !port.twin.empty();
        p.twins.push_back(twin ? std::make_unique<Twin>(port.twin, p.ports[i]->mac(), port.mtu) : nullptr);
        p.kernel_rings.push_back(twin ? make_packet_ring("kernel-" + port.name, 1024) : nullptr);
    }
    std::vector<PortLane>& lanes = p.lanes;
    std::vector<TwinThread::Lane> twin_lanes;
    Port* primary[2] = {nullptr, nullptr};
    for (std::uint16_t i = 0; i < p.ports.size(); ++i) {
        lanes.push_back({p.ports[i].get(), p.transmit[i] ? p.transmit[i]->ring() : nullptr, p.kernel_rings[i].get()});
        if (p.twins[i]) {
            twin_lanes.push_back({p.twins[i].get(), p.kernel_rings[i].get(), p.transmit[i]->ring(), pool_of(settings.ports[i])});
        }
        if (settings.ports[i].kind == PortKind::primary_desktop) {
            primary[0] = p.ports[i].get();
        } else if (settings.ports[i].kind == PortKind::primary_client) {
            primary[1] = p.ports[i].get();
        }
    }
    const bool by_interface =
        std::any_of(p.ports.begin(), p.ports.end(), [](const auto& port) { return port->spread().symmetric; });
    p.owner_rule = by_interface ? OwnerRule::by_interface(p.layout.workers)
                                : OwnerRule::by_seed(p.layout.workers, settings.seed);
    std::vector<rte_ring*> redirect;
    for (unsigned w = 0; w < p.layout.workers && p.layout.workers > 1; ++w) {
        p.redirect_rings.push_back(make_packet_ring("redirect-" + std::to_string(w), 2048));
        redirect.push_back(p.redirect_rings.back().get());
    }
    p.generations = std::make_unique<GenerationSlot>(p.layout.workers);
    for (unsigned w = 0; w < p.layout.workers; ++w) {
        p.workers.push_back(std::make_unique<Worker>(w, p.settings, lanes, p.pool.get(),
                                                     SpreadLanes{redirect, &p.owner_rule},
                                                     w == 0 ? primary[0] : nullptr, w == 0 ? primary[1] : nullptr,
                                                     *p.generations));
    }
    p.twin_thread = std::make_unique<TwinThread>(std::move(twin_lanes), settings.control_cpu);
}

Dataplane::~Dataplane() { stop(); }

void Dataplane::start() {
    Parts& p = *parts_;
    p.take_over_splices();
    std::vector<TransmitStage*> transmit;
    for (const auto& stage : p.transmit) {
        if (stage) {
            transmit.push_back(stage.get());
        }
    }
    for (unsigned w = 0; w < p.layout.workers; ++w) {
        const bool shapes = !p.layout.shaper_apart && p.layout.shaper_worker == w;
        p.cores.push_back(std::make_unique<PollingCore>(p.layout.worker_lcore(w), p.clock, p.settings.idle_sleep,
                                                        p.workers[w].get(), p.generations.get(),
                                                        shapes ? transmit : std::vector<TransmitStage*>{}));
    }
    if (p.layout.shaper_apart) {
        p.cores.push_back(std::make_unique<PollingCore>(p.layout.shaper_lcore(), p.clock, p.settings.idle_sleep,
                                                        nullptr, nullptr, transmit));
    }
    for (auto& core : p.cores) {
        core->start();
    }
}

void Dataplane::stop() { parts_->cores.clear(); }

void Dataplane::publish(std::unique_ptr<Generation> next) {
    const Generation& now = published();
    const auto keep = [](auto& part, const auto& before) {
        if (part == nullptr) {
            part = before;
        }
    };
    keep(next->routes, now.routes);
    keep(next->desktops, now.desktops);
    keep(next->plan, now.plan);
    keep(next->pattern, now.pattern);
    keep(next->threats, now.threats);
    keep(next->access, now.access);
    keep(next->catalogue, now.catalogue);
    next->number = now.number + 1;
    parts_->generations->publish(std::move(next));
}

const Generation& Dataplane::published() const noexcept { return parts_->generations->current(); }

void Dataplane::reclaim() { parts_->generations->reclaim(); }

bool Dataplane::post(unsigned worker, const Order& order) { return parts_->workers[worker]->orders().post(order); }

bool Dataplane::post_shaper(std::uint16_t port, const ShaperOrder& order) {
    return port >= parts_->transmit.size() || !parts_->transmit[port] || parts_->transmit[port]->post(order);
}

bool Dataplane::next_report(unsigned worker, Report& out) { return parts_->workers[worker]->reports().take(out); }

unsigned Dataplane::worker_of(const IpAddress& a, const IpAddress& b) const noexcept {
    return parts_->owner_rule.owner(a, b);
}

unsigned Dataplane::worker_count() const noexcept { return static_cast<unsigned>(parts_->workers.size()); }

UsageTable& Dataplane::usage_table(unsigned worker, unsigned table) {
    return parts_->workers[worker]->usage_table(table);
}

const Settings& Dataplane::settings() const noexcept { return parts_->settings; }

std::vector<PortView> Dataplane::ports() const {
    std::vector<PortView> out;
    for (std::size_t i = 0; i < parts_->ports.size(); ++i) {
        const Port& port = *parts_->ports[i];
        const PortStats stats = port.stats();
        PortView view;
        view.name = port.settings().name;
        view.device = port.settings().device;
        view.driver = port.driver();
        view.kind = port.settings().kind;
        view.mac = port.mac();
        view.rate_bps = port.settings().rate_bps;
        if (parts_->twins[i]) {
            view.twin = parts_->twins[i]->name();
            view.twin_index = parts_->twins[i]->interface_index();
        }
        view.rx_packets = stats.rx_packets;
        view.rx_bytes = stats.rx_bytes;
        view.rx_missed = stats.rx_missed;
        view.rx_no_buffer = stats.rx_no_buffer;
        view.tx_packets = stats.tx_packets;
        view.tx_bytes = stats.tx_bytes;
        view.tx_errors = stats.tx_errors;
        view.link_up = stats.link_up;
        view.rx_queues = port.rx_queues();
        view.symmetric_rss = port.spread().symmetric;
        view.spread = port.spread().text;
        out.push_back(std::move(view));
    }
    return out;
}

std::vector<CoreView> Dataplane::cores() const {
    const Parts& p = *parts_;
    std::vector<CoreView> out(1);
    out[0].role = "control";
    out[0].cpu = p.settings.control_cpu;
    const auto add = [&](const char* role, unsigned cpu, std::size_t core) -> CoreView& {
        CoreView& view = out.emplace_back();
        view.role = role;
        view.cpu = cpu;
        if (core < p.cores.size()) { // not before the start
            const CoreTime& time = p.cores[core]->time();
            view.turns = time.turns.read();
            view.idle_turns = time.idle_turns.read();
            view.busy_ns = time.busy_ns.read();
            view.idle_ns = time.idle_ns.read();
        }
        return view;
    };
    for (unsigned w = 0; w < p.workers.size(); ++w) {
        const bool shapes = !p.layout.shaper_apart && p.layout.shaper_worker == w;
        const Worker& worker = *p.workers[w];
        CoreView& view = add(shapes ? "worker+shaper" : "worker", p.settings.worker_cpus[w], w);
        view.worker = static_cast<int>(w);
        view.flows = worker.flow_count();
        view.bursts = worker.counters().read(Counter::bursts);
        view.redirected_out = worker.counters().read(Counter::redirected); // before `received`: never more than it
        view.received = worker.counters().read(Counter::received);
        view.redirected_in = worker.counters().read(Counter::redirected_in);
        view.stages = worker.stage_sums();
    }
    if (p.layout.shaper_apart) {
        add("shaper", p.settings.shaper_cpu, p.workers.size());
    }
    return out;
}

std::uint64_t Dataplane::read(Counter counter) const noexcept {
    std::uint64_t sum = 0;
    for (const auto& worker : parts_->workers) {
        sum += worker->counters().read(counter);
    }
    return sum;
}

std::uint64_t Dataplane::read(DropReason reason) const noexcept {
    std::uint64_t sum = parts_->twin_thread->counters().read(reason);
    for (const auto& worker : parts_->workers) {
        sum += worker->counters().read(reason);
    }
    for (const auto& stage : parts_->transmit) {
        sum += stage ? stage->counters().read(reason) : 0;
    }
    return sum;
}

std::vector<DropView> Dataplane::drops_by_core() const {
    std::vector<DropView> out;
    const auto add = [&out](std::string core, const CounterBlock& counters) {
        DropView& view = out.emplace_back();
        view.core = std::move(core);
        for (std::size_t i = 0; i < kDropReasons; ++i) {
            view.counts[i] = counters.read(static_cast<DropReason>(i));
        }
    };
    for (unsigned w = 0; w < parts_->workers.size(); ++w) {
        add("worker " + std::to_string(w), parts_->workers[w]->counters());
    }
    for (const auto& stage : parts_->transmit) {
        if (stage) {
            add("shaper of " + stage->port().settings().name, stage->counters());
        }
    }
    add("twins", parts_->twin_thread->counters());
    return out;
}

DesktopView Dataplane::desktop(std::uint32_t number) const noexcept {
    DesktopView view;
    for (const auto& worker : parts_->workers) {
        const DesktopCell& cell = worker->desktop(number);
        view.bytes_up += cell.bytes_up.read();
        view.bytes_down += cell.bytes_down.read();
        view.packets_up += cell.packets_up.read();
        view.packets_down += cell.packets_down.read();
        view.connections += cell.connections.read();
        view.blocked += cell.blocked.read();
        view.last_activity_ms = std::max(view.last_activity_ms, cell.last_activity_ms.read());
    }
    return view;
}

const Shaper* Dataplane::shaper(std::uint16_t port) const noexcept {
    return port < parts_->transmit.size() && parts_->transmit[port] ? &parts_->transmit[port]->shaper() : nullptr;
}

std::uint64_t Dataplane::now_ms() const noexcept { return parts_->clock.now_ns() / 1'000'000; }

std::uint64_t Dataplane::now_ns() const noexcept { return parts_->clock.now_ns(); }

std::vector<CapturePoint*> Dataplane::capture_points() noexcept {
    std::vector<CapturePoint*> points;
    for (const auto& worker : parts_->workers) {
        points.push_back(&worker->capture_point());
    }
    for (const auto& stage : parts_->transmit) {
        if (stage) {
            points.push_back(&stage->capture_point());
        }
    }
    return points;
}

RehearsalResult Dataplane::rehearse(const RehearsalOrder& order) {
    Parts& p = *parts_;
    return dataplane::rehearse(order, p.settings, p.lanes, worker_count(), *p.generations, p.clock.now_ns());
}

bool Dataplane::dump_ready() const noexcept { return parts_->eal.dump_ready(); }

unsigned Dataplane::free_packet_buffers() const noexcept { return rte_mempool_avail_count(parts_->pool.get()); }

} // namespace foregate::dataplane
