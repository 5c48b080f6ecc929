// SPDX-License-Identifier: BSD-3-Clause
// The hand-over race: a server that closes a connection just when a desktop is joined to it. As
// long as the server has acknowledged no byte of the desktop's and sent none of its own, nobody can
// tell a fresh connection from the old one: one is opened under the same five-tuple, and the splice
// moves there, with a second pair of deltas for the server's numbers. The first flight is not kept:
// the desktop sends it again by its own timer (RFC 6298), as if it had been lost. Safe by what the
// server itself says: a reset that acknowledges data, or data under way that may still be read,
// moves nothing.
#include "dataplane/splice/splicer.h"

#include <algorithm>

namespace foregate::dataplane {

namespace {

/// Beyond whatever the desktop may have sent into the old connection.
constexpr std::uint32_t kIsnStep = 1U << 20;

unsigned tcp_header_length(const std::uint8_t* tcp) noexcept {
    return (tcp[12] >> 4) * 4U;
}

/// Whether a desktop that was told `agreed` can live with what a fresh SYN-ACK says.
bool as_before(const AgreedOptions& agreed, const TcpOptions& o, bool ipv6) noexcept {
    const std::uint16_t mss = o.mss != 0 ? o.mss : default_mss(ipv6);
    const bool same_scale =
        agreed.our_scale == kNoWindowScale
            ? true // not offered, so not in force, whatever the server says
            : std::min<std::uint8_t>(o.window_scale, 14) == agreed.server_scale &&
                  o.window_scale != kNoWindowScale;
    return !o.malformed && mss >= agreed.server_mss && same_scale &&
           agreed.sack == o.sack_permitted && agreed.timestamps == o.timestamps;
}

} // namespace

bool Splicer::may_move(const HeldSlot& s, std::uint64_t now_ns) const noexcept {
    return (s.state == HeldState::splicing || s.state == HeldState::spliced) && !s.moved &&
           s.banner_kept == 0 && s.server_acked == s.iss + 1 && s.server_seen == s.irs + 1 &&
           !s.desktop_fin && !s.server_fin && now_ns - s.sent_ns < settings_.move_within_ns;
}

/// FIN or RST of a server that has acknowledged nothing yet; may_move() was asked.
SpliceVerdict Splicer::server_closes_early(HeldSlot& s, const SegmentFacts& f,
                                           std::uint64_t now_ns) noexcept {
    const bool reset = (f.flags & tcp_rst) != 0;
    const bool data_on_the_way = s.desktop_seen != s.desktop_isn + 1;
    if (!reset && data_on_the_way) {
        return SpliceVerdict::consumed; // it may read them still; a closed socket answers them with
                                        // a reset
    }
    ++counters_.closed_at_handover;
    begin_move(s, !reset, now_ns);
    return SpliceVerdict::consumed;
}

void Splicer::begin_move(HeldSlot& s, bool reset_old, std::uint64_t now_ns) noexcept {
    ++counters_.moves_begun;
    if (reset_old) {
        reset_upstream(s, s.snd_nxt);
    }
    record(s, RecordKind::replaying); // in the meantime a restart ends it
    s.moved = true;
    s.state = HeldState::moving;
    // RFC 6528's clock has gone on; the step is for connections younger than it moves in.
    s.iss += kIsnStep + static_cast<std::uint32_t>((now_ns - s.opened_ns) / 4000);
    s.snd_nxt = s.iss + 1;
    s.server_acked = s.iss + 1;
    s.terms.seq_delta = s.iss - s.desktop_isn;
    s.syn_tries = 0;
    s.sent_ns = now_ns;
    if (SegmentSpec* segment = out_.push(); segment != nullptr) {
        fill_upstream_syn(s, now_ns, *segment);
    }
    s.opened_ns = now_ns;
    arm(s, now_ns + settings_.dial_retry_ns, now_ns);
}

void Splicer::upstream_moving(HeldSlot& s, const std::uint8_t* frame, const ParsedPacket& packet,
                              std::uint64_t now_ns) noexcept {
    const std::uint8_t* tcp = frame + packet.l4_offset;
    const SegmentFacts f = segment_facts(tcp, packet);
    const bool has_ack = (f.flags & tcp_ack) != 0;
    if ((f.flags & tcp_rst) != 0) {
        if (has_ack &&
            f.ack == s.iss + 1) { // refused; a reset of the old connection has other numbers
            give_up_move(s, HeldClose::server_rst, now_ns);
        }
        return;
    }
    if (has_ack && f.ack != s.iss + 1) {
        reset_upstream(s, f.ack); // the old connection is still there
        return;
    }
    if ((f.flags & tcp_syn) == 0 || !has_ack) {
        return;
    }
    const TcpOptions o = parse_tcp_options(tcp, tcp_header_length(tcp));
    if (!as_before(s.agreed, o, packet.ip_version == 6)) {
        ++counters_.move_mismatch;
        reset_upstream(s, s.snd_nxt);
        give_up_move(s, HeldClose::server_rst, now_ns);
        return;
    }
    finish_move(s, f, o, now_ns);
}

void Splicer::finish_move(HeldSlot& s, const SegmentFacts& f, const TcpOptions& o,
                          std::uint64_t now_ns) noexcept {
    ++counters_.moved;
    s.terms.server_delta = f.seq - s.irs;
    if (s.agreed.timestamps) { // the desktop sees a clock that goes on from where it was
        s.terms.server_ts_delta = o.ts_val - s.ts_recent;
        s.ts_recent = o.ts_val;
    }
    s.rcv_nxt = f.seq + 1;
    s.right_edge = s.rcv_nxt + s.first_window;
    s.server_window = f.window;
    const unsigned scale = s.agreed.server_scale == kNoWindowScale ? 0 : s.agreed.server_scale;
    s.server_window_field = static_cast<std::uint16_t>(f.window >> scale);
    ack_upstream(s, now_ns);
    report(s, HeldEvent::replayed, now_ns, HeldClose::none);
    s.tries = 0;
    s.sent_ns = now_ns;
    if (s.confirmed) {
        s.state = HeldState::spliced;
        s.last_active_ns = now_ns;
        record(s, RecordKind::spliced);
        arm(s, spliced_due(s), now_ns);
    } else {
        s.state = HeldState::splicing;
        record(s, RecordKind::held);
        arm(s, now_ns + settings_.synack_retry_ns, now_ns);
    }
}

/// Nothing of the desktop's goes on meanwhile: it sends it again.
SpliceAction Splicer::desktop_moving(HeldSlot& s, std::uint8_t* frame, const ParsedPacket& packet,
                                     std::uint64_t now_ns) noexcept {
    constexpr SpliceAction kConsumed{SpliceVerdict::consumed, SpliceDrop::none};
    const SegmentFacts f = segment_facts(frame + packet.l4_offset, packet);
    if ((f.flags & tcp_syn) != 0) {
        if (f.seq == s.desktop_isn && (f.flags & tcp_ack) == 0) {
            send_synack(s, now_ns);
            return kConsumed;
        }
        reset_upstream(s, s.snd_nxt);
        release(s, now_ns); // another connection from the same port
        return {SpliceVerdict::stale, SpliceDrop::none};
    }
    if ((f.flags & tcp_rst) != 0) {
        if (f.seq == s.desktop_seen || f.seq == s.desktop_isn + 1) {
            reset_upstream(s, s.snd_nxt);
            ++counters_.splices_ended;
            report(s, HeldEvent::splice_ended, now_ns, HeldClose::desktop_rst);
            release(s, now_ns);
        }
        return kConsumed;
    }
    if ((f.flags & tcp_ack) != 0 && f.ack == s.irs + 1) {
        confirm(s, now_ns);
    }
    return kConsumed;
}

/// The desktop learns what it would have learned without a second try.
void Splicer::give_up_move(HeldSlot& s, HeldClose why, std::uint64_t now_ns) noexcept {
    ++counters_.splices_ended;
    report(s, HeldEvent::splice_ended, now_ns, why);
    reset_desktop(s, s.irs + 1, true, s.desktop_seen);
    release(s, now_ns);
}

void Splicer::fire_moving(HeldSlot& s, std::uint64_t now_ns) noexcept {
    const std::uint64_t deadline = s.opened_ns + settings_.dial_timeout_ns;
    if (now_ns >= deadline) {
        reset_upstream(s, s.snd_nxt);
        give_up_move(s, HeldClose::server_rst, now_ns);
        return;
    }
    ++s.syn_tries;
    if (SegmentSpec* segment = out_.push(); segment != nullptr) {
        fill_upstream_syn(s, now_ns, *segment);
    }
    const unsigned shift = std::min<unsigned>(s.syn_tries, 6);
    arm(s, std::min(deadline, now_ns + (settings_.dial_retry_ns << shift)), now_ns);
}

} // namespace foregate::dataplane
