// SPDX-License-Identifier: BSD-3-Clause
// What the stages have made of one packet of a capture, for whoever plays captures through a worker that nobody polls.
#pragma once

#include "dataplane/classify/classify_packet.h"
#include "dataplane/messages.h"
#include "dataplane/worker/packet_batch.h"

#include <cstdint>

namespace foregate::dataplane {

/// Valid during the call that hands it over.
struct ExaminedPacket {
    const void* buffer = nullptr; ///< the packet's, to know a fragment that was held by; not to be read
    bool readable = false;        ///< what ingress has parsed means something
    ParsedPacket parsed{};
    const Flow* flow = nullptr;   ///< nullptr: its way ended before it had one
    std::uint32_t place = 0;      ///< of the flow, as long as it lives
    bool new_flow = false;
    bool waited = false;          ///< a fragment that was held before
    /// What a polled worker would have done with it: here such a packet goes on, only to be classified, when its
    /// addresses alone have decided. `elsewhere`: a fragment that waits for its first one.
    Fate fate = Fate::pending;
    DropReason reason = DropReason::truncated; ///< with Fate::dropped
    const ClassifyResult* told = nullptr;      ///< what the classifier has found in it; empty: it was not asked
};

class Examiner {
public:
    virtual void examined(const ExaminedPacket& packet) = 0;
    virtual void ended(std::uint32_t place, const FlowView& flow) noexcept = 0;

protected:
    ~Examiner() = default;
};

} // namespace foregate::dataplane
