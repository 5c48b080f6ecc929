// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/classify/flow_beginning.h"
#include "dataplane/offline/offline_state.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <rte_mbuf.h>
#include <rte_ring.h>
#include <stdexcept>

namespace foregate::dataplane {

namespace {

constexpr std::size_t kMostHosts = 16;
constexpr std::uint16_t kArp = 0x0806;
constexpr std::uint32_t kLeastFlows = 1024;
constexpr std::uint32_t kMostFlows = 1U << 22;
constexpr std::uint32_t kMostUndecided = 1U << 16;

// Kinds of nameless flows beside IP's protocols.
constexpr std::uint32_t kUnreadable = 0x100;
constexpr std::uint32_t kEtherTypes = 0x10000; ///< and the EtherType, 0 for 802.3

/// As big as the capture may need: nothing ages within a file, however long it is.
Settings sized(Settings settings, std::uint64_t most_flows) {
    const auto flows = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(most_flows, kLeastFlows, kMostFlows));
    settings.flows_per_worker = std::bit_ceil(flows);
    settings.undecided_flows = std::min(settings.flows_per_worker, kMostUndecided);
    return settings;
}

} // namespace

OfflineFlows::State::State(OfflineGateway::State& of_gateway, std::uint64_t most_flows)
    : gateway(of_gateway), settings(sized(gateway.settings, most_flows)),
      worker(0, settings, gateway.lanes, gateway.pool.get(), SpreadLanes{}, nullptr, nullptr, gateway.generations) {}

OfflineFlows::State::~State() { (void)take_departures(); }

/// The client's end is the desktop's.
std::uint16_t OfflineFlows::State::port_of(std::span<const std::uint8_t> frame) const noexcept {
    ParsedPacket p;
    if (parse(frame.data(), static_cast<std::uint32_t>(frame.size()), p, HeaderChecksum::known_good) != ParseResult::ip) {
        return 0;
    }
    bool from_low = false;
    const Flow* flow = worker.find_flow(flow_key(p.src, p.src_port, p.dst, p.dst_port, p.protocol, from_low));
    const bool from_client = flow != nullptr ? flow->desktop_is_low == from_low
                                             : flow_beginning(p, gateway.catalogue->catalogue).from_client;
    return from_client ? 0 : 1;
}

void OfflineFlows::State::play(std::span<const std::uint8_t> frame) {
    rte_mbuf* packet = rte_pktmbuf_alloc(gateway.pool.get());
    if (packet == nullptr || frame.size() > packet->buf_len || frame.size() < 14) {
        rte_pktmbuf_free(packet);
        throw std::runtime_error("no packet buffer for a frame of " + std::to_string(frame.size()) + " bytes");
    }
    packet->data_off = 0; // nothing is put in front, and the longest packet needs all the room
    packet->data_len = static_cast<std::uint16_t>(frame.size());
    packet->pkt_len = packet->data_len;
    packet->port = port_of(frame);
    packet->ol_flags |= RTE_MBUF_F_RX_IP_CKSUM_GOOD;
    auto* bytes = rte_pktmbuf_mtod(packet, std::uint8_t*);
    std::memcpy(bytes, frame.data(), frame.size());
    const MacAddress& mac = gateway.ports[packet->port]->mac();
    std::memcpy(bytes, mac.data(), mac.size());
    frame_bytes = frame.size();
    worker.examine(packet, now_ns, *this);
}

/// What has left the worker is gone; true when something of it went to the kernel.
bool OfflineFlows::State::take_departures() noexcept {
    bool kernel = false;
    void* packet = nullptr;
    for (std::size_t i = 0; i < gateway.ports.size(); ++i) {
        while (rte_ring_sc_dequeue(gateway.transmit[i].get(), &packet) == 0) {
            rte_pktmbuf_free(static_cast<rte_mbuf*>(packet));
        }
        while (rte_ring_sc_dequeue(gateway.kernel[i].get(), &packet) == 0) {
            rte_pktmbuf_free(static_cast<rte_mbuf*>(packet));
            kernel = true;
        }
    }
    return kernel;
}

void OfflineFlows::State::examined(const ExaminedPacket& packet) {
    const bool left_to_kernel = take_departures();
    if (const auto held = held_.find(packet.buffer); held != held_.end()) {
        if (!packet.waited) { // its buffer has a new owner: it has waited in vain
            give_up(held->second);
        }
        held_.erase(held);
    }
    if (packet.fate == Fate::elsewhere) {
        held_[packet.buffer] = {packet.parsed.src, packet.parsed.dst, packet.parsed.protocol, packet.parsed.ip_length};
        return;
    }
    OfflineFlow& flow = record_of(packet);
    ++flow.packets;
    flow.bytes += packet.readable ? packet.parsed.ip_length : frame_bytes;
    unreadable += packet.readable ? 0 : 1;
    if (packet.fate == Fate::dropped) {
        ++flow.dropped[packet.reason];
    } else if (packet.fate == Fate::kernel || left_to_kernel) {
        ++flow.to_kernel;
    }
    note_names(flow, *packet.told);
    note_reports(flow);
}

