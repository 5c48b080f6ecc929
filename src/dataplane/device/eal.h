// SPDX-License-Identifier: BSD-3-Clause
// Starting and stopping DPDK's environment once per process.
#pragma once

#include "dataplane/settings.h"

#include <string>

namespace foregate::dataplane {

/// Which logical core runs what: 0 is the control core, 1..workers the workers, then the shaper if it has its own.
struct CoreLayout {
    unsigned workers = 1;
    bool shaper_apart = false; ///< false: the worker on the shaper's CPU runs it too
    unsigned shaper_worker = 0; ///< that worker, when not apart
    [[nodiscard]] unsigned worker_lcore(unsigned worker) const noexcept { return 1 + worker; }
    [[nodiscard]] unsigned shaper_lcore() const noexcept {
        return shaper_apart ? 1 + workers : worker_lcore(shaper_worker);
    }
};

[[nodiscard]] CoreLayout core_layout(const Settings& settings) noexcept;

/// DPDK's environment; one per process and not repeatable (DPDK's own rule). Throws std::runtime_error with DPDK's
/// reason. The constructing thread becomes the control core and is pinned.
class Eal {
public:
    explicit Eal(const Settings& settings);
    ~Eal();
    Eal(const Eal&) = delete;
    Eal& operator=(const Eal&) = delete;

    /// dpdk-dumpcap can attach.
    [[nodiscard]] bool dump_ready() const noexcept { return dump_ready_; }

private:
    bool dump_ready_ = false;
    std::string shared_prefix_; ///< of hugepages that others may attach to; empty: none
};

} // namespace foregate::dataplane
