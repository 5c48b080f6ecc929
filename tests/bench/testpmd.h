// SPDX-License-Identifier: BSD-3-Clause
// dpdk-testpmd, the yardstick, as a subprocess.
#pragma once

#include <string>
#include <vector>

namespace foregate::bench {

struct TestpmdRun {
    std::vector<std::string> devices; ///< vdev strings of its two ports
    std::string mode = "mac";        ///< of --forward-mode
    unsigned cpu = 1;                 ///< forwards here; its main thread sleeps on CPU 0
    unsigned memory_mb = 512;
    unsigned buffers = 16384;
    bool hugepages = false;
    unsigned seconds = 4;             ///< of which the first two are not counted
};

/// Whether dpdk-testpmd is installed.
[[nodiscard]] bool have_testpmd();

/// Packets a second that left by both ports together: the median of its own figures of each second.
/// Throws std::runtime_error with the end of its output when it gave none.
[[nodiscard]] double testpmd_pps(const TestpmdRun& run);

} // namespace foregate::bench