OfflineFlow& OfflineFlows::State::record_of(const ExaminedPacket& packet) {
    const ParsedPacket& p = packet.parsed;
    if (!packet.readable) {
        return nameless({}, {}, kUnreadable);
    }
    bool from_low = false;
    const FlowKey key = flow_key(p.src, p.src_port, p.dst, p.dst_port, p.protocol, from_low);
    const Flow* of = packet.flow;
    std::uint32_t place = packet.place;
    if (of == nullptr) { // its way ended before it had a flow: of fragments the ports are known all the same
        of = worker.find_flow(key);
        if (of == nullptr) {
            return nameless(p.src, p.dst, p.protocol);
        }
        place = worker.place_of(*of);
    }
    OfflineFlow*& record = by_place_[place];
    if (record == nullptr || packet.new_flow) {
        record = &flows.emplace_back();
        record->protocol = of->protocol;
        record->client = of->desktop_address();
        record->server = of->server();
        record->client_port = of->desktop_is_low ? of->low_port : of->high_port;
        record->server_port = of->desktop_is_low ? of->high_port : of->low_port;
    }
    return *record;
}

void OfflineFlows::State::note_names(OfflineFlow& flow, const ClassifyResult& told) {
    for (std::uint8_t i = 0; i < told.name_count && flow.hosts.size() < kMostHosts; ++i) {
        const std::string_view host = told.names[i].name.view();
        if (!host.empty() && std::find(flow.hosts.begin(), flow.hosts.end(), host) == flow.hosts.end()) {
            flow.hosts.emplace_back(host);
        }
    }
}

/// What the worker tells of threats while this packet passes is about its flow.
void OfflineFlows::State::note_reports(OfflineFlow& flow) {
    Report report;
    while (worker.reports().take(report)) {
        if (const auto* matched = std::get_if<ThreatMatched>(&report)) {
            flow.verdict = std::max(flow.verdict, matched->blocked ? OfflineVerdict::block : OfflineVerdict::note);
        }
    }
}

void OfflineFlows::State::ended(std::uint32_t place, const FlowView& view) noexcept {
    const auto found = by_place_.find(place);
    if (found == by_place_.end()) {
        return;
    }
    OfflineFlow& flow = *found->second;
    flow.app = view.application_protocol;
    flow.application = view.application;
    flow.type = view.app;
    flow.guessed = view.guessed;
}

OfflineFlow& OfflineFlows::State::nameless(const IpAddress& client, const IpAddress& server, std::uint32_t kind) {
    OfflineFlow*& flow = nameless_[{client, server, kind}];
    if (flow == nullptr) {
        flow = &flows.emplace_back();
        flow->client = client;
        flow->server = server;
        flow->protocol = kind < kUnreadable ? static_cast<std::uint8_t>(kind) : std::uint8_t{0};
        if (flow->protocol != 0 && kind != kProtoTcp && kind != kProtoUdp) {
            const Catalogue& catalogue = gateway.catalogue->catalogue;
            flow->app = catalogue.port_protocol(PortSpace::ip, flow->protocol);
            flow->type = catalogue.type(flow->app);
        }
    }
    return *flow;
}

void OfflineFlows::State::give_up(const Held& held) {
    OfflineFlow& flow = nameless(held.src, held.dst, held.protocol);
    ++flow.packets;
    flow.bytes += held.bytes;
    ++flow.dropped[DropReason::fragment_timeout];
}

void OfflineFlows::State::give_up_held() {
    for (const auto& [buffer, held] : held_) {
        give_up(held);
    }
    held_.clear();
}

OfflineFlows::OfflineFlows(OfflineGateway& gateway, std::uint64_t most_flows)
    : state_(std::make_unique<State>(*gateway.state_, most_flows)) {}

OfflineFlows::~OfflineFlows() = default;

void OfflineFlows::take_frame(std::span<const std::uint8_t> frame, std::uint64_t time_ns) {
    state_->now_ns = std::max(state_->now_ns, time_ns);
    state_->play(frame);
}

void OfflineFlows::take_other(std::uint16_t ether_type, std::span<const std::uint8_t> bytes) {
    IpAddress from;
    IpAddress to;
    if (ether_type == kArp && bytes.size() >= 28 && load_be16(bytes.data() + 2) == 0x0800) {
        from = IpAddress::from_v4_wire(bytes.data() + 14);
        to = IpAddress::from_v4_wire(bytes.data() + 24);
    }
    OfflineFlow& flow = state_->nameless(std::min(from, to), std::max(from, to), kEtherTypes | ether_type);
    if (flow.packets == 0) {
        const Catalogue& catalogue = state_->gateway.catalogue->catalogue;
        flow.client = from;
        flow.server = to;
        flow.ether_type = ether_type;
        flow.app = catalogue.port_protocol(PortSpace::ether, ether_type);
        flow.type = catalogue.type(flow.app);
    }
    ++flow.packets;
    ++flow.to_kernel;
    flow.bytes += bytes.size();
}

void OfflineFlows::take_unreadable(std::size_t bytes) {
    OfflineFlow& flow = state_->nameless({}, {}, kUnreadable);
    ++state_->unreadable;
    ++flow.packets;
    flow.bytes += bytes;
}

void OfflineFlows::finish() {
    state_->give_up_held();
    state_->worker.end_flows(*state_);
}

const std::deque<OfflineFlow>& OfflineFlows::flows() const noexcept { return state_->flows; }
std::uint64_t OfflineFlows::unreadable() const noexcept { return state_->unreadable; }

} // namespace foregate::dataplane
