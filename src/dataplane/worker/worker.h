// SPDX-License-Identifier: BSD-3-Clause
// One polling core's work: the stages in their order, and nothing else.
#pragma once

#include "dataplane/stage_cycles.h"
#include "dataplane/watch/capture_point.h"
#include "dataplane/worker/examiner.h"
#include "dataplane/worker/outlet.h"
#include "dataplane/worker/primary_stage.h"
#include "dataplane/worker/spread_stage.h"
#include "dataplane/worker/stages.h"
#include "dataplane/worker/worker_state.h"

#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace foregate::dataplane {

/// poll() is called by the worker's core, again and again; mailboxes and counters are for the control core.
class Worker {
public:
    /// `spread`: how it reaches the other workers (empty with one worker). `primary`: set for one worker only.
    Worker(unsigned index, const Settings& settings, std::vector<PortLane> lanes, rte_mempool* pool,
           SpreadLanes spread, Port* primary_desktops, Port* primary_clients, GenerationSlot& generations);

    /// Before the first turn: where its splicer keeps records for the process after this one, and what the process before
    /// has left of flows that are this worker's. A splice goes on when its desktop is still known.
    void take_over(std::span<SpliceRecord> records, std::span<const SpliceRecord> left_behind,
                   std::uint64_t now_ns) noexcept;
    /// One turn. True when there was anything to do.
    bool poll(std::uint64_t now_ns) noexcept;

    [[nodiscard]] Mailbox<Order>& orders() noexcept { return state_.orders; }
    [[nodiscard]] Mailbox<Report>& reports() noexcept { return state_.reports; }
    [[nodiscard]] const CounterBlock& counters() const noexcept { return state_.counters; }
    [[nodiscard]] const DesktopCell& desktop(std::uint32_t number) const noexcept { return state_.desktops[number]; }
    /// The table that UsageReady named; the control core's until it orders the next rotation.
    [[nodiscard]] UsageTable& usage_table(unsigned table) noexcept { return state_.usage_tables[table]; }
    [[nodiscard]] std::uint32_t flow_count() const noexcept { return static_cast<std::uint32_t>(flow_count_.read()); }
    [[nodiscard]] unsigned index() const noexcept { return state_.index; }
    [[nodiscard]] StageSums stage_sums() const noexcept { return stage_cycles_.read(); }
    [[nodiscard]] CapturePoint& capture_point() noexcept { return capture_; }

    /// One packet through all stages, noted after each. Takes the packet over. For a worker that nobody polls.
    void rehearse(rte_mbuf* packet, std::uint64_t now_ns, TracedPacket& into) noexcept;
    /// Orders, timers and what they bring about; likewise.
    void rehearse_orders(std::uint64_t now_ns) noexcept;
    /// One packet of a capture through all stages, and the held fragments that it releases: `examiner` is told of each.
    /// Becomes a flow whatever its addresses are. Takes the packet over. For a worker that nobody polls.
    void examine(rte_mbuf* packet, std::uint64_t now_ns, Examiner& examiner);
    /// All flows end: those that are undecided are concluded, and `examiner` is told of each. Likewise.
    void end_flows(Examiner& examiner) noexcept;
    [[nodiscard]] const Flow* find_flow(const FlowKey& key) const noexcept {
        return state_.flows.find(key, state_.flows.hash(key));
    }
    [[nodiscard]] std::uint32_t place_of(const Flow& flow) const noexcept { return state_.flows.place_of(flow); }
    /// What its ledger says; likewise.
    [[nodiscard]] DeviationLedger& ledger() noexcept { return state_.ledger; }

private:
    /// Where a batch comes from, and so where its way begins.
    enum class Entry : std::uint8_t {
        received,
        redirected, ///< by another worker
        released,   ///< later fragments that have waited for their first one
    };
    void process(PacketBatch& batch, Entry entry) noexcept;
    /// The way of a packet; `after(Stage)` is called behind each stage.
    template <typename After>
    void run_stages(PacketBatch& batch, Entry entry, After&& after) noexcept;
    /// As process(), one packet at a time, so that whatever a stage counts is the packet's.
    void process_traced(PacketBatch& batch, Entry entry) noexcept;
    void trace_one(BatchSlot& slot, Entry entry, TracedPacket& into) noexcept;
    void examine_one(Entry entry, Examiner& examiner);
    void look_up(const LookUpFlow& order) noexcept;
    void begin_turn(std::uint64_t now_ns) noexcept;
    void housekeeping() noexcept;
    void take_orders() noexcept;
    void obey(const Order& order) noexcept;
    void open_held(const OpenHeld& order) noexcept;
    [[nodiscard]] Flow* insert_held_flow(const OpenedHeld& opened, const OpenHeld& order) noexcept;
    void take_over_one(const SpliceRecord& record) noexcept;
    void age_flows() noexcept;
    void continue_snapshot() noexcept;
    void view_held(Snapshot& into) noexcept;

    WorkerState state_;
    StageCycles stage_cycles_;
    CapturePoint capture_;
    GenerationSlot& generations_;
    Outlet outlet_;
    FlowStage flow_stage_;
    FragmentStage fragments_;
    IngressStage ingress_;
    SpreadStage spread_;
    CountStage count_;
    SpliceStage splice_;
    VerdictStage verdict_;
    EgressStage egress_;
    std::optional<PrimaryStage> primary_;
    rte_ring* redirected_ = nullptr; ///< packets other workers found for us
    PacketBatch batch_;
    PacketBatch single_;             ///< the packet of a traced burst that is being looked at
    TraceJob* trace_ = nullptr;      ///< the control core's, until StopTrace
    std::uint64_t turn_ = 0;
    std::uint64_t bursts_ = 0;
    std::uint32_t aged_at_ms_ = 0;
    OwnedCounter flow_count_;
    TakeSnapshot snapshot_{};        ///< being filled
    std::uint32_t snapshot_first_ = 0; ///< flow place to visit next
    std::uint32_t snapshot_left_ = 0;  ///< flow places still to visit
    std::uint32_t snapshot_held_ = 0; ///< next held connection to view
};

} // namespace foregate::dataplane
