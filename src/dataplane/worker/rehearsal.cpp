// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/worker/rehearsal.h"

#include "dataplane/packet/build.h"
#include "dataplane/packet/checksum.h"
#include "dataplane/packet/tcp_options.h"
#include "dataplane/watch/first_payload.h"
#include "dataplane/watch/flow_frame.h"
#include "dataplane/worker/worker.h"

#include <algorithm>
#include <cstring>
#include <rte_ring.h>
#include <stdexcept>

namespace foregate::dataplane {

namespace {

constexpr unsigned kEthernet = 14;
constexpr unsigned kBuffers = 255;
constexpr std::uint32_t kDesktopIsn = 0x10000000;
constexpr std::uint32_t kServerIsn = 0x20000000;
constexpr std::uint64_t kMillisecond = 1'000'000;

Settings small(Settings settings) {
    settings.flows_per_worker = 1024;
    settings.held_per_worker = 256;
    settings.usage_cells = 1024;
    settings.undecided_flows = 64;
    return settings;
}

/// The same ports with rings of our own; the ports themselves are only asked for their addresses.
struct Rings {
    explicit Rings(const std::vector<PortLane>& real) : lanes(real) {
        for (std::size_t i = 0; i < real.size(); ++i) {
            transmit.push_back(own(lanes[i].transmit, "explain-tx-" + std::to_string(i)));
            kernel.push_back(own(lanes[i].to_kernel, "explain-up-" + std::to_string(i)));
            lanes[i].transmit = transmit.back().get();
            lanes[i].to_kernel = kernel.back().get();
        }
    }
    static PacketRing own(const rte_ring* real, const std::string& name) {
        return real == nullptr ? PacketRing() : make_packet_ring(name, 256);
    }
    std::vector<PortLane> lanes;
    std::vector<PacketRing> transmit, kernel;
};

class Rehearsal {
public:
    Rehearsal(const RehearsalOrder& order, const Settings& settings, const std::vector<PortLane>& lanes,
              unsigned workers, GenerationSlot& generations, std::uint64_t now_ns)
        : order_(order), settings_(small(settings)), pool_(make_packet_pool("explain", kBuffers, 0)), rings_(lanes),
          worker_(workers, settings_, rings_.lanes, pool_.get(), SpreadLanes{}, nullptr, nullptr, generations),
          routes_(*generations.current().routes), now_ns_(now_ns) {
        worker_.rehearse_orders(now_ns_); // the tables are in force
        worker_.ledger().set(order.desktop, generations.current().pattern->bucket(), order.unexpected);
    }

    RehearsalResult run() {
        hold_connections();
        (void)take_departures();
        take_reports();
        reports_.clear(); // of the connections that are held already
        if (order_.protocol == kProtoTcp) {
            play_tcp();
        } else {
            play_datagrams();
        }
        take_reports();
        result_.reports = std::move(reports_);
        return std::move(result_);
    }

private:
    /// The port that packets from `address` come in by.
    [[nodiscard]] std::uint16_t port_of(const IpAddress& address, PortKind kind) const {
        const Hop& hop = routes_.lookup(address);
        if (hop.port < rings_.lanes.size() && rings_.lanes[hop.port].port->settings().kind == kind) {
            return hop.port;
        }
        for (std::uint16_t i = 0; i < rings_.lanes.size(); ++i) {
            if (rings_.lanes[i].port->settings().kind == kind) {
                return i;
            }
        }
        throw std::runtime_error("there is no port of this kind");
    }

