// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/worker/recorder.h"

namespace foregate::dataplane {

namespace {

TraceFate trace_fate(Fate fate) noexcept {
    switch (fate) {
    case Fate::pending:
        return TraceFate::pending;
    case Fate::kernel:
        return TraceFate::kernel;
    case Fate::consumed:
        return TraceFate::consumed;
    case Fate::elsewhere:
        return TraceFate::elsewhere;
    case Fate::dropped:
        return TraceFate::dropped;
    }
    return TraceFate::pending;
}

void add_change(StageNote& note, bool is_drop, std::size_t number, std::uint64_t by) noexcept {
    if (by != 0 && note.change_count < StageNote::kMostChanges) {
        note.changes[note.change_count++] = {is_drop, static_cast<std::uint8_t>(number), static_cast<std::uint32_t>(by)};
    }
}

} // namespace

Recorder::Recorder(const WorkerState& state, const BatchSlot& slot, bool redirected, TracedPacket& into) noexcept
    : state_(state), into_(into) {
    into_.time_ns = state.now_ns;
    into_.worker = static_cast<std::uint16_t>(state.index);
    into_.port = slot.packet->port;
    into_.length = rte_pktmbuf_pkt_len(slot.packet);
    into_.redirected = redirected;
    into_.stage_count = 0;
    StageNote before;
    note_changes(before); // from here on
}

void Recorder::after(Stage stage, const BatchSlot& slot) noexcept {
    StageNote& note = into_.stages[into_.stage_count++];
    note = StageNote{};
    note.stage = stage;
    note.fate = trace_fate(slot.fate);
    note.reason = slot.reason;
    if (stage < Stage::flow) {
        into_.parsed = slot.parsed; // before the flow stage `flow` is a mere candidate
    } else {
        if (into_.stage_count == 1) { // a fragment that has waited: it was read long ago
            into_.parsed = slot.parsed;
        }
        if (slot.flow != nullptr) {
            note_flow(slot, note);
        }
    }
    note_changes(note);
}

void Recorder::note_flow(const BatchSlot& slot, StageNote& note) const noexcept {
    const Flow& flow = *slot.flow;
    const FlowCold& cold = state_.flows.cold(flow);
    note.has_flow = true;
    note.new_flow = slot.new_flow;
    note.from_desktop = slot.from_desktop();
    note.has_desktop = flow.has_desktop;
    note.spliced = flow.has_splice;
    note.held_side = flow.splice_upstream_side;
    note.verdict = flow.verdict;
    note.blocked_for = cold.blocked_for;
    note.tcp = flow.tcp;
    note.secondary = flow.secondary;
    note.app = flow.app;
    note.usage_class = cold.usage_class;
    note.desktop = flow.desktop;
    note.allotment = flow.allotment;
    note.next = state_.generation->routes->hop(flow.hops[slot.from_low ? 0 : 1]);
}

void Recorder::note_changes(StageNote& note) noexcept {
    for (std::size_t i = 0; i < kDropReasons; ++i) {
        const std::uint64_t now = state_.counters.drops[i].read();
        add_change(note, true, i, now - drops_[i]);
        drops_[i] = now;
    }
    for (std::size_t i = 0; i < kCounters; ++i) {
        const std::uint64_t now = state_.counters.values[i].read();
        add_change(note, false, i, now - counters_[i]);
        counters_[i] = now;
    }
}

} // namespace foregate::dataplane
