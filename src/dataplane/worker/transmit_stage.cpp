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

/// Three passes, so that the misses of a burst overlap: buffers, desktops, queues.
void TransmitStage::prefetch(void* const* packets, unsigned count) const noexcept {
    for (unsigned i = 0; i < count; ++i) {
        prefetch_line(packets[i]);
    }
    for (unsigned i = 0; i < count; ++i) {
        shaper_.prefetch(shape_tag(static_cast<rte_mbuf*>(packets[i])).pipe);
    }
    for (unsigned i = 0; i < count; ++i) {
        const ShapeTag tag = shape_tag(static_cast<rte_mbuf*>(packets[i]));
        shaper_.prefetch_queue(tag.pipe, tag.flow_hash);
    }
}

bool TransmitStage::take_packets(std::uint64_t now_ns) noexcept {
    void* packets[2 * kBurst];
    const unsigned count = rte_ring_sc_dequeue_burst(ring_.get(), packets, 2 * kBurst, nullptr);
    prefetch(packets, count);
    for (unsigned i = 0; i < count; ++i) {
        auto* packet = static_cast<rte_mbuf*>(packets[i]);
        const ShapeTag tag = shape_tag(packet);
        if (!port_.settings().vlan.empty() && !push_tags(packet)) {
            continue;
        }
        if (!shaper_.enqueue(packet, rte_pktmbuf_pkt_len(packet), tag.pipe, tag.allotment, tag.flow_hash,
                             tag.traffic_class, now_ns)) {
            counters_.drop(DropReason::shaper_limit);
            rte_pktmbuf_free(packet);
        }
    }
    return count != 0;
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

bool TransmitStage::send(std::uint64_t now_ns) noexcept {
    if (pending_count_ < kPending) {
        void* out[kPending];
        const unsigned count = shaper_.dequeue(out, kPending - pending_count_, now_ns);
        for (unsigned i = 0; i < count; ++i) {
            pending_[pending_count_++] = static_cast<rte_mbuf*>(out[i]);
        }
        capture_.see(pending_.data() + (pending_count_ - count), count, port_.index(), CaptureDirection::out, now_ns);
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
