// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/worker/outlet.h"

#include "dataplane/packet/mss_clamp.h"

#include <algorithm>
#include <cstring>
#include <rte_ring.h>

namespace foregate::dataplane {

namespace {

constexpr unsigned kEthernetHeader = 14;

} // namespace

void Outlet::drop(rte_mbuf* packet, DropReason reason) noexcept {
    state_.counters.drop(reason);
    rte_pktmbuf_free(packet);
}

void Outlet::flush() noexcept {
    for (std::size_t port = 0; port < gathered_.size(); ++port) {
        if (gathered_[port].count != 0) {
            flush(port);
        }
    }
}

void Outlet::flush(std::size_t port) noexcept {
    Gathered& gathered = gathered_[port];
    const unsigned taken =
        rte_ring_mp_enqueue_burst(state_.lanes[port].transmit, gathered.packets.data(), gathered.count, nullptr);
    for (unsigned i = taken; i < gathered.count; ++i) {
        drop(static_cast<rte_mbuf*>(gathered.packets[i]), DropReason::shaper_ring_full);
    }
    state_.counters.add(Counter::forwarded, taken);
    gathered.count = 0;
}

void Outlet::to_kernel(rte_mbuf* packet) noexcept {
    const PortLane& lane = state_.lanes[packet->port];
    if (lane.to_kernel == nullptr) {
        drop(packet, DropReason::no_twin);
    } else if (!state_.kernel_limiter.admit(rte_pktmbuf_mtod(packet, const std::uint8_t*), state_.now_ns)) {
        drop(packet, DropReason::kernel_rate);
    } else if (rte_ring_mp_enqueue(lane.to_kernel, packet) != 0) {
        drop(packet, DropReason::kernel_queue_full);
    } else {
        state_.counters.add(Counter::to_kernel);
    }
}

rte_mbuf* Outlet::allocate() noexcept {
    rte_mbuf* packet = rte_pktmbuf_alloc(state_.pool);
    if (packet == nullptr) {
        state_.counters.drop(DropReason::no_buffer);
    }
    return packet;
}

void Outlet::send_frame(rte_mbuf* packet, const IpAddress& src, const IpAddress& dst) noexcept {
    std::uint8_t* frame = rte_pktmbuf_mtod(packet, std::uint8_t*);
    frame[12] = src.is_v4() ? 0x08 : 0x86;
    frame[13] = src.is_v4() ? 0x00 : 0xdd;
    const RouteTable& routes = *state_.generation->routes;
    const Hop& hop = routes.lookup(dst);
    if (hop.kind == Hop::Kind::forward) {
        forward(packet, hop, ShapeTag{0, TrafficClass::control, 0, 0});
        return;
    }
    const Hop& back = routes.lookup(src);
    const std::uint16_t port = back.port != Hop::kNoPort ? back.port : hop.port;
    if (port == Hop::kNoPort) {
        drop(packet, DropReason::no_twin);
        return;
    }
    packet->port = port;
    write_ethernet(frame, state_.lanes[port].mac, back.mac);
    to_kernel(packet);
}

/// What fits through every routed port: what the gateway offers on a desktop's behalf passes two of them in the end.
std::uint16_t Outlet::least_mss(unsigned ip_version) const noexcept {
    std::uint16_t least = 0xffff;
    for (const PortLane& lane : state_.lanes) {
        if (is_routed(lane.port->settings().kind)) {
            least = std::min(least, lane.port->settings().most_mss(ip_version));
        }
    }
    return least;
}

void Outlet::send(const SegmentSpec& segment) noexcept {
    rte_mbuf* packet = allocate();
    if (packet == nullptr) {
        return;
    }
    auto* room = reinterpret_cast<std::uint8_t*>(rte_pktmbuf_append(packet, kEthernetHeader + kMaxBuiltBytes));
    const unsigned ip_length = build_tcp_frame(segment, room + kEthernetHeader);
    const unsigned length = kEthernetHeader + ip_length;
    if ((segment.flags & tcp_syn) != 0) {
        const unsigned version = segment.src.is_v4() ? 4 : 6;
        const unsigned ip_header = version == 4 ? 20 : 40;
        (void)clamp_mss(reinterpret_cast<std::uint8_t*>(room) + kEthernetHeader + ip_header, ip_length - ip_header,
                        least_mss(version));
    }
    rte_pktmbuf_trim(packet, static_cast<std::uint16_t>(kEthernetHeader + kMaxBuiltBytes - length));
    send_frame(packet, segment.src, segment.dst);
}

void Outlet::drain_splicer() noexcept {
    auto& segments = state_.splicer.out();
    while (const SegmentSpec* segment = segments.front()) {
        send(*segment);
        segments.pop();
    }
    auto& reports = state_.splicer.reports();
    while (const HeldReport* message = reports.front()) {
        if (message->event == HeldEvent::spliced) {
            state_.counters.add(Counter::splices);
        } else if (message->event == HeldEvent::fallback) {
            state_.counters.add(Counter::splice_fallbacks);
        } else if (message->event == HeldEvent::replayed) {
            state_.counters.add(Counter::splices_replayed);
        }
        state_.report(*message);
        reports.pop();
    }
}

void Outlet::answer_with_reset(const ParsedPacket& offending, const std::uint8_t* frame) noexcept {
    if (offending.protocol != kProtoTcp || (offending.tcp_flags & tcp_rst) != 0) {
        return;
    }
    const std::uint8_t* tcp = frame + offending.l4_offset;
    const std::uint32_t seq = load_be32(tcp + 4);
    SegmentSpec reset;
    reset.src = offending.dst;
    reset.dst = offending.src;
    reset.src_port = offending.dst_port;
    reset.dst_port = offending.src_port;
    if ((offending.tcp_flags & tcp_ack) != 0) { // RFC 9293 3.10.7.1: as a closed port answers
        reset.seq = load_be32(tcp + 8);
        reset.flags = tcp_rst;
    } else {
        const std::uint32_t consumed = offending.payload_length + ((offending.tcp_flags & tcp_syn) != 0 ? 1U : 0U) +
                                       ((offending.tcp_flags & tcp_fin) != 0 ? 1U : 0U);
        reset.ack = seq + consumed;
        reset.flags = tcp_rst | tcp_ack;
    }
    state_.counters.add(Counter::resets_sent);
    send(reset);
}

} // namespace foregate::dataplane
