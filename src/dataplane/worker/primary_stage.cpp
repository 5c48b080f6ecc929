// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/worker/primary_stage.h"

#include <rte_mbuf.h>

namespace foregate::dataplane {

bool PrimaryStage::run(std::uint64_t now_ns) noexcept {
    bool any = false;
    for (unsigned side = 0; side < 2; ++side) {
        rte_mbuf* burst[kBurst];
        const unsigned count = ports_[side]->receive(0, burst, kBurst);
        if (count == 0) {
            continue;
        }
        any = true;
        capture_.see(burst, count, ports_[side]->index(), CaptureDirection::in, now_ns);
        unsigned sent = 0;
        // A full transmit queue empties within microseconds; a dead one must not hold up the worker.
        for (int attempt = 0; sent < count && attempt < 64; ++attempt) {
            sent += ports_[1 - side]->transmit(burst + sent, count - sent);
        }
        counters_.add(Counter::primary_forwarded, sent);
        if (sent < count) {
            counters_.drop(DropReason::transmit_failed, count - sent);
            rte_pktmbuf_free_bulk(burst + sent, count - sent);
        }
    }
    return any;
}

} // namespace foregate::dataplane