    /// `ip` behind an Ethernet header as if `source` had sent it to `port`. Never nullptr.
    rte_mbuf* arriving(std::uint16_t port, const std::uint8_t* ip, std::size_t size, const IpAddress& source) {
        const std::vector<std::uint16_t>& tags = rings_.lanes[port].port->settings().vlan;
        const std::size_t header = kEthernet + tags.size() * 4;
        rte_mbuf* packet = rte_pktmbuf_alloc(pool_.get());
        char* room = packet == nullptr ? nullptr : rte_pktmbuf_append(packet, static_cast<std::uint16_t>(header + size));
        if (room == nullptr) {
            rte_pktmbuf_free(packet);
            throw std::runtime_error("no packet buffer for a made-up packet");
        }
        auto* frame = reinterpret_cast<std::uint8_t*>(room);
        const MacAddress& own = rings_.lanes[port].port->mac();
        std::memcpy(frame, own.data(), own.size());
        constexpr MacAddress kUnknown{0x02, 0, 0, 0, 0, 1};
        const Hop* neighbour = routes_.on_link(source); // a packet of another machine would count as forged
        const MacAddress& sender = neighbour != nullptr ? neighbour->mac : kUnknown;
        std::memcpy(frame + 6, sender.data(), sender.size());
        for (std::size_t i = 0; i < tags.size(); ++i) { // IEEE 802.1ad outside, 802.1Q inside
            store_be16(frame + 12 + i * 4, i + 1 < tags.size() ? 0x88a8 : 0x8100);
            store_be16(frame + 14 + i * 4, tags[i]);
        }
        store_be16(frame + header - 2, source.is_v4() ? 0x0800 : 0x86dd);
        std::memcpy(frame + header, ip, size);
        packet->port = port;
        return packet;
    }

    void play(const char* what, rte_mbuf* packet) {
        RehearsedPacket& played = result_.packets.emplace_back();
        played.what = what;
        worker_.rehearse(packet, now_ns_, played.trace);
        played.departures = take_departures();
    }

    SegmentSpec segment(bool from_desktop, std::uint8_t flags) const {
        SegmentSpec spec;
        spec.src = from_desktop ? order_.source : order_.destination;
        spec.dst = from_desktop ? order_.destination : order_.source;
        spec.src_port = from_desktop ? order_.source_port : order_.destination_port;
        spec.dst_port = from_desktop ? order_.destination_port : order_.source_port;
        spec.window = 64240;
        spec.flags = flags;
        spec.options.mss = order_.syn.mss;
        spec.options.window_scale = order_.syn.window_scale;
        spec.options.sack_permitted = order_.syn.sack_permitted;
        spec.options.timestamps = order_.syn.timestamps;
        spec.options.order = order_.syn.order;
        spec.options.ts_val = 1;
        return spec;
    }

    rte_mbuf* arriving(std::uint16_t port, const SegmentSpec& spec) {
        std::uint8_t ip[kMaxBuiltBytes];
        const unsigned size = build_tcp_frame(spec, ip);
        return arriving(port, ip, size, spec.src);
    }

    void play_tcp() {
        const std::uint16_t port = port_of(order_.source, PortKind::desktop);
        SegmentSpec syn = segment(true, tcp_syn);
        syn.seq = kDesktopIsn;
        play("SYN", arriving(port, syn));
        note_held();
        const auto payload = first_payload(order_.protocol, order_.destination_port, order_.name);
        const bool refused = last_fate() == TraceFate::dropped || last_fate() == TraceFate::kernel;
        if (payload.empty() || refused) {
            return;
        }
        std::uint32_t server_isn = kServerIsn;
        if (result_.held) {
            server_isn = answered_isn_; // the gateway has answered in the server's place
        } else {
            SegmentSpec answer = segment(false, tcp_syn | tcp_ack);
            answer.seq = server_isn;
            answer.ack = kDesktopIsn + 1;
            answer.options.ts_ecr = 1;
            TracedPacket unseen;
            worker_.rehearse(arriving(port_of(order_.destination, PortKind::upstream), answer), now_ns_, unseen);
            (void)take_departures();
        }
        SegmentSpec first = segment(true, tcp_ack | tcp_psh);
        first.seq = kDesktopIsn + 1;
        first.ack = server_isn + 1;
        first.options.ts_ecr = 1;
        first.payload_length = static_cast<std::uint16_t>(std::min<std::size_t>(payload.size(), kMaxSegmentPayload));
        std::copy_n(payload.begin(), first.payload_length, first.payload.begin());
        play("first payload", arriving(port, first));
    }

