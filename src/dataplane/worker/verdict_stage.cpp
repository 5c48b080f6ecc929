// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/worker/stages.h"

#include "dataplane/packet/checksum.h"

#include <cstring>

namespace foregate::dataplane {

namespace {

constexpr std::uint16_t kDnsPort = 53;
constexpr std::uint32_t kSeenReportMs = 1000;

std::span<const std::uint8_t> payload_of(const BatchSlot& slot) noexcept {
    return {slot.frame() + slot.parsed.payload_offset, slot.parsed.payload_length};
}

/// What a match of a name at this place is counted as.
DropReason reason_of(NameSpot spot) noexcept {
    switch (spot) {
    case NameSpot::dns_question:
    case NameSpot::dns_answer:
        return DropReason::threat_dns_name;
    case NameSpot::http:
    case NameSpot::http_connect:
        return DropReason::threat_http_host;
    case NameSpot::tls:
    case NameSpot::quic:
    case NameSpot::other:
        break;
    }
    return DropReason::threat_tls_name;
}

/// Something a person or program did: protocol keep-alives (at most one byte of TCP payload) are not.
bool is_activity(const ParsedPacket& p) noexcept {
    if (p.protocol == kProtoTcp) {
        return (p.tcp_flags & tcp_rst) == 0 && ((p.tcp_flags & tcp_syn) != 0 || p.payload_length > 1);
    }
    return true;
}

} // namespace

void VerdictStage::run(PacketBatch& batch) noexcept {
    for (BatchSlot& slot : batch) {
        if (slot.fate == Fate::pending) {
            decide(slot);
        }
    }
}

void VerdictStage::decide(BatchSlot& slot) noexcept {
    Flow& flow = *slot.flow;
    if (!secondary_open(slot)) {
        slot.drop(DropReason::secondary_cut);
        return;
    }
    if (flow.recheck) {
        flow.recheck = false;
        first_packet(slot);
    }
    if (flow.verdict == FlowVerdict::block) {
        if (slot.fate == Fate::pending) { // a packet after the one that was blocked
            if (slot.is_tcp_syn()) {
                outlet_.answer_with_reset(slot.parsed, slot.frame());
            }
            slot.drop(DropReason::blocked_flow);
        }
        return;
    }
    if (flow.verdict == FlowVerdict::undecided && slot.fate == Fate::pending) {
        classify(slot);
    }
}

bool VerdictStage::secondary_open(BatchSlot& slot) noexcept {
    Flow& flow = *slot.flow;
    if (flow.secondary == SecondaryState::open) {
        return true;
    }
    if (flow.secondary == SecondaryState::cut) {
        return false;
    }
    // No session yet, or cut for inactivity: what the desktop itself does begins or reopens it.
    const bool wakes = slot.from_desktop() && is_activity(slot.parsed);
    if (wakes) {
        auto& last = state_.seen_report_ms(flow.desktop, flow.desktop_address());
        if (last == 0 || state_.now_ms() - last >= kSeenReportMs) {
            last = state_.now_ms() == 0 ? 1 : state_.now_ms();
            state_.report(DesktopSeen{flow.desktop, usage_class_of(flow), flow.desktop_address()});
        }
    }
    return wakes || flow.secondary == SecondaryState::no_session;
}

/// The first packet of a flow, or the first since tables changed: what addresses alone can tell.
void VerdictStage::first_packet(BatchSlot& slot) noexcept {
    Flow& flow = *slot.flow;
    if (flow.verdict == FlowVerdict::block && !access_lifts(slot)) {
        return;
    }
    if (state_.generation->threats != nullptr) {
        const ThreatEntry* entry = state_.generation->threats->db.match_address(flow.server());
        if (entry != nullptr && !(entry->action == ThreatAction::note && flow.threat_noted)) {
            report_threat(slot, *entry, DropReason::threat_address, {});
            flow.threat_noted = true;
            if (entry->action == ThreatAction::block) {
                block(slot, DropReason::threat_address);
                return;
            }
        }
    }
    if (!access_on_sight(slot)) {
        return;
    }
    // Not by new_flow: the first packet may have been dropped while the secondary was cut.
    if (!flow.pattern_checked && flow.begun_by_desktop && flow.has_desktop) {
        flow.pattern_checked = true;
        check_deviation(slot);
    }
}

void VerdictStage::check_deviation(BatchSlot& slot) noexcept {
    Flow& flow = *slot.flow;
    const PatternTable& pattern = *state_.generation->pattern;
    const ClassPattern* expected = pattern.of_class(usage_class_of(flow));
    const bool connection = slot.is_tcp_syn() || flow.protocol == kProtoUdp;
    if (expected == nullptr || !expected->known || expected->policy == DeviationPolicy::off || !connection ||
        pattern.expected({flow.server(), flow.server_port(), usage_class_of(flow)})) {
        return;
    }
    const std::uint32_t seen = state_.ledger.count(flow.desktop, flow.app, pattern.bucket());
    const float budget = expected->budget[static_cast<std::size_t>(flow.app)];
    if (static_cast<float>(seen) <= budget) {
        return;
    }
    const bool blocks = expected->policy == DeviationPolicy::block;
    state_.counters.add(Counter::deviations);
    state_.report(Deviated{flow.desktop, usage_class_of(flow), flow.desktop_address(), flow.server(),
                           flow.desktop_port(), flow.server_port(), flow.protocol, flow.app, blocks, budget,
                           seen});
    if (blocks) {
        block(slot, DropReason::deviation);
    }
}

/// One look at the payload of a flow that is undecided, or decided and watched for names.
void VerdictStage::classify(BatchSlot& slot) noexcept {
    const CatalogueTables* tables = state_.generation->catalogue.get();
    const ParsedPacket& p = slot.parsed;
    const bool has_ports = p.protocol == kProtoTcp || p.protocol == kProtoUdp;
    if (tables == nullptr || p.later_fragment || (has_ports && p.payload_length == 0)) {
        return;
    }
    Flow& flow = *slot.flow;
    FlowCold& cold = state_.flows.cold(flow);
    ClassifyPacket packet;
    packet.payload = payload_of(slot);
    packet.from_client = slot.from_low == cold.client_is_low;
    packet.client_port = packet.from_client ? p.src_port : p.dst_port;
    packet.server_port = packet.from_client ? p.dst_port : p.src_port;
    packet.protocol = p.protocol;
    packet.tcp_flags = p.tcp_flags;
    packet.tcp_seq = p.protocol == kProtoTcp ? load_be32(slot.frame() + p.l4_offset + 4) : 0;
    packet.beginning_seen = cold.beginning_seen;
    ClassifyResult& result = state_.classified;
    CatalogueScratch& scratch = *tables->scratch[state_.index];
    if (cold.inspected == kLookedAtEnough) { // only the access list has not spoken yet
        if (access_settles(slot)) {
            flow.verdict = FlowVerdict::allow;
        }
        return;
    }
    if (cold.inspected == kWatched) {
        state_.classifier.watch(packet, tables->catalogue, result);
    } else {
        state_.classifier.feed(cold.classifier, packet, tables->catalogue, scratch, result);
    }
    if (result.decided) {
        note(flow, cold, result); // a flow that its name stops is known for what it was, too
    }
    if (look_at_names(slot, result)) {
        return;
    }
    if (!result.decided) {
        (void)access_stops_nameless(slot, packet.payload);
    } else {
        if (flow.protocol != kProtoTcp || access_settles(slot)) {
            settle(flow, cold, result);
        } else {
            cold.inspected = kLookedAtEnough;
        }
    }
}

/// True when a listed name ended the packet's way.
bool VerdictStage::look_at_names(BatchSlot& slot, const ClassifyResult& result) noexcept {
    if (result.dns != nullptr && slot.flow->server_port() == kDnsPort && slot.flow->protocol == kProtoUdp) {
        return look_at_dns(slot, result);
    }
    for (std::uint8_t i = 0; i < result.name_count && slot.from_desktop(); ++i) {
        const SeenName& seen = result.names[i];
        if (seen.spot != NameSpot::other && match_name(slot, seen.name, reason_of(seen.spot))) {
            return true;
        }
    }
    return false;
}

/// What the flow is.
void VerdictStage::note(Flow& flow, FlowCold& cold, const ClassifyResult& result) noexcept {
    if (cold.inspected == kWatched) {
        return;
    }
    cold.application_protocol = result.protocol;
    cold.application = result.application;
    cold.guessed = result.guessed;
    // A guess gives way to what other flows to the same service have turned out to be.
    const AppType type = result.guessed ? state_.services.find(flow.server(), flow.server_port(), flow.protocol, result.type)
                                        : result.type;
    if (flow.app != type) {
        flow.app = type;
        flow.usage_cell = kNoUsageCell; // from here on it counts as what it is
    }
    if (!result.guessed) {
        state_.services.note(flow.server(), flow.server_port(), flow.protocol, result.type);
    }
}

void VerdictStage::conclude(Flow& flow) noexcept {
    const CatalogueTables* tables = state_.generation->catalogue.get();
    FlowCold& cold = state_.flows.cold(flow);
    const bool decided = flow.verdict == FlowVerdict::allow || cold.inspected == kWatched ||
                         cold.inspected == kLookedAtEnough || cold.application_protocol != Catalogue::kUnknown;
    if (tables == nullptr || decided || flow.splice_upstream_side) {
        return;
    }
    ClassifyPacket packet;
    packet.client_port = cold.client_is_low ? flow.low_port : flow.high_port;
    packet.server_port = cold.client_is_low ? flow.high_port : flow.low_port;
    packet.protocol = flow.protocol;
    state_.classified.clear();
    state_.classifier.conclude(cold.classifier, packet, tables->catalogue, state_.classified);
    note(flow, cold, state_.classified);
}

void VerdictStage::settle(Flow& flow, FlowCold& cold, const ClassifyResult& result) noexcept {
    // Whatever came before, a question on DNS's port is looked at.
    const bool dns_port = flow.protocol == kProtoUdp && flow.server_port() == kDnsPort;
    if (result.watch || dns_port) {
        cold.inspected = kWatched;
    } else {
        flow.verdict = FlowVerdict::allow;
    }
}

bool VerdictStage::look_at_dns(BatchSlot& slot, const ClassifyResult& result) noexcept {
    const DnsMessage& message = *result.dns;
    if (slot.from_desktop() && result.dns_result == DnsResult::query) {
        const bool listed = !message.name.empty() && match_name(slot, message.name, DropReason::threat_dns_name);
        if (listed || (!message.name.empty() && access_denies_question(slot, message.name.view()))) {
            // Answered at once: the name does not exist. The packet is turned around and sent back.
            std::uint8_t* frame = slot.frame();
            const ParsedPacket& p = slot.parsed;
            const std::size_t size = build_nxdomain_reply(payload_of(slot), {frame + p.payload_offset, p.payload_length});
            if (size != 0) {
                rte_mbuf* reply = outlet_.allocate();
                if (reply != nullptr) {
                    build_dns_reply(slot, size, *reply);
                    outlet_.send_frame(reply, p.dst, p.src);
                }
            }
            state_.desktop_cell(slot.flow->desktop).blocked.add(1);
            slot.drop(listed ? DropReason::threat_dns_name : DropReason::access_name);
            return true;
        }
    } else if (!slot.from_desktop() && result.dns_result == DnsResult::answer && message.address_count != 0) {
        learn_dns(slot, message);
    }
    return false;
}

void VerdictStage::learn_dns(const BatchSlot& slot, const DnsMessage& message) noexcept {
    state_.counters.add(Counter::dns_answers);
    DnsLearned learned;
    learned.usage_class = usage_class_of(*slot.flow);
    copy_name(learned.name, message.name.view());
    learned.ttl_s = message.addresses[0].ttl_s;
    for (unsigned i = 0; i < message.address_count && learned.count < DnsLearned::kAddresses; ++i) {
        learned.addresses[learned.count++] = message.addresses[i].address;
        learned.ttl_s = std::min(learned.ttl_s, message.addresses[i].ttl_s);
    }
    state_.report(learned);
}

/// Writes the reply that stands in the query's own payload as a UDP packet from the resolver to the desktop.
void VerdictStage::build_dns_reply(const BatchSlot& slot, std::size_t size, rte_mbuf& reply) noexcept {
    const ParsedPacket& p = slot.parsed;
    const bool v4 = p.ip_version == 4;
    const unsigned ip_header = v4 ? 20 : 40;
    const auto udp_length = static_cast<std::uint16_t>(8 + size);
    auto* frame = reinterpret_cast<std::uint8_t*>(
        rte_pktmbuf_append(&reply, static_cast<std::uint16_t>(14 + ip_header + udp_length)));
    std::uint8_t* ip = frame + 14;
    std::memset(ip, 0, ip_header);
    if (v4) {
        ip[0] = 0x45;
        store_be16(ip + 2, static_cast<std::uint16_t>(ip_header + udp_length));
        ip[8] = 64;
        ip[9] = kProtoUdp;
        std::memcpy(ip + 12, p.dst.v4_wire(), 4);
        std::memcpy(ip + 16, p.src.v4_wire(), 4);
        store_be16(ip + 10, checksum_fold(checksum_add(ip, 20, 0)));
    } else {
        ip[0] = 0x60;
        store_be16(ip + 4, udp_length);
        ip[6] = kProtoUdp;
        ip[7] = 64;
        std::memcpy(ip + 8, p.dst.bytes.data(), 16);
        std::memcpy(ip + 24, p.src.bytes.data(), 16);
    }
    std::uint8_t* udp = ip + ip_header;
    store_be16(udp, p.dst_port);
    store_be16(udp + 2, p.src_port);
    store_be16(udp + 4, udp_length);
    store_be16(udp + 6, 0);
    std::memcpy(udp + 8, slot.frame() + p.payload_offset, size);
    const std::uint16_t sum = transport_checksum(p.dst, p.src, kProtoUdp, udp, udp_length);
    store_be16(udp + 6, sum == 0 ? 0xffff : sum);
}

bool VerdictStage::match_name(BatchSlot& slot, const NameBuffer& name, DropReason where) noexcept {
    if (where != DropReason::threat_dns_name && !name.odd) {
        NameSeen seen;
        seen.server = slot.flow->server();
        seen.port = slot.flow->server_port();
        copy_name(seen.name, name.view());
        state_.report(seen);
    }
    const ThreatTables* threats = state_.generation->threats.get();
    const ThreatEntry* entry =
        threats == nullptr ? nullptr : threats->db.match_name(name.view(), *threats->scratch[state_.index]);
    if (entry != nullptr) {
        report_threat(slot, *entry, where, name.view());
    }
    if (entry == nullptr || entry->action != ThreatAction::block) {
        return where == DropReason::threat_dns_name ? access_denies_tcp_question(slot, name.view())
                                                    : access_denies_name(slot, name.view());
    }
    const bool udp = slot.flow->protocol == kProtoUdp;
    if (udp && where == DropReason::threat_dns_name && slot.flow->server_port() == kDnsPort) {
        return true; // the caller answers the question
    }
    if (!udp) {
        cut_short(slot);
    }
    block(slot, where);
    return true;
}

/// Tells the server too: this packet becomes a reset of the connection, on the way it would have gone.
void VerdictStage::cut_short(BatchSlot& slot) noexcept {
    outlet_.answer_with_reset(slot.parsed, slot.frame());
    slot.flow->reset_sent = true;
    ParsedPacket& p = slot.parsed;
    std::uint8_t* frame = slot.frame();
    const auto header = static_cast<std::uint16_t>(p.payload_offset - p.l4_offset);
    const auto ip_length = static_cast<std::uint16_t>(p.payload_offset - p.l3_offset);
    std::uint8_t* ip = frame + p.l3_offset;
    if (p.ip_version == 4) {
        const std::uint16_t before = load_be16(ip + 2);
        store_be16(ip + 2, ip_length);
        store_be16(ip + 10, checksum_update16(load_be16(ip + 10), before, ip_length));
    } else {
        store_be16(ip + 4, static_cast<std::uint16_t>(ip_length - 40));
    }
    std::uint8_t* tcp = frame + p.l4_offset;
    tcp[13] = tcp_rst | tcp_ack;
    store_be16(tcp + 16, 0);
    store_be16(tcp + 16, transport_checksum(p.src, p.dst, kProtoTcp, tcp, header));
    rte_pktmbuf_trim(slot.packet, static_cast<std::uint16_t>(rte_pktmbuf_data_len(slot.packet) - p.payload_offset));
    p.payload_length = 0;
    p.ip_length = ip_length;
    p.tcp_flags = tcp_rst | tcp_ack;
}

void VerdictStage::block(BatchSlot& slot, DropReason reason) noexcept {
    Flow& flow = *slot.flow;
    flow.verdict = FlowVerdict::block;
    state_.flows.cold(flow).blocked_for = reason;
    state_.desktop_cell(flow.desktop).blocked.add(1);
    if (flow.reset_sent) {
        state_.counters.drop(reason); // the payload was dropped; its header goes on as a reset
        return;
    }
    if (slot.from_desktop()) {
        outlet_.answer_with_reset(slot.parsed, slot.frame());
    }
    slot.drop(reason);
}

void VerdictStage::report_threat(const BatchSlot& slot, const ThreatEntry& entry, DropReason where,
                                 std::string_view name) noexcept {
    const Flow& flow = *slot.flow;
    state_.counters.add(Counter::threat_matches);
    ThreatMatched matched;
    matched.desktop = flow.desktop;
    matched.desktop_address = flow.desktop_address();
    matched.server = flow.server();
    matched.desktop_port = flow.desktop_port();
    matched.server_port = flow.server_port();
    matched.protocol = flow.protocol;
    matched.app = flow.app;
    matched.where = where;
    matched.blocked = entry.action == ThreatAction::block;
    matched.entry = static_cast<std::uint32_t>(&entry - state_.generation->threats->db.entries().data());
    matched.generation = state_.generation->number;
    copy_name(matched.name, name);
    state_.report(matched);
}

} // namespace foregate::dataplane
