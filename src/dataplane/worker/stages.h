// SPDX-License-Identifier: BSD-3-Clause
// The steps of a worker, in the order of worker.cpp. Each looks at the packets that are still pending.
#pragma once

#include "dataplane/classify/classify_packet.h"
#include "dataplane/worker/fragment_stage.h"
#include "dataplane/worker/outlet.h"
#include "dataplane/worker/packet_batch.h"
#include "dataplane/worker/port_rule.h"
#include "dataplane/worker/worker_state.h"

#include <optional>
#include <vector>

namespace foregate::dataplane {

/// Parses; what is not for us to forward goes to the kernel.
class IngressStage {
public:
    explicit IngressStage(WorkerState& state);
    /// `redirected`: the packets come from another worker and are ours; their VLAN tags are gone already.
    void run(PacketBatch& batch, bool redirected) noexcept;

private:
    void parse_one(BatchSlot& slot, bool redirected) noexcept;
    [[nodiscard]] bool for_us_all_the_same(BatchSlot& slot, const PortRule& rule, ParseResult result) noexcept;
    [[nodiscard]] static bool make_plain(BatchSlot& slot) noexcept;
    [[nodiscard]] static bool take_tags(BatchSlot& slot, const PortRule& rule) noexcept;

    WorkerState& state_;
    std::vector<PortRule> rules_; ///< by port
};

/// Finds or creates the flow; brings session, routes and allotment of a flow up to the present generation.
class FlowStage {
public:
    explicit FlowStage(WorkerState& state) noexcept : state_(state) {}
    void run(PacketBatch& batch) noexcept;
    /// For a packet whose five-tuple has changed (the desktop's side of a spliced one) or whose flow has gone.
    [[nodiscard]] Flow* find_or_create_again(BatchSlot& slot) noexcept;

private:
    void hash_of(BatchSlot& slot) const noexcept; ///< sets the slot's hash and direction
    [[nodiscard]] Flow* find_or_create(BatchSlot& slot) noexcept;
    [[nodiscard]] Flow* create(BatchSlot& slot, const FlowKey& key) noexcept;
    [[nodiscard]] bool admit_new(const BatchSlot& slot, DropReason& reason) noexcept;
    [[nodiscard]] bool from_its_own_place(const BatchSlot& slot) const noexcept;
    [[nodiscard]] Flow* insert(BatchSlot& slot, const FlowKey& key) noexcept;
    [[nodiscard]] NewFlowLimiter::Now look(std::uint32_t place, std::uint32_t born_ms) const noexcept;
    void end_half_open(std::optional<std::uint32_t> place) noexcept;
    [[nodiscard]] bool forged(const Flow& flow, BatchSlot& slot) const noexcept;
    void begin(Flow& flow, const BatchSlot& slot) noexcept;
    void refresh(Flow& flow) noexcept;
    [[nodiscard]] bool from_desktop_port(const BatchSlot& slot) const noexcept;
    void prefetch_tables(const BatchSlot& slot) const noexcept;
    void prefetch_payload(const BatchSlot& slot) const noexcept;
    void prefetch_rest(const BatchSlot& slot, const RouteTable& routes) const noexcept;

