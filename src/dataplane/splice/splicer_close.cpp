// SPDX-License-Identifier: BSD-3-Clause
// Ways to end a connection, by order, by age or by what the other side did.
#include "dataplane/splice/splicer.h"

namespace foregate::dataplane {

void Splicer::reset_upstream(const HeldSlot& s, std::uint32_t seq) noexcept {
    if (SegmentSpec* segment = out_.push(); segment != nullptr) {
        fill_upstream_reset(s, seq, *segment);
    }
}

void Splicer::reset_desktop(const HeldSlot& s, std::uint32_t seq, bool with_ack,
                            std::uint32_t ack) noexcept {
    if (SegmentSpec* segment = out_.push(); segment != nullptr) {
        fill_desktop_reset(s, seq, with_ack, ack, *segment);
    }
}

/// By order: politely where nothing was carried, by RST to both ends where something was.
bool Splicer::end(HeldSlot& s, HeldClose why, std::uint64_t now_ns) noexcept {
    switch (s.state) {
    case HeldState::dialing:
        reset_upstream(s, s.snd_nxt);
        fail(s, HeldFailure::ordered, now_ns);
        return true;
    case HeldState::held:
        close_with_fin(s, why, now_ns);
        return true;
    case HeldState::splicing:
    case HeldState::spliced:
    case HeldState::resumed:
    case HeldState::moving:
        abort_splice(s, why, now_ns);
        return true;
    case HeldState::closing:
        break; // ends by itself
    }
    return false;
}

/// A connection that was never used: an orderly FIN, which servers log as an ordinary end.
void Splicer::close_with_fin(HeldSlot& s, HeldClose why, std::uint64_t now_ns) noexcept {
    ++counters_.closed_unused;
    report(s, HeldEvent::closed, now_ns, why);
    s.state = HeldState::closing;
    s.closing = ClosingKind::fins;
    s.close_reason = why;
    s.tries = 0;
    ++s.snd_nxt;
    send_fin(s, now_ns);
    arm(s, now_ns + settings_.fin_retry_ns, now_ns);
}

void Splicer::send_fin(HeldSlot& s, std::uint64_t now_ns) noexcept {
    if (SegmentSpec* segment = out_.push(); segment != nullptr) {
        fill_upstream(s, tcp_fin | tcp_ack, s.snd_nxt - 1, now_ns, *segment);
    }
}

/// A connection that was never used, to a server that would not take a FIN well.
void Splicer::close_with_reset(HeldSlot& s, HeldClose why, std::uint64_t now_ns) noexcept {
    ++counters_.closed_unused;
    report(s, HeldEvent::closed, now_ns, why);
    reset_upstream(s, s.snd_nxt);
    release(s, now_ns);
}

/// Ends a splice by RST to both sides, each with the sequence number its receiver expects, and with
/// the other candidate when data may be on the way.
void Splicer::abort_splice(HeldSlot& s, HeldClose why, std::uint64_t now_ns) noexcept {
    ++counters_.splices_ended;
    remember_use(s);
    report(s, HeldEvent::splice_ended, now_ns, why);
    if (s.state == HeldState::resumed) { // nobody knows yet what would be exact
        unwind(s, now_ns);
        return;
    }
    reset_upstream(s, s.server_acked);
    const std::uint32_t sent = s.desktop_seen + s.terms.seq_delta;
    if (seq_before(s.server_acked, sent)) {
        reset_upstream(s, sent);
    }
    // A desktop that has not answered yet may still be in SYN-SENT: only an ACK makes it listen.
    reset_desktop(s, s.desktop_acked, true, s.desktop_seen);
    if (seq_before(s.desktop_acked, s.server_seen)) {
        reset_desktop(s, s.server_seen, true, s.desktop_seen);
    }
    release(s, now_ns);
}

} // namespace foregate::dataplane
