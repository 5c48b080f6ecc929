// SPDX-License-Identifier: BSD-3-Clause
#include "bench/pipeline_parts.h"
#include "bench/worker_rig.h"

#include <algorithm>
#include <array>
#include <deque>
#include <random>
#include <rte_cycles.h>

namespace foregate::bench {

using namespace dataplane;

namespace {

constexpr std::uint32_t kFlows = 65'536;
constexpr unsigned kPackets = 200'000; ///< of one load, in a run

/// Packets that arrive at random moments of a clock that stands still while the bench works and otherwise goes by the
/// cycles of the worker's turns: what waits, waits for real turns, and the generator costs nothing.
class ArrivalLine {
public:
    ArrivalLine(WorkerRig& rig, double cycles_between)
        : rig_(rig), gap_(1.0 / cycles_between), ns_a_cycle_(1e9 / static_cast<double>(rte_get_tsc_hz())) {
        next_ = gap_(random_);
    }

    /// Nanoseconds of each packet from its arrival at the port to the end of the turn that handed it to the shaper.
    std::vector<double> run(unsigned packets) {
        std::vector<double> waited;
        waited.reserve(packets + 64);
        while (waited.size() < packets) {
            arrive();
            const auto cycles = static_cast<double>(rig_.turn(static_cast<std::uint64_t>(last_ * ns_a_cycle_)));
            last_ = cycles;
            now_ += cycles;
            for (auto& line : waiting_) {
                for (unsigned i = 0; i < kBurst && !line.empty(); ++i) {
                    waited.push_back((now_ - line.front()) * ns_a_cycle_);
                    line.pop_front();
                }
            }
            (void)rig_.take_away();
        }
        return waited;
    }

private:
    /// Everything that has come by now, as far as the wire holds it; a wire that is full delays, and the wait counts.
    void arrive() {
        for (; next_ <= now_; next_ += gap_(random_)) {
            const bool up = (random_() & 1) != 0;
            auto& line = waiting_[up ? 0 : 1];
            if (line.size() >= WorkerRig::kBatch) {
                return;
            }
            rig_.arrive(static_cast<std::uint32_t>(random_()) % kFlows, up, tcp_ack);
            line.push_back(next_);
        }
    }

    WorkerRig& rig_;
    std::mt19937 random_{3};
    std::exponential_distribution<double> gap_; ///< Poisson arrivals
    double ns_a_cycle_;
    double now_ = 0; ///< cycles
    double next_ = 0;
    double last_ = 0;
    std::array<std::deque<double>, 2> waiting_; ///< arrival times, by port
};

double cycles_at_most_load(WorkerRig& rig) {
    std::mt19937 random(5);
    std::vector<double> batches;
    for (unsigned batch = 0; batch < 128; ++batch) {
        for (unsigned i = 0; i < WorkerRig::kBatch; ++i) {
            rig.arrive(static_cast<std::uint32_t>(random()) % kFlows, true, tcp_ack);
            rig.arrive(static_cast<std::uint32_t>(random()) % kFlows, false, tcp_ack);
        }
        const auto cycles = static_cast<double>(rig.work());
        batches.push_back(cycles / rig.take_away());
    }
    return median_of(std::move(batches));
}

} // namespace

std::vector<BenchResult> single_packet_latency(int runs) {
    constexpr std::array<unsigned, 2> kLoads{50, 90};
    struct Percentile {
        const char* name;
        double share;
    };
    constexpr std::array<Percentile, 4> kPercentiles{{{"p50", .5}, {"p90", .9}, {"p99", .99}, {"p999", .999}}};
    WorkerRig rig({.flows = kFlows, .threats = kPipelineThreats});
    rig.establish(0, kFlows);
    std::array<std::array<std::vector<double>, kPercentiles.size()>, kLoads.size()> found;
    std::vector<double> most;
    for (int run = 0; run <= runs; ++run) {
        const double cycles = cycles_at_most_load(rig);
        if (run != 0) {
            most.push_back(static_cast<double>(rte_get_tsc_hz()) / cycles / 1e6);
        }
        for (std::size_t load = 0; load < kLoads.size(); ++load) {
            std::vector<double> waited = ArrivalLine(rig, cycles * 100.0 / kLoads[load]).run(kPackets);
            std::sort(waited.begin(), waited.end());
            for (std::size_t p = 0; p < kPercentiles.size() && run != 0; ++p) {
                const auto at = static_cast<std::size_t>(kPercentiles[p].share * static_cast<double>(waited.size()));
                found[load][p].push_back(waited[at]);
            }
        }
    }
    rig.expect_no_drops();
    std::vector<BenchResult> out{summarise("latency_full_load_mpps", "Mpacket/s", most)};
    for (std::size_t load = 0; load < kLoads.size(); ++load) {
        for (std::size_t p = 0; p < kPercentiles.size(); ++p) {
            out.push_back(summarise("latency_" + std::to_string(kLoads[load]) + "_load_" + kPercentiles[p].name + "_ns", "ns",
                                    found[load][p]));
        }
    }
    return out;
}

} // namespace foregate::bench
