// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/worker/stages.h"

#include "dataplane/classify/flow_beginning.h"
#include "dataplane/prefetch.h"
#include "dataplane/worker/address_gate.h"

#include <algorithm>

namespace foregate::dataplane {

namespace {

/// Whether `flow` is the flow of this packet, without building a key.
[[nodiscard]] bool is_flow_of(const Flow& flow, const BatchSlot& slot) noexcept {
    const ParsedPacket& p = slot.parsed;
    const bool up = slot.from_low;
    if (!flow.in_use || flow.protocol != p.protocol || flow.low_port != (up ? p.src_port : p.dst_port) ||
        flow.high_port != (up ? p.dst_port : p.src_port)) {
        return false;
    }
    const IpAddress& low = up ? p.src : p.dst;
    const IpAddress& high = up ? p.dst : p.src;
    if (p.ip_version == 4) {
        return flow.low == low.v4() && flow.high == high.v4();
    }
    const auto& wide = static_cast<const Flow6&>(flow);
    return wide.low_ip == low && wide.high_ip == high;
}

[[nodiscard]] FlowKey key_of(const BatchSlot& slot) noexcept {
    const ParsedPacket& p = slot.parsed;
    return slot.from_low ? FlowKey{p.src, p.dst, p.src_port, p.dst_port, p.protocol}
                         : FlowKey{p.dst, p.src, p.dst_port, p.src_port, p.protocol};
}

} // namespace

/// Three passes, so that the misses of a burst overlap: buckets are fetched ahead, then flows, then both are read; what
/// the packet will be counted in and where it goes are fetched last.
void FlowStage::run(PacketBatch& batch) noexcept {
    for (BatchSlot& slot : batch) {
        if (slot.fate == Fate::pending) {
            hash_of(slot);
            state_.flows.prefetch(slot.parsed.ip_version == 6, slot.flow_hash);
        }
    }
    for (BatchSlot& slot : batch) {
        if (slot.fate == Fate::pending) {
            slot.flow = state_.flows.prefetch_flow(slot.parsed.ip_version == 6, slot.flow_hash);
            if (slot.flow == nullptr) {
                prefetch_tables(slot);
            }
        }
    }
    const RouteTable& routes = *state_.generation->routes;
    const std::uint32_t now_ms = state_.now_ms();
    for (BatchSlot& slot : batch) {
        if (slot.fate == Fate::pending) {
            Flow* flow = slot.flow;
            if (flow == nullptr || !is_flow_of(*flow, slot) || flow->stamp != state_.stamp) [[unlikely]] {
                slot.flow = find_or_create(slot);
            } else if (forged(*flow, slot)) [[unlikely]] {
                slot.flow = nullptr;
            } else {
                flow->last_seen_ms = now_ms;
            }
            if (slot.flow != nullptr) {
                prefetch_rest(slot, routes);
            }
        }
    }
}

void FlowStage::hash_of(BatchSlot& slot) const noexcept {
    const ParsedPacket& p = slot.parsed;
    if (p.ip_version == 4) {
        const std::uint32_t src = p.src.v4();
        const std::uint32_t dst = p.dst.v4();
        const bool up = src < dst || (src == dst && p.src_port <= p.dst_port);
        slot.from_low = up;
        slot.flow_hash = state_.flows.hash_v4(up ? src : dst, up ? dst : src, up ? p.src_port : p.dst_port,
                                              up ? p.dst_port : p.src_port, p.protocol);
        return;
    }
    slot.flow_hash =
        state_.flows.hash(flow_key(p.src, p.src_port, p.dst, p.dst_port, p.protocol, slot.from_low));
}

bool FlowStage::from_desktop_port(const BatchSlot& slot) const noexcept {
    return state_.lanes[slot.packet->port].kind == PortKind::desktop;
}

/// What the first packet of a flow will be looked up in.
void FlowStage::prefetch_tables(const BatchSlot& slot) const noexcept {
    const Generation& tables = *state_.generation;
    const ParsedPacket& p = slot.parsed;
    state_.flows.prefetch_other(p.ip_version == 6, slot.flow_hash);
    tables.routes->prefetch(p.src);
    tables.routes->prefetch(p.dst);
    if (from_desktop_port(slot)) {
        tables.desktops->prefetch(p.src);
        state_.new_flows.prefetch(p.src);
    } else {
        tables.desktops->prefetch(p.dst);
    }
}

void FlowStage::prefetch_rest(const BatchSlot& slot, const RouteTable& routes) const noexcept {
    const Flow& flow = *slot.flow;
    prefetch_line(&routes.hop(flow.hops[slot.from_low ? 0 : 1]));
    if (flow.verdict == FlowVerdict::undecided) {
        prefetch_payload(slot);
    }
    if (!flow.has_desktop) {
        return;
    }
    prefetch_line_to_write(&state_.desktop_cell(flow.desktop));
    if (flow.usage_cell != kNoUsageCell) {
        prefetch_line_to_write(&state_.usage_tables[state_.usage_table].cell(flow.usage_cell));
    }
}

/// What a look at the payload will read: the line with its beginning is there already.
void FlowStage::prefetch_payload(const BatchSlot& slot) const noexcept {
    constexpr unsigned kLine = 64;
    constexpr unsigned kLines = 4;
    state_.flows.prefetch_cold(*slot.flow);
    const std::uint8_t* payload = slot.frame() + slot.parsed.payload_offset;
    for (unsigned at = kLine; at < kLines * kLine && at < slot.parsed.payload_length; at += kLine) {
        prefetch_line(payload + at);
    }
}

/// `slot.flow` is a candidate, or nullptr; the slot's hash is set.
Flow* FlowStage::find_or_create(BatchSlot& slot) noexcept {
    Flow* flow = slot.flow;
    if (flow == nullptr || !is_flow_of(*flow, slot)) {
        const FlowKey key = key_of(slot);
        flow = state_.flows.find(key, slot.flow_hash);
        if (flow == nullptr) {
            flow = create(slot, key);
            if (flow == nullptr) {
                return nullptr;
            }
        }
    }
    if (flow->stamp != state_.stamp) {
        refresh(*flow);
    }
    if (!slot.new_flow && forged(*flow, slot)) {
        return nullptr;
    }
    flow->last_seen_ms = state_.now_ms();
    return flow;
}

Flow* FlowStage::find_or_create_again(BatchSlot& slot) noexcept {
    hash_of(slot);
    slot.flow = nullptr;
    return find_or_create(slot);
}

/// The first packet of a flow; nullptr when it is none, with the packet's fate set.
Flow* FlowStage::create(BatchSlot& slot, const FlowKey& key) noexcept {
    if (!pass_address_gate(slot, *state_.generation->routes)) { // a talk with the gateway itself is no flow
        return nullptr;
    }
    DropReason reason{};
    if (!admit_new(slot, reason)) {
        slot.drop(reason);
        return nullptr;
    }
    return insert(slot, key);
}

/// A packet of a known flow that comes in where its sender cannot be: admit_new() asks this of the first packet only.
bool FlowStage::forged(const Flow& flow, BatchSlot& slot) const noexcept {
    const bool on_desktop_port = from_desktop_port(slot);
    const bool from_desktop = slot.from_low == flow.desktop_is_low;
    if (from_desktop == on_desktop_port || !flow.has_desktop) {
        return false;
    }
    if (!on_desktop_port) {
        slot.drop(DropReason::spoofed_source);
        return true;
    }
    const DesktopTable& table = *state_.generation->desktops; // the other end may be a desktop too
    if (table.allow_unknown() || table.find(slot.parsed.src) != nullptr) {
        return false;
    }
    slot.drop(DropReason::unknown_desktop);
    return true;
}

/// A desktop cannot begin a flow with another's address: the kernel knows which port and which machine has it. Of what
/// comes by a router, or is not resolved yet, nothing is known.
bool FlowStage::from_its_own_place(const BatchSlot& slot) const noexcept {
    if (!state_.lanes[slot.packet->port].port->settings().check_source_mac) {
        return true;
    }
    const Hop* hop = state_.generation->routes->on_link(slot.parsed.src);
    return hop == nullptr ||
           (hop->port == slot.packet->port && std::equal(hop->mac.begin(), hop->mac.end(), slot.frame() + 6));
}

/// A source on a desktop port must be a desktop, and one on an upstream port must not be.
bool FlowStage::admit_new(const BatchSlot& slot, DropReason& reason) noexcept {
    const DesktopTable& table = *state_.generation->desktops;
    const bool known = table.find(slot.parsed.src) != nullptr;
    if (from_desktop_port(slot)) {
        reason = DropReason::unknown_desktop;
        if (!known && !table.allow_unknown()) {
            return false;
        }
        if (!from_its_own_place(slot)) {
            reason = DropReason::spoofed_source;
            return false;
        }
        const auto answer = state_.new_flows.admit(slot.parsed.src, state_.now_ns);
        reason = answer == NewFlowLimiter::Answer::too_many ? DropReason::flow_limit : DropReason::new_flow_rate;
        return answer == NewFlowLimiter::Answer::admit;
    }
    reason = DropReason::spoofed_source;
    return !known;
}

/// What has become of a flow that began half-open.
NewFlowLimiter::Now FlowStage::look(std::uint32_t place, std::uint32_t born_ms) const noexcept {
    const Flow& flow = state_.flows.flow_at(place);
    if (!flow.in_use || flow.tcp != TcpPhase::opening || !flow.begun_by_desktop || flow.has_splice ||
        state_.flows.cold(flow).created_ms != born_ms) {
        return NewFlowLimiter::Now::gone;
    }
    // Other packets of this burst may hold a pointer to it.
    return flow.last_seen_ms == state_.now_ms() ? NewFlowLimiter::Now::busy : NewFlowLimiter::Now::half_open;
}

/// A flow in its place, begun; at its desktop's limit or in a full table a half-open connection gives way to it. nullptr:
/// none could, and the packet is dropped.
Flow* FlowStage::insert(BatchSlot& slot, const FlowKey& key) noexcept {
    const IpAddress& desktop = slot.parsed.src;
    const bool by_desktop = from_desktop_port(slot);
    const bool half_open = by_desktop && slot.is_tcp_syn();
    const auto look_at = [this](std::uint32_t place, std::uint32_t born_ms) noexcept { return look(place, born_ms); };
    if (half_open) {
        const auto room = state_.new_flows.make_room(desktop, look_at);
        end_half_open(room.victim);
        if (!room.granted) {
            slot.drop(DropReason::flow_limit);
            return nullptr;
        }
    }
    Flow* flow = state_.flows.insert(key, slot.flow_hash);
    if (flow == nullptr && by_desktop) {
        const auto place = state_.new_flows.give_way(desktop, look_at);
        end_half_open(place);
        flow = place ? state_.flows.insert(key, slot.flow_hash) : nullptr;
    }
    if (flow == nullptr) {
        slot.drop(DropReason::flow_table_full);
        return nullptr;
    }
    begin(*flow, slot);
    slot.new_flow = true;
    if (by_desktop) {
        state_.new_flows.begun(desktop, state_.now_ns);
    }
    if (half_open) {
        state_.new_flows.half_open(desktop, state_.flows.place_of(*flow), state_.now_ms());
    }
    return flow;
}

void FlowStage::end_half_open(std::optional<std::uint32_t> place) noexcept {
    if (place) {
        state_.end_flow(state_.flows.flow_at(*place));
        state_.counters.add(Counter::half_open_ended);
    }
}

void FlowStage::begin(Flow& flow, const BatchSlot& slot) noexcept {
    FlowCold& cold = state_.flows.cold(flow);
    cold.created_ms = state_.now_ms();
    flow.begun_by_desktop = from_desktop_port(slot);
    flow.desktop_is_low = flow.begun_by_desktop == slot.from_low;
    flow.tcp = slot.parsed.protocol == kProtoTcp ? TcpPhase::opening : TcpPhase::none;
    const CatalogueTables* tables = state_.generation->catalogue.get();
    const AppType by_port = tables != nullptr
                                ? tables->catalogue.port_type(slot.parsed.protocol, flow.server_port())
                                : app_type_of_port(slot.parsed.protocol, flow.server_port());
    flow.app = state_.services.find(flow.server(), flow.server_port(), flow.protocol, by_port);
    if (tables != nullptr) {
        const FlowBeginning beginning = flow_beginning(slot.parsed, tables->catalogue);
        cold.client_is_low = beginning.from_client == slot.from_low;
        cold.beginning_seen = beginning.seen;
    }
    state_.counters.add(Counter::flows_created);
}

void FlowStage::refresh(Flow& flow) noexcept {
    const Generation& tables = *state_.generation;
    flow.stamp = state_.stamp;
    const DesktopRecord* record = tables.desktops->find(flow.desktop_address());
    flow.has_desktop = record != nullptr;
    flow.desktop = record != nullptr ? record->desktop : 0;
    const std::uint16_t usage_class = record != nullptr ? record->usage_class : std::uint16_t{0};
    state_.flows.cold(flow).usage_class = usage_class;
    flow.secondary = record != nullptr ? record->state : SecondaryState::open;
    flow.hops[0] = tables.routes->lookup_number(flow.high_address());
    flow.hops[1] = tables.routes->lookup_number(flow.low_address());
    flow.allotment = flow.has_desktop ? tables.plan->find({flow.server(), flow.server_port(), usage_class})
                                      : AllotmentRef{};
    flow.usage_cell = kNoUsageCell;
    flow.recheck = true;
}

} // namespace foregate::dataplane
