// SPDX-License-Identifier: BSD-3-Clause
#include "bench/names.h"
#include "bench/pipeline_parts.h"
#include "bench/worker_rig.h"
#include "packet/packet_builder.h"

#include <algorithm>
#include <array>
#include <functional>
#include <rte_cycles.h>
#include <stdexcept>

namespace foregate::bench {

using namespace dataplane;

namespace {

constexpr unsigned kBatch = WorkerRig::kBatch;
constexpr std::uint32_t kTable = 1U << 18;
constexpr std::uint32_t kNewFlows = kTable / 4; ///< a quarter of the table's places, a run

SegmentSpec hello_segment(std::uint32_t number) {
    const FlowEnds ends(number);
    SegmentSpec segment;
    segment.src = ends.desktop;
    segment.dst = ends.server;
    segment.src_port = ends.desktop_port;
    segment.dst_port = ends.server_port;
    segment.seq = segment.ack = 1;
    segment.window = 64'240;
    segment.flags = tcp_ack | tcp_psh;
    const auto payload = client_hello(name_of(number));
    std::copy(payload.begin(), payload.end(), segment.payload.begin());
    segment.payload_length = static_cast<std::uint16_t>(payload.size());
    return segment;
}

std::vector<std::uint8_t> question_frame(std::uint32_t number) {
    const FlowEnds ends(number);
    packet_test::PacketBuilder builder;
    return builder.eth({}, neighbour_mac(ends.desktop))
        .ipv4(ends.desktop.to_string(), ends.server.to_string())
        .udp(ends.desktop_port, 53)
        .payload(dns_question(static_cast<std::uint16_t>(number), name_of(number)))
        .build();
}

/// The flows of one run are begun in one way and forgotten again.
class NewFlows {
public:
    NewFlows() : rig_({.flows = kTable, .threats = kPipelineThreats}) {}

    /// TSC cycles a flow; `step` puts the packets of flow number n on the wire, one after the other for a batch.
    using Put = std::function<void(WorkerRig&, std::uint32_t number)>;
    double begin(const std::vector<Put>& steps) {
        std::vector<double> batches;
        for (std::uint32_t i = 0; i < kNewFlows; i += kBatch) {
            std::uint64_t cycles = 0;
            for (const Put& put : steps) {
                for (unsigned k = 0; k < kBatch; ++k) {
                    put(rig_, next_ + k);
                }
                cycles += rig_.work();
                (void)rig_.take_away();
            }
            next_ += kBatch;
            batches.push_back(static_cast<double>(cycles) / kBatch);
        }
        rig_.expect_no_drops();
        return median_of(std::move(batches));
    }

    /// TSC cycles a flow, the sweep over the table included, by the median of its parts: the flows are evenly spread.
    double forget() {
        constexpr std::uint64_t kLongerThanAnyIdleTime = 8 * 3600 * 1'000'000'000ULL;
        constexpr std::uint64_t kSweepNs = 1'000'000; // a worker looks for old flows at most this often
        constexpr unsigned kTurns = 64;
        rig_.pass(kLongerThanAnyIdleTime);
        const std::uint64_t before = expired();
        std::vector<double> parts;
        while (expired() - before < kNewFlows) {
            parts.push_back(static_cast<double>(rig_.idle(kTurns, kSweepNs)));
            if (parts.size() * kTurns > 2 * kTable) {
                throw std::runtime_error("not every new flow was swept away");
            }
        }
        const auto count = static_cast<double>(parts.size());
        return median_of(std::move(parts)) * count / kNewFlows;
    }

private:
    std::uint64_t expired() { return rig_.worker().counters().read(Counter::flows_expired); }

    WorkerRig rig_;
    std::uint32_t next_ = 0;
};

} // namespace

std::vector<BenchResult> new_flows(int runs) {
    const auto segment = [](bool up, std::uint8_t flags) {
        return [=](WorkerRig& rig, std::uint32_t number) { rig.arrive(number, up, flags); };
    };
    const std::vector<NewFlows::Put> syn{segment(true, tcp_syn)};
    const std::vector<NewFlows::Put> tls{
        segment(true, tcp_syn), segment(false, tcp_syn | tcp_ack),
        [](WorkerRig& rig, std::uint32_t number) { rig.arrive(hello_segment(number), true); }};
    const std::vector<NewFlows::Put> dns{
        [](WorkerRig& rig, std::uint32_t number) { rig.arrive_frame(question_frame(number), true); }};
    NewFlows flows;
    std::vector<double> of_syn, of_tls, of_dns, expire, rate;
    for (int run = 0; run <= runs; ++run) {
        std::array<double, 3> begun{};
        std::vector<double> gone;
        for (const auto& [at, steps] : {std::pair{0, &syn}, std::pair{1, &tls}, std::pair{2, &dns}}) {
            begun[static_cast<std::size_t>(at)] = flows.begin(*steps);
            gone.push_back(flows.forget());
        }
        if (run != 0) { // the first one warms up
            of_syn.push_back(begun[0]);
            of_tls.push_back(begun[1]);
            of_dns.push_back(begun[2]);
            expire.push_back(median_of(std::move(gone)));
            rate.push_back(static_cast<double>(rte_get_tsc_hz()) / ((begun[1] + begun[2]) / 2 + expire.back()));
        }
    }
    return {summarise("new_flow_10k_threats_cycles", "cycles/flow", of_syn),
            summarise("new_tls_flow_cycles", "cycles/flow", of_tls),
            summarise("new_dns_flow_cycles", "cycles/flow", of_dns),
            summarise("expire_flow_cycles", "cycles/flow", expire),
            summarise("new_flows_per_second", "1/s", rate)};
}

} // namespace foregate::bench