    void play_datagrams() {
        const std::uint16_t port = port_of(order_.source, PortKind::desktop);
        auto frame = flow_frame(order_.source, order_.source_port, order_.destination, order_.destination_port,
                                order_.protocol);
        const auto payload = first_payload(order_.protocol, order_.destination_port, order_.name);
        frame.insert(frame.end(), payload.begin(), payload.end());
        finish_datagram(frame, payload.size());
        play(payload.empty() ? "packet" : "first payload",
             arriving(port, frame.data() + kEthernet, frame.size() - kEthernet, order_.source));
    }

    /// Lengths and checksums of a frame that flow_frame() began.
    void finish_datagram(std::vector<std::uint8_t>& frame, std::size_t payload) const {
        const bool v4 = order_.source.is_v4();
        std::uint8_t* ip = frame.data() + kEthernet;
        const std::size_t header = v4 ? 20 : 40;
        const std::size_t transport = frame.size() - kEthernet - header;
        std::uint8_t* l4 = ip + header;
        if (v4) {
            store_be16(ip + 2, static_cast<std::uint16_t>(header + transport));
            store_be16(ip + 10, 0);
            store_be16(ip + 10, checksum_fold(checksum_add(ip, 20, 0)));
        } else {
            store_be16(ip + 4, static_cast<std::uint16_t>(transport));
        }
        if (order_.protocol == kProtoUdp) {
            store_be16(l4 + 4, static_cast<std::uint16_t>(8 + payload));
            const std::uint16_t sum =
                transport_checksum(order_.source, order_.destination, kProtoUdp, l4, static_cast<std::uint16_t>(transport));
            store_be16(l4 + 6, sum == 0 ? 0xffff : sum);
        } else if (order_.protocol == kProtoIcmp) {
            store_be16(l4 + 2, checksum_fold(checksum_add(l4, static_cast<std::uint32_t>(transport), 0)));
        } else if (order_.protocol == kProtoIcmpv6) {
            store_be16(l4 + 2, transport_checksum(order_.source, order_.destination, kProtoIcmpv6, l4,
                                                  static_cast<std::uint16_t>(transport)));
        }
    }

    [[nodiscard]] TraceFate last_fate() const {
        const TracedPacket& last = result_.packets.back().trace;
        return last.stages[last.stage_count - 1].fate;
    }

    /// Opens what is held, as old as it is, with the server's answer made up: as if it had taken every option.
    void hold_connections() {
        std::vector<HeldView> held;
        for (const HeldView& view : order_.held) {
            if (view.state == HeldState::held && view.server == order_.destination && view.port == order_.destination_port) {
                held.push_back(view);
            }
        }
        std::sort(held.begin(), held.end(), [](const HeldView& a, const HeldView& b) { return a.age_ns > b.age_ns; });
        const std::size_t most = settings_.held_per_worker / 2;
        held.resize(std::min(held.size(), most));
        const std::uint64_t present = now_ns_;
        for (const HeldView& view : held) {
            now_ns_ = present - std::min(present, view.age_ns);
            hold(view);
        }
        now_ns_ = present;
        worker_.rehearse_orders(now_ns_); // timers
    }

    void hold(const HeldView& view) {
        OpenHeld open;
        open.id = view.id;
        open.desktop = view.desktop;
        open.usage_class = view.usage_class;
        open.purpose = view.purpose;
        open.source = view.source;
        open.server = view.server;
        open.port = view.port;
        open.syn = order_.syn;
        open.max_age_ns = order_.held_max_age_ns;
        open.keepalive_ns = 0;
        (void)worker_.orders().post(open);
        (void)take_departures();
        last_syn_.reset();
        worker_.rehearse_orders(now_ns_);
        (void)take_departures();
        if (!last_syn_) {
            return; // there was no room, or no way to the server
        }
        SegmentSpec answer = segment(false, tcp_syn | tcp_ack);
        answer.dst_port = last_syn_->port;
        answer.seq = kServerIsn;
        answer.ack = last_syn_->seq + 1;
        answer.options.ts_ecr = last_syn_->ts_val;
        TracedPacket unseen;
        worker_.rehearse(arriving(port_of(view.server, PortKind::upstream), answer), now_ns_, unseen);
    }

