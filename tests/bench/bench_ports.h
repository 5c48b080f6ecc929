// SPDX-License-Identifier: BSD-3-Clause
// The whole gateway, end to end, beside dpdk-testpmd on the same virtual ports.
#pragma once

#include "bench/result.h"

namespace foregate::bench {

/// decided_64B_{64k,1M}_flows_mpps: worker and shaper on one core between two net_pcap ports that replay their files without
/// end, against testpmd's mac forwarding on that core, in turn; ..._to_{io,5tswap,openvswitch}: the same figure against
/// those. A million flows take 5.5 GB of packet buffers. Starts child processes. Throws std::runtime_error.
[[nodiscard]] std::vector<BenchResult> bench_ports(int rounds);

} // namespace foregate::bench
