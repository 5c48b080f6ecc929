// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/worker/stages.h"

#include "dataplane/packet/tcp_options.h"
#include "dataplane/splice/icmp_quote.h"

namespace foregate::dataplane {

void SpliceStage::from_upstream(PacketBatch& batch) noexcept {
    for (BatchSlot& slot : batch) {
        if (slot.fate != Fate::pending) {
            continue;
        }
        if (slot.flow->splice_upstream_side) {
            upstream_one(slot);
        } else if (slot.parsed.protocol == kProtoIcmp || slot.parsed.protocol == kProtoIcmpv6) {
            icmp_error(slot);
        }
    }
}

/// True when the packet goes on.
bool SpliceStage::apply(BatchSlot& slot, SpliceAction action) noexcept {
    outlet_.drain_splicer();
    switch (action.verdict) {
    case SpliceVerdict::forward:
        return true;
    case SpliceVerdict::consumed:
        slot.fate = Fate::consumed;
        return false;
    case SpliceVerdict::drop:
        slot.drop(DropReason::splice_window);
        return false;
    case SpliceVerdict::stale:
        slot.drop(DropReason::splice_stale);
        return false;
    }
    return false;
}

/// The kernel will answer it with an ICMP error, which must quote what its sender has sent.
bool SpliceStage::ends_with_icmp(const BatchSlot& slot) const noexcept {
    const ParsedPacket& p = slot.parsed;
    if (p.ttl <= 1) {
        return true;
    }
    const bool whole_only = p.ip_version == 6 || (slot.frame()[p.l3_offset + 6] & 0x40) != 0;
    const Hop& hop = state_.generation->routes->hop(slot.flow->hops[slot.from_low ? 0 : 1]);
    return whole_only && hop.kind == Hop::Kind::forward &&
           p.ip_length > state_.lanes[hop.port].mtu;
}

/// Packets of a splice that the splicer must not see: what the kernel answers, and later fragments, which have no TCP
/// header to translate (their addresses are the same on both sides). Of a connection that is not spliced yet, later
/// fragments belong to nothing.
bool SpliceStage::goes_untranslated(BatchSlot& slot, SpliceRef splice) noexcept {
    const std::optional<HeldState> state = state_.splicer.state(splice);
    const bool spliced = state.has_value() && *state != HeldState::dialing && *state != HeldState::held;
    if (slot.parsed.later_fragment) {
        if (state.has_value() && !spliced) {
            slot.drop(DropReason::splice_window);
        }
        return true;
    }
    if (spliced && ends_with_icmp(slot)) {
        slot.fate = Fate::kernel;
        return true;
    }
    return false;
}

/// A packet under a held connection's own five-tuple.
void SpliceStage::upstream_one(BatchSlot& slot) noexcept {
    Flow& flow = *slot.flow;
    if (slot.from_desktop()) {
        return; // it picked the same source port: from_desktop() settles it
    }
    const SpliceRef splice = state_.flows.cold(flow).splice;
    if (goes_untranslated(slot, splice)) {
        return;
    }
    const SpliceAction action = state_.splicer.from_upstream(splice, slot.frame(), slot.parsed, state_.now_ns);
    if (action.verdict == SpliceVerdict::stale) { // the connection is gone: an ordinary flow from here on
        state_.end_flow(flow);
        slot.flow = flows_.find_or_create_again(slot);
        outlet_.drain_splicer();
        return;
    }
    if (!apply(slot, action)) {
        return;
    }
    // Translated: from here on it is a packet of the desktop's own flow.
    slot.parsed.dst_port = load_be16(slot.frame() + slot.parsed.l4_offset + 2);
    slot.flow = flows_.find_or_create_again(slot);
    slot.new_flow = false;
}

void SpliceStage::icmp_error(BatchSlot& slot) noexcept {
    const auto quote = parse_icmp_quote(slot.frame(), slot.parsed);
    if (!quote) {
        return;
    }
    bool low = false;
    const FlowKey key = flow_key(quote->src, quote->src_port, quote->dst, quote->dst_port, kProtoTcp, low);
    const Flow* about = state_.flows.find(key, state_.flows.hash(key));
    if (about == nullptr || !about->has_splice) {
        return;
    }
    const SpliceAction action =
        state_.splicer.from_icmp_error(state_.flows.cold(*about).splice, slot.frame(), slot.parsed, state_.now_ns);
    if (action.verdict != SpliceVerdict::stale) {
        (void)apply(slot, action);
    }
}

void SpliceStage::from_desktop(PacketBatch& batch) noexcept {
    for (BatchSlot& slot : batch) {
        if (slot.fate != Fate::pending || slot.flow->protocol != kProtoTcp || !slot.from_desktop()) {
            continue;
        }
        Flow& flow = *slot.flow;
        if (flow.has_splice && desktop_on_splice(slot)) {
            continue;
        }
        if (slot.is_tcp_syn() && flow.has_desktop && flow.desktop != 0 && flow.verdict != FlowVerdict::block) {
            desktop_syn(slot);
        }
    }
}

/// True when the splice has dealt with the packet. One that has ended leaves an ordinary flow behind.
bool SpliceStage::desktop_on_splice(BatchSlot& slot) noexcept {
    Flow& flow = *slot.flow;
    const SpliceRef splice = state_.flows.cold(flow).splice;
    const std::optional<HeldState> state = state_.splicer.state(splice);
    const bool own_port_syn = flow.splice_upstream_side && slot.is_tcp_syn() &&
                              (state == HeldState::held || state == HeldState::dialing);
    if (own_port_syn) {
        return false;
    }
    if (goes_untranslated(slot, splice)) {
        return true;
    }
    if (state.has_value()) {
        const SpliceAction action = state_.splicer.from_desktop(splice, slot.frame(), slot.parsed, state_.now_ns);
        if (action.verdict != SpliceVerdict::stale) {
            if (action.verdict == SpliceVerdict::forward) {
                slot.parsed.src_port = load_be16(slot.frame() + slot.parsed.l4_offset);
            }
            (void)apply(slot, action);
            return true;
        }
    }
    forget_splice(flow);
    return false;
}

void SpliceStage::forget_splice(Flow& flow) noexcept {
    flow.has_splice = false;
    flow.splice_upstream_side = false;
    state_.flows.cold(flow).splice = SpliceRef{};
}

void SpliceStage::desktop_syn(BatchSlot& slot) noexcept {
    Flow& flow = *slot.flow;
    learn_options(slot);
    const SynOutcome outcome =
        state_.splicer.desktop_syn(flow.desktop, slot.frame(), slot.parsed, state_.now_ns);
    outlet_.drain_splicer();
    switch (outcome.verdict) {
    case SynVerdict::none:
    case SynVerdict::fallback:
        if (flow.splice_upstream_side) { // the held connection gave way to the desktop's own
            forget_splice(flow);
        }
        return;
    case SynVerdict::drop:
        slot.drop(DropReason::splice_window);
        return;
    case SynVerdict::spliced:
        flow.has_splice = true;
        state_.flows.cold(flow).splice = outcome.ref;
        flow.counted_answer = true;
        if (outcome.late) {
            state_.counters.add(Counter::late_answers);
        }
        count_.begin_spliced(slot);
        slot.fate = Fate::consumed;
        return;
    }
}

/// What this desktop's own SYNs look like, told once per desktop and generation of tables.
void SpliceStage::learn_options(BatchSlot& slot) noexcept {
    const std::uint32_t desktop = slot.flow->desktop;
    auto& told = state_.options_told[desktop < state_.options_told.size() ? desktop : 0];
    if (told != 0) {
        return;
    }
    told = 1;
    const ParsedPacket& p = slot.parsed;
    const std::uint8_t* frame = slot.frame();
    const unsigned header = p.payload_offset - p.l4_offset;
    const TcpOptions options = parse_tcp_options(frame + p.l4_offset, header);
    if (options.malformed || options.mss == 0) {
        told = 0;
        return;
    }
    SynLearned learned;
    learned.desktop = desktop;
    learned.usage_class = state_.flows.cold(*slot.flow).usage_class;
    learned.syn.mss = options.mss;
    learned.syn.window_scale = options.window_scale;
    learned.syn.sack_permitted = options.sack_permitted;
    learned.syn.timestamps = options.timestamps;
    // Linux writes SACK-permitted right after the MSS, Windows a NOP and the window scale.
    learned.syn.order = header > 24 && frame[p.l4_offset + 24] == 4 ? OptionOrder::linux_like
                                                                    : OptionOrder::windows_like;
    learned.syn.ttl = static_cast<std::uint8_t>(p.ttl - 1); // as the server would see it behind this hop
    learned.syn.dont_fragment = p.ip_version == 6 || (frame[p.l3_offset + 6] & 0x40) != 0;
    state_.report(learned);
}

} // namespace foregate::dataplane