    WorkerState& state_;
};

/// Decides: session state, threat list (addresses, DNS names, TLS and HTTP names), deviation from the pattern.
class VerdictStage {
public:
    VerdictStage(WorkerState& state, Outlet& outlet) noexcept : state_(state), outlet_(outlet) {}
    void run(PacketBatch& batch) noexcept;
    /// A flow ends: if it is undecided still, it is what it seems to be, or what its port is known for.
    void conclude(Flow& flow) noexcept;

private:
    void decide(BatchSlot& slot) noexcept;
    [[nodiscard]] bool secondary_open(BatchSlot& slot) noexcept;
    void first_packet(BatchSlot& slot) noexcept;
    void check_deviation(BatchSlot& slot) noexcept;
    void classify(BatchSlot& slot) noexcept;
    [[nodiscard]] bool look_at_names(BatchSlot& slot, const ClassifyResult& result) noexcept;
    [[nodiscard]] bool look_at_dns(BatchSlot& slot, const ClassifyResult& result) noexcept;
    void learn_dns(const BatchSlot& slot, const DnsMessage& message) noexcept;
    void note(Flow& flow, FlowCold& cold, const ClassifyResult& result) noexcept;
    void settle(Flow& flow, FlowCold& cold, const ClassifyResult& result) noexcept;
    static constexpr std::uint8_t kWatched = 0xff;        ///< of FlowCold's `inspected`: allowed, and still asking for names
    static constexpr std::uint8_t kLookedAtEnough = 0xfe; ///< likewise: the next payload settles it
    [[nodiscard]] bool match_name(BatchSlot& slot, const NameBuffer& name, DropReason where) noexcept;
    void block(BatchSlot& slot, DropReason reason) noexcept;
    [[nodiscard]] std::uint16_t access_class(const Flow& flow) const noexcept;
    // By the access lists (verdict_access.cpp); false, or true for "denies", when the flow ends here.
    [[nodiscard]] bool access_on_sight(BatchSlot& slot) noexcept;
    [[nodiscard]] bool access_waits(BatchSlot& slot) noexcept;
    [[nodiscard]] bool access_lifts(BatchSlot& slot) noexcept;
    [[nodiscard]] bool access_stops_nameless(BatchSlot& slot, std::span<const std::uint8_t> payload) noexcept;
    [[nodiscard]] bool access_settles(BatchSlot& slot) noexcept;
    [[nodiscard]] bool access_denies_name(BatchSlot& slot, std::string_view name) noexcept;
    [[nodiscard]] bool access_denies_tcp_question(BatchSlot& slot, std::string_view name) noexcept;
    [[nodiscard]] bool access_denies_question(BatchSlot& slot, std::string_view name) noexcept;
    void report_access(const BatchSlot& slot, std::uint16_t rule, DropReason where, std::string_view name) noexcept;
    void report_threat(const BatchSlot& slot, const ThreatEntry& entry, DropReason where,
                       std::string_view name) noexcept;
    void cut_short(BatchSlot& slot) noexcept;
    [[nodiscard]] std::uint16_t usage_class_of(const Flow& flow) const noexcept {
        return state_.flows.cold(flow).usage_class;
    }
    void build_dns_reply(const BatchSlot& slot, std::size_t size, rte_mbuf& reply) noexcept;

    WorkerState& state_;
    Outlet& outlet_;
};

/// Counts what will be forwarded: the flow, the desktop's live figures, the usage cell.
class CountStage {
public:
    explicit CountStage(WorkerState& state) noexcept : state_(state) {}
    void run(PacketBatch& batch) noexcept;
    /// The SYN of a connection that was spliced is answered here and goes no further: a connection all the same.
    void begin_spliced(BatchSlot& slot) noexcept { count_one(slot); }
    /// A flow has ended: a connection that never got an answer has failed.
    void flow_ended(Flow& flow) noexcept;

private:
    void count_one(BatchSlot& slot) noexcept;
    [[nodiscard]] UsageCellData* usage_cell(Flow& flow) noexcept;
    [[nodiscard]] UsageCellData* add_usage_cell(Flow& flow) noexcept;

    WorkerState& state_;
};

/// Joins a desktop's connection to a held one and translates spliced packets.
class SpliceStage {
public:
    SpliceStage(WorkerState& state, FlowStage& flows, CountStage& count, Outlet& outlet) noexcept
        : state_(state), flows_(flows), count_(count), outlet_(outlet) {}
    /// Before the verdict: packets of held connections' own five-tuples are turned into the desktop's.
    void from_upstream(PacketBatch& batch) noexcept;
    /// After the verdict: packets of desktops.
    void from_desktop(PacketBatch& batch) noexcept;

private:
    void upstream_one(BatchSlot& slot) noexcept;
    [[nodiscard]] bool goes_untranslated(BatchSlot& slot, SpliceRef splice) noexcept;
    [[nodiscard]] bool ends_with_icmp(const BatchSlot& slot) const noexcept;
    void icmp_error(BatchSlot& slot) noexcept;
    void learn_options(BatchSlot& slot) noexcept;
    [[nodiscard]] bool desktop_on_splice(BatchSlot& slot) noexcept;
    void forget_splice(Flow& flow) noexcept;
    void desktop_syn(BatchSlot& slot) noexcept;
    [[nodiscard]] bool apply(BatchSlot& slot, SpliceAction action) noexcept;

    WorkerState& state_;
    FlowStage& flows_;
    CountStage& count_;
    Outlet& outlet_;
};

/// TTL, MTU, next hop and queue; what is left of the batch leaves here.
class EgressStage {
public:
    EgressStage(WorkerState& state, Outlet& outlet) noexcept : state_(state), outlet_(outlet) {}
    void run(PacketBatch& batch) noexcept;

private:
    void forward_one(BatchSlot& slot) noexcept;
    void clamp_syn(BatchSlot& slot, std::uint16_t out) noexcept;

    WorkerState& state_;
    Outlet& outlet_;
};

} // namespace foregate::dataplane
