// SPDX-License-Identifier: BSD-3-Clause
#include "bench/pipeline_parts.h"
#include "bench/worker_rig.h"

#include <atomic>
#include <exception>
#include <random>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <sched.h>

namespace foregate::bench {

using namespace dataplane;

namespace {

constexpr unsigned kBatch = WorkerRig::kBatch;
constexpr std::uint32_t kFlowsEach = 65'536;

/// All wait until the last has come. Spins and yields: some machines have fewer cores than workers.
class Meeting {
public:
    explicit Meeting(unsigned members) : members_(members) {}
    void wait() noexcept {
        const unsigned round = round_.load();
        if (arrived_.fetch_add(1) + 1 == members_) {
            arrived_.store(0);
            round_.store(round + 1);
            return;
        }
        while (round_.load() == round) {
            ::sched_yield();
        }
    }

private:
    unsigned members_;
    std::atomic<unsigned> arrived_{0};
    std::atomic<unsigned> round_{0};
};

/// The flows of each worker, so that none has to be redirected.
std::vector<std::vector<std::uint32_t>> flows_by_owner(const WorkerRig& rig) {
    std::vector<std::vector<std::uint32_t>> out(rig.workers());
    std::size_t missing = rig.workers();
    for (std::uint32_t number = 0; missing != 0; ++number) {
        auto& own = out[rig.owner(number)];
        if (own.size() < kFlowsEach) {
            own.push_back(number);
            missing -= own.size() == kFlowsEach ? 1 : 0;
        }
    }
    return out;
}

/// What the workers' threads share.
struct Team {
    WorkerRig& rig;
    const std::vector<std::vector<std::uint32_t>>& flows;
    Effort effort;
    Meeting meeting;
    std::vector<std::vector<double>> cycles; ///< by worker: the median of each run
};

struct Member {
    Team* team;
    unsigned worker;
};

void take_part(Team& team, unsigned worker) {
    std::mt19937 random(worker + 1);
    const auto& flows = team.flows[worker];
    for (int run = 0; run <= team.effort.runs; ++run) {
        std::vector<double> batches;
        for (unsigned batch = 0; batch < team.effort.batches; ++batch) {
            for (unsigned i = 0; i < kBatch; ++i) {
                team.rig.arrive(flows[random() % flows.size()], true, tcp_ack, worker);
                team.rig.arrive(flows[random() % flows.size()], false, tcp_ack, worker);
            }
            team.meeting.wait(); // all at once
            batches.push_back(static_cast<double>(team.rig.work(worker)) / (2.0 * kBatch));
            team.meeting.wait();
            if (worker == 0) {
                (void)team.rig.take_away();
            }
            team.meeting.wait();
        }
        if (run != 0) {
            team.cycles[worker].push_back(median_of(std::move(batches)));
        }
    }
}

int entry(void* argument) {
    const Member& member = *static_cast<Member*>(argument);
    try {
        take_part(*member.team, member.worker);
    } catch (const std::exception&) {
        std::terminate(); // the others would wait for it for ever
    }
    return 0;
}

} // namespace

std::vector<BenchResult> workers_at_once(unsigned workers, Effort effort) {
    WorkerRig rig({.flows = 2 * kFlowsEach, .threats = kPipelineThreats, .workers = workers, .threads = true});
    const auto flows = flows_by_owner(rig);
    for (unsigned w = 0; w < workers; ++w) {
        rig.establish_own(flows[w], w);
    }
    Team team{rig, flows, effort, Meeting(workers), std::vector<std::vector<double>>(workers)};
    std::vector<Member> members;
    for (unsigned w = 0; w < workers; ++w) {
        members.push_back({&team, w});
    }
    for (unsigned w = 0; w < workers; ++w) {
        if (rte_eal_remote_launch(&entry, &members[w], rig.lcore(w)) != 0) {
            throw std::runtime_error("a worker's core is busy");
        }
    }
    rte_eal_mp_wait_lcore();
    rig.expect_no_drops();
    std::vector<double> all;
    for (unsigned w = 0; w < workers; ++w) {
        const CounterBlock& counters = rig.worker(w).counters();
        if (counters.read(Counter::redirected) != 0) {
            throw std::runtime_error("packets were redirected that should not have been");
        }
        all.insert(all.end(), team.cycles[w].begin(), team.cycles[w].end());
    }
    return {summarise("workers_" + std::to_string(workers) + "_cycles", "cycles/packet each", all)};
}

std::vector<BenchResult> redirected_packets(Effort effort) {
    WorkerRig rig({.flows = 2 * kFlowsEach, .threats = kPipelineThreats, .workers = 2});
    const auto flows = flows_by_owner(rig);
    rig.establish_own(flows[1], 1);
    std::mt19937 random(1);
    // Worker 1 owns them all; they arrive at its own queue, then at worker 0's, in turn.
    const auto once = [&](unsigned at) {
        std::vector<double> batches;
        for (unsigned batch = 0; batch < effort.batches; ++batch) {
            for (unsigned i = 0; i < kBatch; ++i) {
                rig.arrive(flows[1][random() % kFlowsEach], true, tcp_ack, at);
                rig.arrive(flows[1][random() % kFlowsEach], false, tcp_ack, at);
            }
            auto cycles = static_cast<double>(rig.work(at));
            for (unsigned turn = 0; at == 0 && turn < 2 * kBatch / kBurst; ++turn) {
                cycles += static_cast<double>(rig.idle(1, WorkerRig::kTurnNs, 1));
            }
            const unsigned sent = rig.take_away();
            if (sent != 2 * kBatch) {
                throw std::runtime_error("redirected packets were lost");
            }
            batches.push_back(cycles / sent);
        }
        return median_of(std::move(batches));
    };
    std::vector<double> more;
    for (int run = 0; run <= effort.runs; ++run) {
        const double direct = once(1);
        const double redirected = once(0);
        if (run != 0) {
            more.push_back(redirected - direct);
        }
    }
    rig.expect_no_drops();
    return {summarise("redirected_extra_cycles", "cycles/packet", more)};
}

} // namespace foregate::bench
