// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/classify/flow_classifier.h"

#include "dataplane/packet/parse.h"

#include <algorithm>
#include <new>

namespace foregate::dataplane {

namespace {

constexpr std::uint8_t kEnoughSeeming = 8; ///< payloads after which what a flow seems to be is what it is

/// Ethernet's padding behind a bare acknowledgement, which some captures and network cards count to the segment.
bool is_padding(const ClassifyPacket& packet) noexcept {
    constexpr std::size_t kMostPadding = 6; // 60 bytes, less headers of Ethernet, IP and TCP
    return packet.protocol == kProtoTcp && packet.tcp_flags == tcp_ack && packet.payload.size() <= kMostPadding &&
           std::all_of(packet.payload.begin(), packet.payload.end(), [](std::uint8_t byte) { return byte == 0; });
}

/// A carrier's flow is looked at as long as the limits allow: what it carries may come late.
bool is_patient(const Catalogue& catalogue, std::uint16_t protocol) noexcept {
    return protocol == catalogue.parser_protocol(PayloadParser::stun) ||
           protocol == catalogue.parser_protocol(PayloadParser::quic) ||
           protocol == catalogue.parser_protocol(PayloadParser::http_connect);
}

} // namespace

void FlowClassifier::State::reset() noexcept {
    protocol = application = 0;
    payloads = {};
    tls_looks = dtls_looks = seeming = 0;
    tunnel = nameless_hello = against_quic = false;
    tls_protocol = 0;
    gathering = Gathering::nothing;
    stream_begun = {};
    counts = {};
    rtp = {};
}

FlowClassifier::FlowClassifier(const ClassifyLimits& limits) : limits_(limits), states_(limits.states + 1U) {
    for (std::uint32_t i = 1; i <= limits.states; ++i) {
        states_[i].next_free = i < limits.states ? i + 1 : 0;
    }
    free_ = limits.states > 0 ? 1 : 0;
}

FlowClassifier::State* FlowClassifier::take_state(std::uint32_t& handle, const Catalogue& catalogue) noexcept {
    State* state = nullptr;
    if (handle != 0 && handle < states_.size()) {
        state = &states_[handle];
        if (state->edition == catalogue.edition()) {
            return state;
        }
    } else if (free_ != 0) {
        handle = free_;
        state = &states_[handle];
        free_ = state->next_free;
        ++in_use_;
    } else {
        ++without_state_;
        state = &states_[0];
    }
    state->reset();
    state->edition = catalogue.edition();
    return state;
}

void FlowClassifier::release(std::uint32_t& handle) noexcept {
    if (handle != 0 && handle < states_.size()) {
        states_[handle].next_free = free_;
        free_ = handle;
        --in_use_;
    }
    handle = 0;
}

std::span<const std::uint8_t> FlowClassifier::stream_view(State& state, const ClassifyPacket& packet) noexcept {
    const std::size_t side = packet.from_client ? 0 : 1;
    const std::uint32_t seq = packet.tcp_seq + ((packet.tcp_flags & tcp_syn) != 0 ? 1U : 0U);
    if (state.gathering != Gathering::streams) {
        state.gathering = Gathering::streams;
        ::new (&state.gathered.streams) std::array<StreamGather, 2>;
    }
    StreamGather& stream = state.gathered.streams[side];
    if (!state.stream_begun[side]) {
        state.stream_begun[side] = true;
        stream.begin(seq);
    }
    const bool grew = stream.add(seq, packet.payload);
    // What does not continue the beginning is looked at by itself.
    return grew ? stream.contiguous() : packet.payload;
}

void FlowClassifier::feed(std::uint32_t& handle, const ClassifyPacket& packet, const Catalogue& catalogue,
                          CatalogueScratch& scratch, ClassifyResult& out) noexcept {
    out.clear();
    if (packet.protocol != kProtoTcp && packet.protocol != kProtoUdp) {
        out.protocol = catalogue.port_protocol(PortSpace::ip, packet.protocol);
        out.decided = true;
        name_type(catalogue, packet, out);
        return;
    }
    if (packet.payload.empty() || is_padding(packet)) {
        return;
    }
    State& state = *take_state(handle, catalogue);
    Look look{packet, catalogue, scratch, out, state, packet.payload, false};
    look.first = state.payloads[look.side()] == 0;
    ++state.payloads[look.side()];
    if (packet.protocol == kProtoTcp) {
        look.view = stream_view(state, packet);
        look_tcp(look);
    } else {
        look_udp(look);
    }
    if (!out.decided && state.protocol != 0 && ++state.seeming >= kEnoughSeeming &&
        !is_patient(catalogue, state.protocol)) {
        decide(look, state.protocol, state.application);
    }
    if (!out.decided && state.payloads[0] + state.payloads[1] >= limits_.payloads) {
        conclude(handle, packet, catalogue, out);
        return;
    }
    if (out.decided) {
        release(handle);
    } else {
        out.protocol = state.protocol;
        out.application = state.application;
        name_type(catalogue, packet, out);
    }
}

void FlowClassifier::conclude(std::uint32_t& handle, const ClassifyPacket& packet, const Catalogue& catalogue,
                              ClassifyResult& out) noexcept {
    out.decided = true;
    const State* seen = nullptr;
    if (handle != 0 && handle < states_.size() && states_[handle].edition == catalogue.edition()) {
        seen = &states_[handle];
        out.protocol = seen->protocol;
        out.application = seen->application;
    }
    if (out.protocol == Catalogue::kUnknown) {
        const PortSpace space = packet.protocol == kProtoTcp   ? PortSpace::tcp
                                : packet.protocol == kProtoUdp ? PortSpace::udp
                                                               : PortSpace::ip;
        if (space == PortSpace::ip) {
            out.protocol = catalogue.port_protocol(space, packet.protocol);
        } else {
            const auto [low, high] = std::minmax(packet.server_port, packet.client_port);
            out.protocol = catalogue.port_protocol(space, low);
            if (out.protocol == Catalogue::kUnknown) {
                out.protocol = catalogue.port_protocol(space, high);
            }
            if (seen != nullptr && speaks_against_port(*seen, packet, catalogue, out.protocol)) {
                out.protocol = Catalogue::kUnknown;
            }
            out.guessed = out.protocol != Catalogue::kUnknown;
        }
    }
    name_type(catalogue, packet, out);
    release(handle);
}

/// A datagram that its port's own protocol did not know again speaks against the port; of QUIC only the first ones can be
/// known again. A segment does not: the middle of a stream looks like nothing.
bool FlowClassifier::speaks_against_port(const State& state, const ClassifyPacket& packet, const Catalogue& catalogue,
                                         std::uint16_t protocol) noexcept {
    if (packet.protocol == kProtoTcp) {
        return false;
    }
    return protocol == catalogue.parser_protocol(PayloadParser::quic) ? state.against_quic
                                                                      : catalogue.is_told_by_payload(protocol);
}

void FlowClassifier::decide(Look& look, std::uint16_t protocol, std::uint16_t application) noexcept {
    look.out.decided = true;
    look.out.protocol = protocol;
    look.out.application = application == protocol ? std::uint16_t{0} : application;
    name_type(look.catalogue, look.packet, look.out);
}

void FlowClassifier::decide(Look& look, PayloadParser parser, std::uint16_t application) noexcept {
    decide(look, look.catalogue.parser_protocol(parser), application);
}

void FlowClassifier::seem(Look& look, std::uint16_t protocol, std::uint16_t application) noexcept {
    if (look.state.protocol != protocol) {
        look.state.protocol = protocol;
        look.state.seeming = 0;
    }
    if (application != 0) {
        look.state.application = application;
    }
}

/// An application's own type goes first; then, for protocols that carry others, the port's; then the protocol's.
void FlowClassifier::name_type(const Catalogue& catalogue, const ClassifyPacket& packet, ClassifyResult& out) noexcept {
    out.type = catalogue.type(out.application);
    if (out.type != AppType::other) {
        return;
    }
    const AppType by_port = catalogue.port_type(packet.protocol, packet.server_port);
    const AppType own = catalogue.type(out.protocol);
    const bool port_first = out.protocol == Catalogue::kUnknown || catalogue.carrier(out.protocol);
    out.type = port_first && by_port != AppType::other ? by_port : own;
}

bool FlowClassifier::look_signatures(Look& look, PortSpace over, PayloadParser within) noexcept {
    if (look_signatures(look, over, within, look.packet.from_client)) {
        return true;
    }
    // Who is the client may be wrong when the beginning was not seen.
    return !look.packet.beginning_seen && within == PayloadParser::none &&
           look_signatures(look, over, within, !look.packet.from_client);
}

bool FlowClassifier::look_signatures(Look& look, PortSpace over, PayloadParser within, bool as_client) noexcept {
    SignatureHits hits;
    const auto judge = [&](std::span<const std::uint8_t> bytes, bool first) {
        look.catalogue.scan(over, as_client, bytes, look.scratch, hits);
        for (std::uint8_t i = 0; i < hits.count; ++i) {
            const SignatureFacts& facts = look.catalogue.signature(hits.ids[i]);
            if (facts.within != within || (facts.first_only && !first) ||
                !facts.hold(bytes, look.packet.client_port, look.packet.server_port)) {
                continue;
            }
            if (facts.packets > 1) {
                std::uint8_t seen = 1;
                for (SignatureCount& count : look.state.counts) {
                    if (count.seen == 0 || count.id == hits.ids[i]) {
                        count.id = hits.ids[i];
                        seen = ++count.seen;
                        break;
                    }
                }
                if (seen < facts.packets) {
                    continue;
                }
            }
            if (facts.seems) {
                seem(look, facts.protocol, facts.application);
                return true;
            }
            if (within != PayloadParser::none) {
                const bool replaces = facts.application == 0;
                decide(look, replaces ? facts.protocol : look.catalogue.parser_protocol(within),
                       facts.application);
            } else {
                decide(look, facts.protocol, facts.application);
            }
            return true;
        }
        return false;
    };
    if (judge(look.packet.payload, look.first)) {
        return true;
    }
    // A beginning that came in small pieces.
    return look.view.size() != look.packet.payload.size() && look.view.size() <= Catalogue::kScanBytes &&
           judge(look.view, true);
}

} // namespace foregate::dataplane
