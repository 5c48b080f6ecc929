// SPDX-License-Identifier: BSD-3-Clause
// The desktop's handshake: choosing a held connection, answering the SYN, waiting for the ACK.
#include "dataplane/splice/splicer.h"

#include <algorithm>

namespace foregate::dataplane {

namespace {

unsigned tcp_header_length(const std::uint8_t* tcp) noexcept {
    return (tcp[12] >> 4) * 4U;
}

bool plain_syn(const SegmentFacts& f, const ParsedPacket& packet) noexcept {
    return (f.flags & (tcp_fin | tcp_rst | tcp_ack)) == 0 && !packet.fragment;
}

} // namespace

SpliceFallback Splicer::fits(const HeldSlot& s, const DesktopSyn& syn,
                             std::uint64_t now_ns) const noexcept {
    if (!plain_syn(syn.facts, syn.packet)) {
        return SpliceFallback::bad_flags;
    }
    if (now_ns - s.established_ns + settings_.handover_margin_ns >= s.order.max_age_ns) {
        return SpliceFallback::too_old;
    }
    return match_options(s.agreed, syn.options, syn.packet.ip_version == 6, syn.facts.window,
                         s.right_edge - (s.irs + 1));
}

SynOutcome Splicer::desktop_syn(std::uint32_t desktop, const std::uint8_t* frame,
                                const ParsedPacket& packet, std::uint64_t now_ns) noexcept {
    if (packet.protocol != kProtoTcp || packet.later_fragment ||
        (packet.tcp_flags & (tcp_syn | tcp_ack)) != tcp_syn) {
        return {};
    }
    const std::uint8_t* tcp = frame + packet.l4_offset;
    const DesktopSyn syn{packet, segment_facts(tcp, packet),
                         parse_tcp_options(tcp, tcp_header_length(tcp)), desktop};
    SynOutcome outcome;
    HeldSlot* s = choose(syn, now_ns, outcome);
    if (s != nullptr) {
        if (begin_splice(*s, syn, now_ns)) {
            return {SynVerdict::spliced,
                    SpliceFallback::none,
                    {index_of(*s), s->epoch},
                    s->answer_waits};
        }
        outcome = {SynVerdict::fallback, SpliceFallback::queue_full, {}};
        report(*s, HeldEvent::fallback, now_ns, HeldClose::none, outcome.reason);
    }
    if (outcome.verdict == SynVerdict::fallback) {
        ++counters_.fallbacks[static_cast<std::size_t>(outcome.reason)];
    }
    return outcome;
}

/// The oldest connection that fits; or nullptr, and `outcome` says what to do.
HeldSlot* Splicer::choose(const DesktopSyn& syn, std::uint64_t now_ns,
                          SynOutcome& outcome) noexcept {
    const ParsedPacket& p = syn.packet;
    HeldSlot* best = nullptr;
    const HeldSlot* misfit = nullptr;
    for (std::uint32_t i = by_key_.first(key_hash(p.src, p.dst, p.dst_port)); i != kNoSlot;) {
        HeldSlot& s = slots_[i];
        i = by_key_.next(i);
        if (s.tuple.source != p.src || s.tuple.server != p.dst ||
            s.tuple.server_port != p.dst_port) {
            continue;
        }
        if (s.terms.desktop_port == p.src_port && desktop_again(s, syn, now_ns, outcome)) {
            return nullptr;
        }
        if (s.in_use && s.terms.held_port == p.src_port) {
            outcome = own_port(s, syn, now_ns);
            return nullptr;
        }
        if (!s.in_use || s.state != HeldState::held || s.order.desktop != syn.desktop ||
            s.order.purpose == HeldPurpose::monitor) {
            continue;
        }
        const SpliceFallback reason = fits(s, syn, now_ns);
        if (reason == SpliceFallback::none) {
            best = best == nullptr || s.established_ns < best->established_ns ? &s : best;
        } else if (misfit == nullptr || outcome.reason == SpliceFallback::too_old) {
            misfit = &s;
            outcome = {SynVerdict::fallback, reason, {}};
        }
    }
    if (best == nullptr && misfit != nullptr) {
        report(*misfit, HeldEvent::fallback, now_ns, HeldClose::none, outcome.reason);
    }
    return best;
}

/// The desktop's side of this splice has the SYN's five-tuple already. True: `outcome` is final;
/// false: the older use is out of the way.
bool Splicer::desktop_again(HeldSlot& s, const DesktopSyn& syn, std::uint64_t now_ns,
                            SynOutcome& outcome) noexcept {
    if (s.state == HeldState::closing) {
        release(s, now_ns); // the desktop uses its port again: its side has forgotten
        return false;
    }
    if (s.state == HeldState::splicing) {
        if (syn.facts.seq != s.desktop_isn) {
            undo_splice(s, now_ns);
            return false;
        }
        send_synack(s, now_ns);
    }
    outcome = {SynVerdict::spliced, SpliceFallback::none, {index_of(s), s.epoch}};
    return true;
}

/// The desktop drew the very port that is held upstream in its name: the SYN must not go upstream
/// beside the held connection.
SynOutcome Splicer::own_port(HeldSlot& s, const DesktopSyn& syn, std::uint64_t now_ns) noexcept {
    if (s.state == HeldState::splicing || s.state == HeldState::spliced ||
        s.state == HeldState::resumed || s.state == HeldState::moving ||
        (s.state == HeldState::closing && s.closing == ClosingKind::linger)) {
        return {SynVerdict::drop, SpliceFallback::port_taken, {}};
    }
    if (s.state == HeldState::held) {
        if (fits(s, syn, now_ns) == SpliceFallback::none && begin_splice(s, syn, now_ns)) {
            return {SynVerdict::spliced, SpliceFallback::none, {index_of(s), s.epoch}};
        }
        report(s, HeldEvent::fallback, now_ns, HeldClose::none, SpliceFallback::port_taken);
        close_with_reset(s, HeldClose::port_taken, now_ns);
    } else if (s.state == HeldState::dialing) {
        reset_upstream(s, s.snd_nxt);
        fail(s, HeldFailure::no_port, now_ns);
    } else {
        if (s.closing == ClosingKind::fins) {
            reset_upstream(s, s.snd_nxt);
        }
        release(s, now_ns);
    }
    return {SynVerdict::fallback, SpliceFallback::port_taken, {}};
}

bool Splicer::begin_splice(HeldSlot& s, const DesktopSyn& syn, std::uint64_t now_ns) noexcept {
    if (out_.room() == 0) {
        return false;
    }
    const SegmentFacts& f = syn.facts;
    const TcpOptions& options = syn.options;
    s.desktop_isn = f.seq;
    s.terms.desktop_port = syn.packet.src_port;
    s.terms.seq_delta = s.iss - f.seq;
    s.terms.timestamps = s.agreed.timestamps;
    s.terms.sack = s.agreed.sack;
    s.terms.ts_delta = ts_clock(s, now_ns) - options.ts_val;
    s.terms.ts_floor = s.desktop_ts = options.ts_val;
    s.desktop_seen = f.seq + 1;
    s.desktop_acked = s.irs + 1;
    s.server_seen = s.rcv_nxt - s.terms.server_delta;
    s.server_acked = s.iss + 1;
    const unsigned scale = s.agreed.server_scale == kNoWindowScale ? 0 : s.agreed.server_scale;
    s.server_window_field =
        static_cast<std::uint16_t>(std::min<std::uint32_t>(s.server_window >> scale, 0xffff));
    s.state = HeldState::splicing;
    s.probe_outstanding = s.probe_repeated = false;
    s.tries = 0;
    ++counters_.splices_begun;
    report(s, HeldEvent::splice_begun, now_ns, HeldClose::none);
    s.confirmed = false;
    s.answer_waits = answers_late(s);
    if (s.answer_waits) {
        ++counters_.late_answers;
        s.sent_ns = now_ns;
        arm(s, now_ns + std::uint64_t{s.rtt_us} * 10 * settings_.late_percent, now_ns);
        return true;
    }
    send_synack(s, now_ns);
    arm(s, now_ns + settings_.synack_retry_ns, now_ns);
    return true;
}

bool Splicer::send_synack(HeldSlot& s, std::uint64_t now_ns) noexcept {
    SegmentSpec* segment = out_.push();
    if (segment == nullptr) {
        return false;
    }
    s.sent_ns = now_ns;
    fill_desktop_synack(s, settings_.inner_mtu, *segment);
    return true;
}

/// The desktop took its SYN back before anything was carried: the connection is as good as before.
void Splicer::undo_splice(HeldSlot& s, std::uint64_t now_ns) noexcept {
    ++counters_.splices_undone;
    report(s, HeldEvent::splice_undone, now_ns, HeldClose::none);
    s.state = HeldState::held;
    s.terms.desktop_port = 0;
    s.answer_waits = false;
    s.irs += s.terms.server_delta; // of the connection that it is now
    s.terms.server_delta = s.terms.server_ts_delta = 0;
    s.tries = 0;
    arm(s, held_due(s), now_ns);
}

SpliceAction Splicer::from_desktop(SpliceRef ref, std::uint8_t* frame, const ParsedPacket& packet,
                                   std::uint64_t now_ns) noexcept {
    constexpr SpliceAction kStale{SpliceVerdict::stale, SpliceDrop::none};
    HeldSlot* s = find(ref);
    if (s == nullptr || packet.protocol != kProtoTcp || packet.later_fragment ||
        packet.src_port != s->terms.desktop_port || packet.dst_port != s->terms.server_port) {
        return kStale;
    }
    switch (s->state) {
    case HeldState::splicing:
        return desktop_splicing(*s, frame, packet, now_ns);
    case HeldState::moving:
        return desktop_moving(*s, frame, packet, now_ns);
    case HeldState::spliced:
    case HeldState::resumed:
        return spliced_up(*s, frame, packet, now_ns);
    case HeldState::closing:
        if ((packet.tcp_flags & (tcp_syn | tcp_ack)) == tcp_syn) {
            release(*s, now_ns); // a new connection from the same port
            return kStale;
        }
        if (s->closing == ClosingKind::unwinding) {
            unwind_desktop(*s, segment_facts(frame + packet.l4_offset, packet));
            return {SpliceVerdict::consumed, SpliceDrop::none};
        }
        return spliced_up(*s, frame, packet, now_ns);
    default:
        return kStale;
    }
}

/// SYN-RECEIVED of RFC 9293 3.10.7.4, in the server's name.
SpliceAction Splicer::desktop_splicing(HeldSlot& s, std::uint8_t* frame, const ParsedPacket& packet,
                                       std::uint64_t now_ns) noexcept {
    constexpr SpliceAction kConsumed{SpliceVerdict::consumed, SpliceDrop::none};
    const std::uint8_t* tcp = frame + packet.l4_offset;
    const SegmentFacts f = segment_facts(tcp, packet);
    const std::uint32_t expected = s.desktop_isn + 1;
    if ((f.flags & tcp_rst) != 0) {
        if (f.seq == expected) {
            undo_splice(s, now_ns);
            return kConsumed;
        }
        return {SpliceVerdict::drop, SpliceDrop::out_of_window};
    }
    if ((f.flags & tcp_syn) != 0) {
        if (f.seq != s.desktop_isn || (f.flags & tcp_ack) != 0) {
            undo_splice(s, now_ns); // another connection from the same port
            return {SpliceVerdict::stale, SpliceDrop::none};
        }
        const TcpOptions options = parse_tcp_options(tcp, tcp_header_length(tcp));
        s.desktop_ts = options.timestamps ? options.ts_val : s.desktop_ts;
        send_synack(s, now_ns);
        return kConsumed;
    }
    if ((f.flags & tcp_ack) == 0) {
        return {SpliceVerdict::drop, SpliceDrop::bad_flags};
    }
    if (f.ack != s.irs + 1) {
        reset_desktop(s, f.ack, false, 0);
        return kConsumed;
    }
    if (f.seq - expected >
        0xffff) { // nothing beyond the SYN-ACK's unscaled window can be there yet
        send_synack(s, now_ns);
        return kConsumed;
    }
    complete_splice(s, tcp, now_ns);
    return spliced_up(s, frame, packet, now_ns);
}

/// The desktop believes itself connected.
void Splicer::confirm(HeldSlot& s, std::uint64_t now_ns) noexcept {
    s.last_active_ns = s.looked_ns = now_ns;
    if (!s.confirmed) {
        s.confirmed = true;
        ++counters_.spliced;
        report(s, HeldEvent::spliced, now_ns, HeldClose::none);
    }
}

/// The desktop's ACK has come: the banner goes out first, then everything is translated.
void Splicer::complete_splice(HeldSlot& s, const std::uint8_t* tcp, std::uint64_t now_ns) noexcept {
    s.state = HeldState::spliced;
    s.tries = 0;
    confirm(s, now_ns);
    s.replaying = s.banner_kept != 0;
    record(s, s.replaying ? RecordKind::replaying : RecordKind::spliced);
    if (s.replaying) {
        const TcpOptions options = parse_tcp_options(tcp, tcp_header_length(tcp));
        s.desktop_ts = options.timestamps ? options.ts_val : s.desktop_ts;
        replay_banner(s, now_ns);
    }
    arm(s, spliced_due(s), now_ns);
}

} // namespace foregate::dataplane
