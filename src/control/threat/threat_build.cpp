// SPDX-License-Identifier: BSD-3-Clause
#include "control/threat/threat_build.h"

#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>
#include <tbb/task_scheduler_observer.h>

namespace foregate::control {

namespace {

constexpr int kNice = 15; ///< behind everything else of ours; a polling core has its core anyway

/// Threads that come into the arena step back for as long as the process lives: they compile and forecast only.
class LowPriority : public tbb::task_scheduler_observer {
public:
    explicit LowPriority(tbb::task_arena& arena) : task_scheduler_observer(arena) { observe(true); }
    ~LowPriority() override { observe(false); }
    void on_scheduler_entry(bool is_worker) override {
        if (is_worker) {
            (void)::setpriority(PRIO_PROCESS, 0, kNice); // 0: the calling thread, on Linux
        }
    }
};

void in_parallel(std::size_t count, const std::function<void(std::size_t)>& work) {
    tbb::task_arena arena;
    const LowPriority low(arena);
    arena.execute([&] {
        tbb::parallel_for(tbb::blocked_range<std::size_t>(0, count, 1), [&](const tbb::blocked_range<std::size_t>& some) {
            for (std::size_t i = some.begin(); i != some.end(); ++i) {
                work(i);
            }
        }, tbb::simple_partitioner());
    });
}

} // namespace

ThreatBuild::ThreatBuild(std::filesystem::path folder)
    : cache_(std::move(folder), dataplane::NameMatcher::kMostStored) {}

dataplane::ThreatDb ThreatBuild::build(dataplane::ThreatListInput input, const dataplane::ThreatDb* in_force) {
    const std::size_t refused = cache_.refused().size();
    const std::size_t unwritten = cache_.unwritten().size();
    dataplane::NameMatcher stored;
    dataplane::NameBuild how;
    how.for_each = in_parallel;
    if (in_force != nullptr) {
        how.previous = &in_force->names();
    } else {
        stored = dataplane::NameMatcher::stored(cache_);
        how.previous = &stored;
    }
    dataplane::ThreatDb db = dataplane::ThreatDb::build(std::move(input), how);
    if (db.names().compiled_parts() != 0) {
        db.names().store(cache_);
    }
    for (std::size_t i = refused; i < cache_.refused().size(); ++i) {
        spdlog::warn("compiled names: {}", cache_.refused()[i]);
    }
    for (std::size_t i = unwritten; i < cache_.unwritten().size(); ++i) {
        spdlog::warn("compiled names: {}", cache_.unwritten()[i]);
    }
    return db;
}

} // namespace foregate::control
