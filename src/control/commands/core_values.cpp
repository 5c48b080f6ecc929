// SPDX-License-Identifier: BSD-3-Clause
#include "control/commands/core_values.h"

#include <algorithm>

namespace foregate::control {

namespace {

using dataplane::CoreView;
using dataplane::StageSums;

double seconds_between(SteadyTime from, SteadyTime to) { return std::chrono::duration<double>(to - from).count(); }

Json ratio(double part, double whole) { return whole > 0 ? rounded(part / whole) : Json(nullptr); }
Json ratio(std::uint64_t part, std::uint64_t whole) {
    return ratio(static_cast<double>(part), static_cast<double>(whole));
}

/// The same core at the look before, or one that has not begun.
CoreView earlier(const CoreLook& before, std::size_t core) {
    return core < before.cores.size() ? before.cores[core] : CoreView{};
}

/// Packets that went through the worker's flow table. The counters are not of one moment, so a little may be missing.
std::uint64_t packets_since(const CoreLook& now, const CoreLook& before, std::size_t core) {
    const std::uint64_t then = earlier(before, core).handled();
    return now.cores[core].handled() - std::min(now.cores[core].handled(), then);
}

/// What was measured since the look before; in a quiet moment, since the start.
StageSums measured(const CoreView& now, const CoreView& before) {
    const StageSums recent = now.stages.since(before.stages);
    return recent.packets != 0 ? recent : now.stages;
}

Json core_row(const CoreLook& now, const CoreLook& before, std::size_t core, std::uint64_t packets_of_all) {
    const CoreView& view = now.cores[core];
    const CoreView then = earlier(before, core);
    const bool first = before.at == SteadyTime{};
    const std::uint64_t busy = view.busy_ns - then.busy_ns;
    const std::uint64_t idle = view.idle_ns - then.idle_ns;
    Json row;
    row["role"] = view.role;
    row["cpu"] = view.cpu;
    row["busy_ratio"] = ratio(busy, busy + idle);
    row["busy_ratio_total"] = ratio(view.busy_ns, view.busy_ns + view.idle_ns);
    row["turns"] = view.turns != 0 ? Json(view.turns) : Json(nullptr);
    row["idle_turns"] = view.turns != 0 ? Json(view.idle_turns) : Json(nullptr);
    if (view.worker < 0) {
        for (const char* key : {"flows", "packets_per_s", "share", "packets_per_burst", "cycles_per_packet"}) {
            row[key] = nullptr;
        }
        return row;
    }
    const StageSums sums = measured(view, then);
    const std::uint64_t packets = packets_since(now, before, core);
    row["flows"] = view.flows;
    row["packets_per_s"] =
        first ? Json(nullptr) : ratio(static_cast<double>(packets), seconds_between(before.at, now.at));
    row["share"] = ratio(packets, packets_of_all);
    row["packets_per_burst"] = ratio(sums.packets, sums.bursts);
    row["cycles_per_packet"] = cycles_per_packet(sums);
    return row;
}

Json stage_rows(const CoreLook& now, const CoreLook& before) {
    Json rows = Json::array();
    for (std::size_t stage = 0; stage < dataplane::kStages; ++stage) {
        Json row;
        row["stage"] = std::string(dataplane::kStageNames[stage].name);
        for (std::size_t core = 0; core < now.cores.size(); ++core) {
            if (now.cores[core].worker >= 0) {
                const StageSums sums = measured(now.cores[core], earlier(before, core));
                row["worker_" + std::to_string(now.cores[core].worker) + "_cycles"] = ratio(sums.cycles[stage], sums.packets);
            }
        }
        row["help"] = std::string(dataplane::kStageNames[stage].help);
        rows.push_back(std::move(row));
    }
    return rows;
}

/// How evenly the packets came to the workers: 1 is even, the number of workers is all to one.
Json balance(const CoreLook& now, const CoreLook& before) {
    std::uint64_t most = 0, sum = 0, workers = 0, redirected = 0;
    for (std::size_t core = 0; core < now.cores.size(); ++core) {
        if (now.cores[core].worker < 0) {
            continue;
        }
        const std::uint64_t packets = packets_since(now, before, core);
        most = std::max(most, packets);
        sum += packets;
        redirected += now.cores[core].redirected_out - earlier(before, core).redirected_out;
        ++workers;
    }
    return {{"workers", workers},
            {"packets", sum},
            {"imbalance", ratio(most * workers, sum)},
            {"redirected_packets", redirected},
            {"since_s", before.at == SteadyTime{} ? Json(nullptr) : rounded(seconds_between(before.at, now.at))}};
}

} // namespace

Json cycles_per_packet(const StageSums& sums) { return ratio(sums.all_cycles(), sums.packets); }

Json cores_value(const CoreLook& now, const CoreLook& before) {
    std::uint64_t packets = 0;
    for (std::size_t core = 0; core < now.cores.size(); ++core) {
        packets += packets_since(now, before, core);
    }
    Json rows = Json::array();
    for (std::size_t core = 0; core < now.cores.size(); ++core) {
        rows.push_back(core_row(now, before, core, packets));
    }
    return {{"cores", std::move(rows)}, {"stages", stage_rows(now, before)}, {"balance", balance(now, before)}};
}

Json drop_rows(const DropLook& now, const DropLook& before) {
    Json happened = Json::array();
    Json others = Json::array();
    for (std::size_t reason = 0; reason < dataplane::kDropReasons; ++reason) {
        std::uint64_t count = 0, then = 0;
        Json by_core = Json::object();
        for (const dataplane::DropView& core : now.drops) {
            count += core.counts[reason];
            if (core.counts[reason] != 0) {
                by_core[core.core] = core.counts[reason];
            }
        }
        for (const dataplane::DropView& core : before.drops) {
            then += core.counts[reason];
        }
        Json row;
        row["reason"] = std::string(dataplane::kDropReasonNames[reason].name);
        row["count"] = count;
        row["per_s"] = before.at == SteadyTime{}
                           ? Json(nullptr)
                           : ratio(static_cast<double>(count - then), seconds_between(before.at, now.at));
        row["by_core"] = by_core.empty() ? Json(nullptr) : std::move(by_core);
        row["help"] = std::string(dataplane::kDropReasonNames[reason].help);
        (count != 0 ? happened : others).push_back(std::move(row));
    }
    for (Json& row : others) {
        happened.push_back(std::move(row));
    }
    return happened;
}

} // namespace foregate::control
