// SPDX-License-Identifier: BSD-3-Clause
// The gateway as the endpoint towards the server: dialing, holding, and its own FIN exchange.
// Acceptance follows RFC 9293 3.10.7 and RFC 5961.
#include "dataplane/splice/splicer.h"

#include <algorithm>
#include <cstring>

namespace foregate::dataplane {

namespace {

constexpr std::uint64_t kChallengeGapNs = 50'000'000; ///< RFC 5961 7: throttled, per connection

unsigned tcp_header_length(const std::uint8_t* tcp) noexcept {
    return (tcp[12] >> 4) * 4U;
}

} // namespace

SpliceAction Splicer::from_upstream(SpliceRef ref, std::uint8_t* frame, const ParsedPacket& packet,
                                    std::uint64_t now_ns) noexcept {
    HeldSlot* s = find(ref);
    if (s == nullptr || packet.protocol != kProtoTcp || packet.later_fragment ||
        packet.dst_port != s->terms.held_port || packet.src_port != s->terms.server_port) {
        return {SpliceVerdict::stale, SpliceDrop::none};
    }
    if (s->state == HeldState::spliced || s->state == HeldState::resumed ||
        (s->state == HeldState::closing && s->closing == ClosingKind::linger)) {
        return spliced_down(*s, frame, packet, now_ns);
    }
    if (packet.fragment) {
        return {SpliceVerdict::drop, SpliceDrop::fragment};
    }
    switch (s->state) {
    case HeldState::dialing:
        upstream_dialing(*s, frame, packet, now_ns);
        break;
    case HeldState::moving:
        upstream_moving(*s, frame, packet, now_ns);
        break;
    case HeldState::closing:
        if (s->closing == ClosingKind::unwinding) {
            unwind_server(*s, segment_facts(frame + packet.l4_offset, packet));
        } else {
            upstream_closing(*s, segment_facts(frame + packet.l4_offset, packet), now_ns);
        }
        break;
    default:
        upstream_held(*s, frame, packet, now_ns);
        break;
    }
    return {SpliceVerdict::consumed, SpliceDrop::none};
}

void Splicer::ack_upstream(HeldSlot& s, std::uint64_t now_ns) noexcept {
    if (SegmentSpec* segment = out_.push(); segment != nullptr) {
        fill_upstream(s, tcp_ack, s.snd_nxt, now_ns, *segment);
    }
}

void Splicer::challenge_upstream(HeldSlot& s, std::uint64_t now_ns) noexcept {
    if (s.challenge_ns != 0 && now_ns - s.challenge_ns < kChallengeGapNs) {
        return;
    }
    s.challenge_ns = now_ns;
    ++counters_.challenge_acks;
    ack_upstream(s, now_ns);
}

/// SYN-SENT of RFC 9293 3.10.7.3, without simultaneous open.
void Splicer::upstream_dialing(HeldSlot& s, const std::uint8_t* frame, const ParsedPacket& packet,
                               std::uint64_t now_ns) noexcept {
    const std::uint8_t* tcp = frame + packet.l4_offset;
    const SegmentFacts f = segment_facts(tcp, packet);
    const bool has_ack = (f.flags & tcp_ack) != 0;
    if (has_ack && f.ack != s.iss + 1) {
        if ((f.flags & tcp_rst) == 0) {
            reset_upstream(s, f.ack);
        }
        return;
    }
    if ((f.flags & tcp_rst) != 0) {
        if (has_ack) {
            fail(s, HeldFailure::refused, now_ns);
        }
        return;
    }
    if ((f.flags & tcp_syn) != 0 && has_ack) {
        establish(s, f, tcp, packet, now_ns);
    }
}

void Splicer::establish(HeldSlot& s, const SegmentFacts& f, const std::uint8_t* tcp,
                        const ParsedPacket& packet, std::uint64_t now_ns) noexcept {
    const TcpOptions o = parse_tcp_options(tcp, tcp_header_length(tcp));
    const SynTemplate& offered = s.order.syn;
    AgreedOptions& a = s.agreed;
    a.announced_mss = offered.mss;
    a.server_mss = o.mss != 0 ? o.mss : default_mss(packet.ip_version == 6);
    if (offered.window_scale != kNoWindowScale && o.window_scale != kNoWindowScale) {
        a.our_scale = offered.window_scale;
        a.server_scale = std::min<std::uint8_t>(o.window_scale, 14); // RFC 7323 2.3
    }
    a.sack = offered.sack_permitted && o.sack_permitted;
    a.timestamps = offered.timestamps && o.timestamps;
    s.ts_recent = o.ts_val;
    s.irs = f.seq;
    s.rcv_nxt = f.seq + 1;
    s.right_edge = s.rcv_nxt + s.first_window;
    s.server_window = f.window;
    s.server_ttl = packet.ttl > 1 ? static_cast<std::uint8_t>(packet.ttl - 1) : std::uint8_t{1};
    s.established_ns = s.last_active_ns = now_ns;
    if (s.syn_tries == 0) { // Karn: not after a retransmission
        s.rtt_us =
            std::max<std::uint32_t>(1, static_cast<std::uint32_t>((now_ns - s.sent_ns) / 1000));
    }
    s.state = HeldState::held;
    ++counters_.established;
    record(s, RecordKind::held);
    ack_upstream(s, now_ns);
    report(s, HeldEvent::established, now_ns, HeldClose::none);
    s.tries = 0;
    arm(s, held_due(s), now_ns);
}

/// States held and splicing: the gateway acknowledges, keeps what the server says, and answers.
void Splicer::upstream_held(HeldSlot& s, const std::uint8_t* frame, const ParsedPacket& packet,
                            std::uint64_t now_ns) noexcept {
    const std::uint8_t* tcp = frame + packet.l4_offset;
    const SegmentFacts f = segment_facts(tcp, packet);
    if ((f.flags & tcp_rst) != 0) {
        upstream_reset(s, f, now_ns);
        return;
    }
    if ((f.flags & tcp_syn) != 0) {
        upstream_syn(s, f, now_ns);
        return;
    }
    if ((f.flags & tcp_ack) == 0) {
        return;
    }
    TcpOptions o;
    if (s.agreed.timestamps) {
        o = parse_tcp_options(tcp, tcp_header_length(tcp));
    }
    const bool old = o.timestamps && seq_before(o.ts_val, s.ts_recent);
    if (!acceptable(s, f, old, now_ns)) {
        return;
    }
    if (o.timestamps && seq_at_or_before(f.seq, s.rcv_nxt)) {
        s.ts_recent = o.ts_val;
    }
    if (f.ack == s.snd_nxt) {
        const unsigned scale = s.agreed.server_scale == kNoWindowScale ? 0 : s.agreed.server_scale;
        s.server_window = static_cast<std::uint32_t>(f.window) << scale;
    }
    heard(s, now_ns);
    if (f.length != 0) {
        keep_banner(s, f, frame + packet.payload_offset, packet.payload_length, now_ns);
    }
}

void Splicer::upstream_reset(HeldSlot& s, const SegmentFacts& f, std::uint64_t now_ns) noexcept {
    if (f.seq != s.rcv_nxt) {
        if (seq_before(s.rcv_nxt, f.seq) && seq_before(f.seq, s.right_edge)) {
            challenge_upstream(s, now_ns); // RFC 5961 3.2
        }
        return;
    }
    if (s.state == HeldState::splicing) {
        ++counters_.closed_at_handover;
        if (may_move(s, now_ns)) { // the desktop has not sent a byte yet
            begin_move(s, false, now_ns);
            return;
        }
        ++counters_.splices_ended;
        report(s, HeldEvent::splice_ended, now_ns, HeldClose::server_rst);
        reset_desktop(s, s.irs + 1, true, s.desktop_isn + 1);
        release(s, now_ns);
        return;
    }
    ++counters_.closed_unused;
    report(s, HeldEvent::closed, now_ns, HeldClose::server_rst);
    release(s, now_ns);
}

/// A SYN on an established connection: the server repeats its SYN-ACK because it defers the accept
/// until data comes (or our ACK was lost), the network duplicated it, or somebody guesses.
void Splicer::upstream_syn(HeldSlot& s, const SegmentFacts& f, std::uint64_t now_ns) noexcept {
    const bool repeated =
        (f.flags & tcp_ack) != 0 && f.seq == s.irs + s.terms.server_delta && f.ack == s.iss + 1;
    if (!repeated) {
        challenge_upstream(s, now_ns); // RFC 5961 4.2
        return;
    }
    ack_upstream(s, now_ns);
    if (s.state == HeldState::held && now_ns - s.established_ns >= settings_.repeat_grace_ns) {
        ++counters_.deferred_accept;
        close_with_reset(s, HeldClose::deferred_accept, now_ns);
    }
}

/// Window, timestamp and ACK tests; answers what has to be answered with an ACK.
bool Splicer::acceptable(HeldSlot& s, const SegmentFacts& f, bool old_timestamp,
                         std::uint64_t now_ns) noexcept {
    if (seq_before(s.snd_nxt, f.ack)) {
        challenge_upstream(s, now_ns); // acknowledges what was never sent
        return false;
    }
    const std::uint32_t end = f.seq + f.length;
    const bool nothing_new = f.length != 0 && seq_at_or_before(end, s.rcv_nxt);
    const bool before = f.length == 0 && seq_before(f.seq, s.rcv_nxt); // a keepalive probe
    const bool gap = f.length != 0 && seq_before(s.rcv_nxt, f.seq);
    if (nothing_new || before) {
        heard(s, now_ns);
    }
    if (f.length == 0 && seq_before(s.right_edge, f.seq)) {
        challenge_upstream(s, now_ns); // beyond the window
        return false;
    }
    if (old_timestamp || nothing_new || before || gap) {
        ack_upstream(s, now_ns);
        return false;
    }
    return true;
}

/// Any sign of life from the server answers an outstanding probe.
void Splicer::heard(HeldSlot& s, std::uint64_t now_ns) noexcept {
    s.last_active_ns = now_ns;
    if (!s.probe_outstanding) {
        return;
    }
    s.probe_outstanding = false;
    s.tries = s.state == HeldState::held ? std::uint8_t{0} : s.tries;
    if (!s.probe_repeated) {
        s.rtt_us =
            std::max<std::uint32_t>(1, static_cast<std::uint32_t>((now_ns - s.sent_ns) / 1000));
        report(s, HeldEvent::probe, now_ns, HeldClose::none);
    }
    s.probe_repeated = false;
    if (s.state == HeldState::held) {
        arm(s, held_due(s), now_ns);
    }
}

/// In-order data and FIN of the server, before the desktop listens. What does not fit is not
/// acknowledged: the server repeats it.
void Splicer::keep_banner(HeldSlot& s, const SegmentFacts& f, const std::uint8_t* payload,
                          std::uint32_t payload_length, std::uint64_t now_ns) noexcept {
    const std::uint32_t known = std::min<std::uint32_t>(s.rcv_nxt - f.seq, payload_length);
    const std::uint32_t fresh = payload_length - known;
    const std::uint32_t limit = std::min<std::uint32_t>(settings_.banner_bytes, s.first_window);
    std::uint32_t taken = std::min<std::uint32_t>(fresh, limit - s.banner_kept);
    if (taken != 0 && s.banner == kNoSlot) {
        s.banner = banners_.take();
        counters_.banner_pool_empty += s.banner == kNoSlot ? 1 : 0;
    }
    if (s.banner == kNoSlot) {
        taken = 0;
    }
    if (taken != 0) {
        std::memcpy(banners_.bytes(s.banner) + s.banner_kept, payload + known, taken);
        s.banner_kept = static_cast<std::uint16_t>(s.banner_kept + taken);
        s.rcv_nxt += taken;
    }
    if (taken < fresh) {
        if (s.state == HeldState::held && s.banner_kept == limit) {
            close_with_reset(s, HeldClose::banner_too_long, now_ns);
        } else if (taken != 0) {
            ack_upstream(s, now_ns);
        }
        return;
    }
    if ((f.flags & tcp_fin) != 0 && s.state == HeldState::held) {
        ++s.rcv_nxt;
        s.server_fin = true;
        close_with_fin(s, HeldClose::server_fin, now_ns);
        return;
    }
    if ((f.flags & tcp_fin) != 0 && may_move(s, now_ns)) {
        ++counters_.closed_at_handover;
        begin_move(s, true, now_ns);
        return;
    }
    if (taken != 0) {
        ack_upstream(s, now_ns);
    }
}

/// Our FIN is out. Released when both FINs are acknowledged, on RST, or by the timer.
void Splicer::upstream_closing(HeldSlot& s, const SegmentFacts& f, std::uint64_t now_ns) noexcept {
    if ((f.flags & tcp_rst) != 0) {
        if (f.seq == s.rcv_nxt) {
            release(s, now_ns);
        }
        return;
    }
    if ((f.flags & tcp_syn) != 0 || (f.flags & tcp_ack) == 0 || seq_before(s.snd_nxt, f.ack)) {
        return;
    }
    const std::uint32_t fin = (f.flags & tcp_fin) != 0 ? 1 : 0;
    const std::uint32_t end = f.seq + f.length;
    if (seq_before(s.rcv_nxt, end - fin)) {
        reset_upstream(s, s.snd_nxt); // data for a connection nobody reads any more
        release(s, now_ns);
        return;
    }
    if (fin != 0 && end - 1 == s.rcv_nxt && !s.server_fin) {
        s.server_fin = true;
        ++s.rcv_nxt;
    }
    if (f.length != 0) {
        ack_upstream(s, now_ns);
    }
    if (s.server_fin && f.ack == s.snd_nxt) {
        release(s, now_ns);
    }
}

} // namespace foregate::dataplane
