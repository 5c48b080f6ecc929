// SPDX-License-Identifier: BSD-3-Clause
// What a worker does between bursts: orders of the control core, ageing, snapshots.
#include "dataplane/worker/worker.h"

namespace foregate::dataplane {

namespace {

constexpr std::uint32_t kAgedATurn = 64; ///< at most once a millisecond: 262,144 places in four seconds
constexpr std::uint32_t kViewedATurn = 1024;

/// Idle time after which a flow goes; RFC 5382 and RFC 4787 ask at least this of a middle box.
std::uint32_t idle_limit_ms(const Flow& flow) noexcept {
    switch (flow.tcp) {
    case TcpPhase::opening:
        return 30'000;
    case TcpPhase::established:
        return 7'440'000;
    case TcpPhase::closing:
        return 120'000;
    case TcpPhase::closed:
        return 5'000;
    case TcpPhase::none:
        break;
    }
    return flow.protocol == kProtoUdp ? 120'000 : 30'000;
}

FlowView view_of(const Flow& flow, const FlowCold& cold, std::uint32_t now_ms) noexcept {
    FlowView view;
    view.desktop_address = flow.desktop_address();
    view.server = flow.server();
    view.desktop_port = flow.desktop_port();
    view.server_port = flow.server_port();
    view.protocol = flow.protocol;
    view.desktop = flow.desktop;
    view.usage_class = cold.usage_class;
    view.app = flow.app;
    view.application_protocol = cold.application_protocol;
    view.application = cold.application;
    view.guessed = cold.guessed;
    view.verdict = flow.verdict;
    view.blocked_for = cold.blocked_for;
    view.tcp = flow.tcp;
    view.spliced = flow.has_splice;
    view.allotment = flow.allotment;
    const unsigned up = flow.desktop_is_low ? 0 : 1;
    const auto packets = [&](unsigned direction) noexcept {
        return static_cast<std::uint64_t>(cold.packets_high[direction]) << 32 | flow.packets[direction];
    };
    view.packets_up = packets(up);
    view.packets_down = packets(1 - up);
    view.bytes_up = flow.bytes[up];
    view.bytes_down = flow.bytes[1 - up];
    view.age_ms = now_ms - cold.created_ms;
    view.idle_ms = now_ms - flow.last_seen_ms;
    return view;
}

} // namespace

void Worker::obey(const Order& order) noexcept {
    if (const auto* open = std::get_if<OpenHeld>(&order)) {
        open_held(*open);
    } else if (const auto* close = std::get_if<CloseHeld>(&order)) {
        (void)state_.splicer.close(close->id, state_.now_ns);
    } else if (const auto* of_desktop = std::get_if<CloseHeldOfDesktop>(&order)) {
        state_.splicer.close_desktop(of_desktop->desktop, of_desktop->scope, state_.now_ns);
    } else if (const auto* to_server = std::get_if<CloseHeldToServer>(&order)) {
        state_.splicer.close_server(to_server->server, to_server->port, to_server->scope, state_.now_ns);
    } else if (const auto* rotate = std::get_if<RotateUsage>(&order)) {
        const auto finished = static_cast<std::uint8_t>(state_.usage_table);
        state_.usage_table = 1 - state_.usage_table;
        ++state_.stamp;
        state_.usage_salt = rotate->salt;
        state_.report(UsageReady{rotate->epoch, finished});
    } else if (const auto* take = std::get_if<TakeSnapshot>(&order)) {
        snapshot_ = *take;
        snapshot_left_ = take->flows ? state_.flows.places() : 0;
        snapshot_first_ = 0;
        snapshot_held_ = 0;
    } else if (const auto* look = std::get_if<LookUpFlow>(&order)) {
        look_up(*look);
    } else if (const auto* start = std::get_if<StartTrace>(&order)) {
        trace_ = start->job;
    } else if (std::holds_alternative<StopTrace>(order) && trace_ != nullptr) {
        TraceJob* job = trace_;
        trace_ = nullptr;
        job->released.store(true, std::memory_order_release);
    }
}

void Worker::look_up(const LookUpFlow& order) noexcept {
    bool from_low = false;
    const FlowKey key = flow_key(order.source, order.source_port, order.destination, order.destination_port,
                                 order.protocol, from_low);
    if (const Flow* flow = state_.flows.find(key, state_.flows.hash(key))) {
        order.into->found = true;
        order.into->view = view_of(*flow, state_.flows.cold(*flow), state_.now_ms());
    }
    order.into->unexpected = state_.ledger.seen(order.desktop, state_.generation->pattern->bucket());
    order.into->done.store(true, std::memory_order_release);
}

void Worker::open_held(const OpenHeld& order) noexcept {
    state_.counters.add(Counter::held_dialed);
    const PortInUse in_use{[](void* context, const HeldTuple& tuple) noexcept {
                               auto& flows = *static_cast<FlowTable*>(context);
                               bool low = false;
                               const FlowKey key = flow_key(tuple.source, tuple.source_port, tuple.server,
                                                            tuple.server_port, kProtoTcp, low);
                               return flows.find(key, flows.hash(key)) != nullptr;
                           },
                           &state_.flows};
    const auto opened = state_.splicer.open(order, state_.now_ns, in_use);
    if (!opened) {
        return; // reported by the splicer
    }
    if (insert_held_flow(*opened, order) == nullptr) {
        state_.counters.drop(DropReason::flow_table_full);
        state_.splicer.close(order.id, state_.now_ns);
    }
}

/// The flow of a held connection's own five-tuple; nullptr when there is no room.
Flow* Worker::insert_held_flow(const OpenedHeld& opened, const OpenHeld& order) noexcept {
    bool from_low = false;
    const FlowKey key = flow_key(opened.tuple.source, opened.tuple.source_port, opened.tuple.server,
                                 opened.tuple.server_port, kProtoTcp, from_low);
    Flow* flow = state_.flows.insert(key, state_.flows.hash(key));
    if (flow == nullptr) {
        return nullptr;
    }
    flow->desktop_is_low = from_low;
    flow->begun_by_desktop = true;
    flow->desktop = order.desktop;
    flow->has_desktop = true;
    flow->tcp = TcpPhase::established;
    flow->verdict = FlowVerdict::allow;
    flow->has_splice = true;
    flow->splice_upstream_side = true;
    flow->last_seen_ms = state_.now_ms();
    FlowCold& cold = state_.flows.cold(*flow);
    cold.usage_class = order.usage_class;
    cold.splice = opened.ref;
    cold.created_ms = state_.now_ms();
    state_.new_flows.begun(opened.tuple.source, state_.now_ns); // counted with the desktop's own, limited by the plan's caps
    return flow;
}

void Worker::take_over(std::span<SpliceRecord> records, std::span<const SpliceRecord> left_behind,
                       std::uint64_t now_ns) noexcept {
    begin_turn(now_ns);
    state_.splicer.keep_records(records);
    for (const SpliceRecord& record : left_behind) {
        take_over_one(record);
    }
    state_.counters.add(Counter::splices_taken_over, state_.splicer.counters().taken_over);
    state_.counters.add(Counter::splices_left_behind, state_.splicer.counters().left_behind);
}

void Worker::take_over_one(const SpliceRecord& record) noexcept {
    const DesktopTable& desktops = *state_.generation->desktops;
    const DesktopRecord* desktop = desktops.find(record.source);
    OpenHeld order;
    order.desktop = desktop != nullptr ? desktop->desktop : 0;
    order.usage_class = desktop != nullptr ? desktop->usage_class : std::uint16_t{0};
    const bool known = desktop != nullptr || desktops.allow_unknown();
    const auto opened = state_.splicer.take_over(record, order, known, state_.now_ns);
    if (!opened || insert_held_flow(*opened, order) == nullptr || record.desktop_port == 0 ||
        record.desktop_port == record.held_port) {
        return;
    }
    bool from_low = false;
    const FlowKey key = flow_key(record.source, record.desktop_port, record.server, record.server_port, kProtoTcp, from_low);
    Flow* flow = state_.flows.insert(key, state_.flows.hash(key));
    if (flow == nullptr) {
        return;
    }
    flow->desktop_is_low = from_low;
    flow->begun_by_desktop = true;
    const bool goes_on = state_.splicer.state(opened->ref) == HeldState::resumed;
    flow->tcp = goes_on ? TcpPhase::established : TcpPhase::opening; // which ages soon
    flow->counted_connection = flow->counted_answer = true; // by the process before
    flow->has_splice = true;
    flow->last_seen_ms = state_.now_ms();
    const CatalogueTables* tables = state_.generation->catalogue.get();
    flow->app = tables != nullptr ? tables->catalogue.port_type(kProtoTcp, record.server_port)
                                  : app_type_of_port(kProtoTcp, record.server_port);
    FlowCold& cold = state_.flows.cold(*flow);
    cold.splice = opened->ref;
    cold.created_ms = state_.now_ms();
    cold.client_is_low = from_low;
    state_.new_flows.begun(record.source, state_.now_ns);
}

void Worker::age_flows() noexcept {
    const std::uint32_t now = state_.now_ms();
    if (now == aged_at_ms_) {
        return;
    }
    aged_at_ms_ = now;
    const auto fetch = [this, now](const Flow& flow) noexcept {
        if (now - flow.last_seen_ms > idle_limit_ms(flow)) {
            state_.flows.prefetch_erase(flow);
            if (flow.begun_by_desktop) {
                state_.new_flows.prefetch(flow.desktop_address());
            }
        }
    };
    state_.flows.sweep(kAgedATurn, fetch, [this, now](Flow& flow) noexcept {
        if (flow.splice_upstream_side) {
            if (!state_.splicer.state(state_.flows.cold(flow).splice).has_value()) {
                state_.end_flow(flow);
            }
            return;
        }
        if (now - flow.last_seen_ms > idle_limit_ms(flow)) {
            verdict_.conclude(flow);
            count_.flow_ended(flow);
            state_.end_flow(flow);
            state_.counters.add(Counter::flows_expired);
        }
    });
}

void Worker::end_flows(Examiner& examiner) noexcept {
    state_.flows.sweep(state_.flows.places(), [&](Flow& flow) noexcept {
        verdict_.conclude(flow);
        examiner.ended(state_.flows.place_of(flow), view_of(flow, state_.flows.cold(flow), state_.now_ms()));
        count_.flow_ended(flow);
        state_.end_flow(flow);
    });
}

void Worker::view_held(Snapshot& into) noexcept {
    std::array<HeldView, 64> views;
    const std::size_t count = state_.splicer.view(snapshot_held_, views, state_.now_ns);
    for (std::size_t i = 0; i < count; ++i) {
        if (snapshot_.desktop != 0 && views[i].desktop != snapshot_.desktop) {
            continue;
        }
        if (into.held.size() < into.held.capacity()) {
            into.held.push_back(views[i]);
        } else {
            into.truncated = true;
        }
    }
    snapshot_.held = snapshot_held_ < state_.splicer.capacity();
}

/// A part of the answer in each turn, so that a table of millions costs no packet its place.
void Worker::continue_snapshot() noexcept {
    Snapshot& into = *snapshot_.into;
    if (snapshot_.held) {
        view_held(into);
    }
    const std::uint32_t part = std::min(snapshot_left_, kViewedATurn);
    const std::uint32_t first = snapshot_first_;
    state_.flows.view(first, part, [&](const Flow& flow) noexcept {
        if (flow.splice_upstream_side || (snapshot_.desktop != 0 && flow.desktop != snapshot_.desktop)) {
            return;
        }
        if (into.flows.size() < into.flows.capacity()) {
            into.flows.push_back(view_of(flow, state_.flows.cold(flow), state_.now_ms()));
        } else {
            into.truncated = true;
        }
    });
    snapshot_first_ += part;
    snapshot_left_ -= part;
    if (snapshot_left_ == 0 && !snapshot_.held) {
        snapshot_.into = nullptr;
        into.done.store(true, std::memory_order_release);
    }
}

} // namespace foregate::dataplane
