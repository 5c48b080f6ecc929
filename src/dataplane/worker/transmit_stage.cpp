// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/worker/transmit_stage.h"

#include "dataplane/device/shape_tag.h"
#include "dataplane/packet/vlan_tags.h"
#include "dataplane/prefetch.h"

#include <algorithm>
#include <rte_ring.h>

namespace foregate::dataplane {

namespace {

constexpr unsigned kRingSize = 4096;
constexpr std::size_t kOrders = 8192;

ShaperSettings shaper_settings(const Port& port, unsigned max_desktops, std::uint64_t late_poll_ns, DropSink sink,
                              void* context) {
    ShaperSettings settings;
    settings.link_rate_bps = port.settings().rate_bps;
    settings.max_pipes = max_desktops;
    settings.max_queues = 2 * max_desktops; // most have one allotment at a time; a queue that nobody needs is taken over
    settings.slots = 16384;
    settings.frame_overhead_bytes = port.frame_overhead_bytes();
    settings.port_burst_ns = late_poll_ns;
    settings.drop_sink = sink;
    settings.drop_context = context;
    return settings;
}

} // namespace

TransmitStage::TransmitStage(Port& port, unsigned max_desktops, std::uint64_t late_poll_ns)
    : port_(port), ring_(make_packet_ring("tx-" + port.settings().name, kRingSize)), orders_(kOrders),
      shaper_(shaper_settings(port, max_desktops, late_poll_ns, &TransmitStage::dropped, this)) {}

TransmitStage::~TransmitStage() {
    for (unsigned i = 0; i < pending_count_; ++i) {
        rte_pktmbuf_free(pending_[i]);
    }
}

void TransmitStage::dropped(void* self, void* packet, ShapeDrop reason) noexcept {
    auto& stage = *static_cast<TransmitStage*>(self);
    stage.counters_.drop(reason == ShapeDrop::codel ? DropReason::shaper_codel : DropReason::shaper_limit);
    rte_pktmbuf_free(static_cast<rte_mbuf*>(packet));
}

bool TransmitStage::poll(std::uint64_t now_ns) noexcept {
    take_orders(now_ns);
    most_pending_ = pending_count_ == 0 ? kPending : kPendingBehind;
    const bool took = take_packets(now_ns);
    return send(now_ns) || took;
}

void TransmitStage::take_orders(std::uint64_t now_ns) noexcept {
    ShaperOrder order;
    for (int i = 0; i < 64 && orders_.take(order); ++i) {
        if (const auto* pipe = std::get_if<SetPipe>(&order)) {
            shaper_.set_pipe(pipe->pipe, pipe->rates, now_ns);
        } else if (const auto* allotment = std::get_if<SetAllotment>(&order)) {
            if (allotment->rate_bps == 0) {
                shaper_.remove_allotment(allotment->allotment, now_ns);
            } else {
                shaper_.set_allotment(allotment->allotment, allotment->rate_bps, now_ns);
            }
        } else if (const auto* link = std::get_if<SetLinkRate>(&order)) {
            shaper_.set_link_rate(link->rate_bps, now_ns);
        }
    }
}

/// What the shaper is told of each packet; returns how many there are left.
unsigned TransmitStage::offered_of(void* const* packets, unsigned count, OfferedPacket* offered) noexcept {
    for (unsigned i = 0; i < count; ++i) {
        prefetch_line(packets[i]);
    }
    const bool tagged = !port_.settings().vlan.empty();
    unsigned left = 0;
    for (unsigned i = 0; i < count; ++i) {
        auto* packet = static_cast<rte_mbuf*>(packets[i]);
        const ShapeTag tag = shape_tag(packet);
        if (!tagged || push_tags(packet)) {
            offered[left++] = {packet, rte_pktmbuf_pkt_len(packet), tag.pipe, tag.allotment, tag.flow_hash,
                               tag.traffic_class};
        }
    }
    return left;
}

bool TransmitStage::take_packets(std::uint64_t now_ns) noexcept {
    void* packets[kTaken];
    const unsigned count = rte_ring_sc_dequeue_burst(ring_.get(), packets, kTaken, nullptr);
    if (count == 0) {
        return false;
    }
    OfferedPacket offered[kTaken];
    const unsigned offers = offered_of(packets, count, offered);
    void* straight[kTaken];
    void* refused[kTaken];
    const ShapeOutcome outcome = shaper_.offer({offered, offers}, straight, room(), refused, now_ns);
    append(straight, outcome.straight, now_ns);
    for (unsigned i = 0; i < outcome.refused; ++i) {
        counters_.drop(DropReason::shaper_limit);
        rte_pktmbuf_free(static_cast<rte_mbuf*>(refused[i]));
    }
    return true;
}

/// What the worker and the twin hand over is untagged; on the wire it carries the port's tags.
bool TransmitStage::push_tags(rte_mbuf* packet) noexcept {
    const std::vector<std::uint16_t>& ids = port_.settings().vlan;
    char* front = rte_pktmbuf_prepend(packet, static_cast<std::uint16_t>(ids.size() * kVlanTagBytes));
    if (front == nullptr) {
        counters_.drop(DropReason::no_buffer);
        rte_pktmbuf_free(packet);
        return false;
    }
    write_vlan_tags(reinterpret_cast<std::uint8_t*>(front), ids);
    return true;
}

/// To those that the port takes next.
void TransmitStage::append(void* const* packets, unsigned count, std::uint64_t now_ns) noexcept {
    rte_mbuf** const first = pending_.data() + pending_count_;
    for (unsigned i = 0; i < count; ++i) {
        first[i] = static_cast<rte_mbuf*>(packets[i]);
    }
    pending_count_ += count;
    capture_.see(first, count, port_.index(), CaptureDirection::out, now_ns);
}

bool TransmitStage::send(std::uint64_t now_ns) noexcept {
    if (room() != 0 && shaper_.backlog_packets() != 0) {
        void* out[kPending];
        append(out, shaper_.dequeue(out, room(), now_ns), now_ns);
    }
    if (pending_count_ == 0) {
        return false;
    }
    const unsigned sent = port_.transmit(pending_.data(), pending_count_);
    counters_.add(Counter::forwarded, sent);
    std::move(pending_.begin() + sent, pending_.begin() + pending_count_, pending_.begin());
    pending_count_ -= sent;
    return sent != 0;
}

std::uint64_t TransmitStage::next_event_ns(std::uint64_t now_ns) noexcept {
    return pending_count_ != 0 ? now_ns : shaper_.next_event_ns(now_ns);
}

} // namespace foregate::dataplane
