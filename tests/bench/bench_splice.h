// SPDX-License-Identifier: BSD-3-Clause
// What a splice costs: making one, and each packet of it beside a packet of an ordinary flow.
#pragma once

#include "bench/result.h"

namespace foregate::bench {

/// spliced_extra_cycles, splices_per_second and splice_cycles. A few seconds. Starts a child process. Throws
/// std::runtime_error when something else than intended would be measured.
[[nodiscard]] std::vector<BenchResult> bench_splice();

} // namespace foregate::bench
