// SPDX-License-Identifier: BSD-3-Clause
#include "control/classify/offline_flows.h"

#include <algorithm>

namespace foregate::control {

using dataplane::ClassifyPacket;
using dataplane::ParsedPacket;
using dataplane::PortSpace;

namespace {

constexpr std::size_t kMostHosts = 16;
constexpr std::uint16_t kArp = 0x0806;

/// Identification of a fragmented packet; 0 where there is none.
std::uint32_t fragment_id(const ParsedPacket& packet, std::span<const std::uint8_t> frame) {
    if (packet.ip_version == 4) {
        return dataplane::load_be16(frame.data() + packet.l3_offset + 4);
    }
    // The fragment header is the last extension header before the payload, or close to it.
    std::uint32_t at = packet.l3_offset + 40U;
    std::uint8_t next = frame[packet.l3_offset + 6U];
    for (int i = 0; i < 8 && at + 8 <= frame.size(); ++i) {
        if (next == 44) {
            return dataplane::load_be32(frame.data() + at + 4);
        }
        next = frame[at];
        at += (frame[at + 1] + 1U) * 8U;
    }
    return 0;
}

ClassifyPacket base_packet(const OfflineFlow& flow) {
    ClassifyPacket packet;
    packet.client_port = flow.client_port;
    packet.server_port = flow.server_port;
    packet.protocol = flow.protocol;
    packet.beginning_seen = flow.beginning_seen;
    return packet;
}

} // namespace

OfflineFlows::OfflineFlows(const dataplane::Catalogue& catalogue, const dataplane::ClassifyLimits& limits)
    : catalogue_(catalogue), scratch_(catalogue), classifier_(limits) {}

OfflineFlow& OfflineFlows::flow_of(const ParsedPacket& packet, bool& from_client) {
    const std::uint16_t protocol = packet.protocol;
    const auto found = by_key_.find({packet.src, packet.dst, packet.src_port, packet.dst_port, protocol});
    if (found != by_key_.end()) {
        OfflineFlow& flow = *found->second;
        from_client = flow.client == packet.src && flow.client_port == packet.src_port;
        return flow;
    }
    OfflineFlow& flow = flows_.emplace_back();
    flow.protocol = packet.protocol;
    const bool tcp = packet.protocol == dataplane::kProtoTcp;
    const bool syn = tcp && (packet.tcp_flags & dataplane::tcp_syn) != 0;
    const bool syn_ack = syn && (packet.tcp_flags & dataplane::tcp_ack) != 0;
    // Without a SYN the end whose port a protocol is known by is the server.
    const PortSpace space = tcp ? PortSpace::tcp : PortSpace::udp;
    const bool src_known = catalogue_.port_protocol(space, packet.src_port) != 0;
    const bool dst_known = catalogue_.port_protocol(space, packet.dst_port) != 0;
    from_client = !(syn_ack || (!syn && src_known && !dst_known));
    flow.beginning_seen = syn || (!tcp && from_client);
    flow.client = from_client ? packet.src : packet.dst;
    flow.server = from_client ? packet.dst : packet.src;
    flow.client_port = from_client ? packet.src_port : packet.dst_port;
    flow.server_port = from_client ? packet.dst_port : packet.src_port;
    by_key_[{packet.src, packet.dst, packet.src_port, packet.dst_port, protocol}] = &flow;
    by_key_[{packet.dst, packet.src, packet.dst_port, packet.src_port, protocol}] = &flow;
    return flow;
}

void OfflineFlows::take_frame(std::span<const std::uint8_t> frame) {
    ParsedPacket packet;
    if (dataplane::parse(frame.data(), static_cast<std::uint32_t>(frame.size()), packet,
                         dataplane::HeaderChecksum::known_good) != dataplane::ParseResult::ip) { // as captured, before offload
        take_unreadable(frame.size());
        return;
    }
    OfflineFlow* flow = nullptr;
    bool from_client = true;
    const FragmentKey key{packet.src, packet.dst, packet.fragment ? fragment_id(packet, frame) : 0, packet.protocol};
    if (packet.later_fragment) {
        const auto first = fragments_.find(key);
        flow = first != fragments_.end() ? first->second : nullptr;
    }
    if (flow == nullptr) {
        flow = &flow_of(packet, from_client);
    }
    if (packet.fragment && !packet.later_fragment) {
        fragments_[key] = flow;
    }
    ++flow->packets;
    flow->bytes += packet.ip_length;
    if (!packet.later_fragment) {
        classify(*flow, packet, from_client, frame);
    }
}

void OfflineFlows::classify(OfflineFlow& flow, const ParsedPacket& packet, bool from_client,
                            std::span<const std::uint8_t> frame) {
    if (flow.decided && !flow.watch) {
        return;
    }
    ClassifyPacket look = base_packet(flow);
    look.payload = frame.subspan(packet.payload_offset, packet.payload_length);
    look.tcp_flags = packet.tcp_flags;
    if (packet.protocol == dataplane::kProtoTcp) {
        look.tcp_seq = dataplane::load_be32(frame.data() + packet.l4_offset + 4);
    }
    look.from_client = from_client;
    if (flow.decided) {
        classifier_.watch(look, catalogue_, result_);
        flow.watch = result_.watch;
    } else {
        classifier_.feed(flow.handle, look, catalogue_, scratch_, result_);
    }
    apply(flow, result_);
}

void OfflineFlows::apply(OfflineFlow& flow, const dataplane::ClassifyResult& result) {
    for (std::uint8_t i = 0; i < result.name_count; ++i) {
        const std::string host(result.names[i].name.view());
        if (!host.empty() && flow.hosts.size() < kMostHosts &&
            std::find(flow.hosts.begin(), flow.hosts.end(), host) == flow.hosts.end()) {
            flow.hosts.push_back(host);
        }
    }
    if (!result.decided || flow.decided) {
        return;
    }
    flow.decided = true;
    flow.watch = result.watch;
    flow.guessed = result.guessed;
    flow.app = result.protocol;
    flow.application = result.application;
    flow.type = result.type;
}

void OfflineFlows::take_other(std::uint16_t ether_type, std::span<const std::uint8_t> bytes) {
    dataplane::IpAddress from;
    dataplane::IpAddress to;
    if (ether_type == kArp && bytes.size() >= 28 && dataplane::load_be16(bytes.data() + 2) == 0x0800) {
        from = dataplane::IpAddress::from_v4_wire(bytes.data() + 14);
        to = dataplane::IpAddress::from_v4_wire(bytes.data() + 24);
    }
    OfflineFlow*& flow = by_key_[{std::min(from, to), std::max(from, to), ether_type, 0, 0x100}];
    if (flow == nullptr) {
        flow = &flows_.emplace_back();
        flow->client = from;
        flow->server = to;
        flow->ether_type = ether_type;
        flow->app = catalogue_.port_protocol(PortSpace::ether, ether_type);
        flow->type = catalogue_.type(flow->app);
        flow->decided = true;
    }
    ++flow->packets;
    flow->bytes += bytes.size();
}

void OfflineFlows::take_unreadable(std::size_t bytes) {
    ++unreadable_;
    OfflineFlow*& flow = by_key_[{dataplane::IpAddress{}, dataplane::IpAddress{}, 0, 0, 0x101}];
    if (flow == nullptr) {
        flow = &flows_.emplace_back();
        flow->decided = true;
    }
    ++flow->packets;
    flow->bytes += bytes;
}

void OfflineFlows::finish() {
    for (OfflineFlow& flow : flows_) {
        if (!flow.decided) {
            result_.clear();
            classifier_.conclude(flow.handle, base_packet(flow), catalogue_, result_);
            apply(flow, result_);
        }
    }
}

} // namespace foregate::control