    /// Which held connection the SYN was joined to.
    void note_held() {
        Snapshot held;
        held.held.reserve(settings_.held_per_worker);
        (void)worker_.orders().post(TakeSnapshot{&held, 0, false, true});
        for (int turn = 0; turn < 64 && !held.done.load(std::memory_order_acquire); ++turn) {
            worker_.rehearse_orders(now_ns_);
        }
        for (const HeldView& view : held.held) {
            if (view.state == HeldState::splicing || view.state == HeldState::spliced) {
                result_.held = view.id;
            }
        }
    }

    std::vector<Departure> take_departures() {
        std::vector<Departure> out;
        for (std::size_t i = 0; i < rings_.lanes.size(); ++i) {
            void* packet = nullptr;
            while (rings_.transmit[i] && rte_ring_sc_dequeue(rings_.transmit[i].get(), &packet) == 0) {
                out.push_back(departure(static_cast<rte_mbuf*>(packet), i, Departure::Way::port));
            }
            while (rings_.kernel[i] && rte_ring_sc_dequeue(rings_.kernel[i].get(), &packet) == 0) {
                out.push_back(departure(static_cast<rte_mbuf*>(packet), i, Departure::Way::kernel));
            }
        }
        return out;
    }

    Departure departure(rte_mbuf* packet, std::size_t port, Departure::Way way) {
        Departure out;
        out.way = way;
        out.port = static_cast<std::uint16_t>(port);
        const auto* frame = rte_pktmbuf_mtod(packet, const std::uint8_t*);
        if (way == Departure::Way::port) {
            std::copy_n(frame, out.next_hop.size(), out.next_hop.begin());
            const ShapeTag& tag = shape_tag(packet);
            out.pipe = tag.pipe;
            out.allotment = tag.allotment;
            out.traffic_class = tag.traffic_class;
        }
        ParsedPacket parsed;
        if (parse(frame, rte_pktmbuf_data_len(packet), parsed) == ParseResult::ip) {
            out.towards_source = parsed.dst == order_.source;
            out.tcp_flags = parsed.tcp_flags;
            if (parsed.protocol == kProtoTcp) {
                note_segment(frame, parsed);
            }
        }
        rte_pktmbuf_free(packet);
        return out;
    }

    void note_segment(const std::uint8_t* frame, const ParsedPacket& parsed) {
        const std::uint8_t* tcp = frame + parsed.l4_offset;
        const std::uint8_t flags = parsed.tcp_flags & (tcp_syn | tcp_ack);
        if (flags == tcp_syn && parsed.dst == order_.destination) {
            const unsigned header = static_cast<unsigned>(parsed.payload_offset - parsed.l4_offset);
            last_syn_ = {parsed.src_port, load_be32(tcp + 4), parse_tcp_options(tcp, header).ts_val};
        } else if (flags == (tcp_syn | tcp_ack) && parsed.dst == order_.source) {
            answered_isn_ = load_be32(tcp + 4);
        }
    }

    void take_reports() {
        Report report;
        while (worker_.reports().take(report)) {
            reports_.push_back(report);
        }
    }

    struct SentSyn {
        std::uint16_t port = 0;
        std::uint32_t seq = 0;
        std::uint32_t ts_val = 0;
    };

    const RehearsalOrder& order_;
    const Settings settings_;
    PacketPool pool_;
    Rings rings_;
    Worker worker_;
    const RouteTable& routes_;
    std::uint64_t now_ns_;
    std::optional<SentSyn> last_syn_; ///< that left for the destination
    std::uint32_t answered_isn_ = 0;  ///< of the SYN-ACK that went to the source
    std::vector<Report> reports_;
    RehearsalResult result_;
};

} // namespace

RehearsalResult rehearse(const RehearsalOrder& order, const Settings& settings, const std::vector<PortLane>& lanes,
                         unsigned workers, GenerationSlot& generations, std::uint64_t now_ns) {
    return Rehearsal(order, settings, lanes, workers, generations, now_ns).run();
}

} // namespace foregate::dataplane
