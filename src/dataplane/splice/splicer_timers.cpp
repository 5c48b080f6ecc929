// SPDX-License-Identifier: BSD-3-Clause
// What happens when nothing happens: retransmissions, probes, ages, idleness.
#include "dataplane/splice/splicer.h"

#include <algorithm>

namespace foregate::dataplane {

void Splicer::tick(std::uint64_t now_ns) noexcept {
    timers_.advance(now_ns, settings_.timers_per_tick,
                    [this, now_ns](std::uint32_t index) { fire(slots_[index], now_ns); });
}

void Splicer::fire(HeldSlot& s, std::uint64_t now_ns) noexcept {
    const std::uint64_t due =
        s.state == HeldState::spliced || s.state == HeldState::resumed ? spliced_due(s) : s.due_ns;
    if (now_ns < due) { // the wheel goes around sooner than far deadlines; activity moves others
        timers_.arm(index_of(s), due, now_ns);
        return;
    }
    switch (s.state) {
    case HeldState::dialing:
        fire_dialing(s, now_ns);
        break;
    case HeldState::held:
        fire_held(s, now_ns);
        break;
    case HeldState::splicing:
        fire_splicing(s, now_ns);
        break;
    case HeldState::spliced:
    case HeldState::resumed:
        fire_spliced(s, now_ns);
        break;
    case HeldState::moving:
        fire_moving(s, now_ns);
        break;
    case HeldState::closing:
        fire_closing(s, now_ns);
        break;
    }
}

void Splicer::fire_dialing(HeldSlot& s, std::uint64_t now_ns) noexcept {
    const std::uint64_t deadline = s.opened_ns + settings_.dial_timeout_ns;
    if (now_ns >= deadline) {
        reset_upstream(s, s.snd_nxt); // in case only the SYN-ACKs were lost
        fail(s, HeldFailure::timeout, now_ns);
        return;
    }
    ++s.syn_tries;
    s.sent_ns = now_ns;
    if (SegmentSpec* segment = out_.push(); segment != nullptr) {
        fill_upstream_syn(s, now_ns, *segment);
    }
    const unsigned shift = std::min<unsigned>(s.syn_tries, 6);
    arm(s, std::min(deadline, now_ns + (settings_.dial_retry_ns << shift)), now_ns);
}

/// The next of: probe, repeated probe, maximum age.
std::uint64_t Splicer::held_due(const HeldSlot& s) const noexcept {
    std::uint64_t due = s.established_ns + s.order.max_age_ns;
    if (s.probe_outstanding) {
        due = std::min(due, s.sent_ns + settings_.probe_retry_ns);
    } else if (s.order.keepalive_ns != 0) {
        due = std::min(due, s.last_active_ns + s.order.keepalive_ns);
    }
    return due;
}

void Splicer::fire_held(HeldSlot& s, std::uint64_t now_ns) noexcept {
    if (now_ns - s.established_ns >= s.order.max_age_ns) {
        close_with_fin(s, HeldClose::expired, now_ns);
        return;
    }
    if (const std::uint64_t due = held_due(s); now_ns < due) {
        arm(s, due, now_ns);
        return;
    }
    if (s.probe_outstanding && s.tries >= settings_.probe_tries) {
        close_with_reset(s, HeldClose::keepalive_lost, now_ns);
        return;
    }
    // A segment one before what the server expects, without data: it answers with an ACK.
    s.probe_repeated = s.probe_outstanding;
    s.probe_outstanding = true;
    ++s.tries;
    s.sent_ns = now_ns;
    if (SegmentSpec* segment = out_.push(); segment != nullptr) {
        fill_upstream(s, tcp_ack, s.snd_nxt - 1, now_ns, *segment);
    }
    arm(s, held_due(s), now_ns);
}

void Splicer::fire_splicing(HeldSlot& s, std::uint64_t now_ns) noexcept {
    if (s.answer_waits) {
        s.answer_waits = false;
        send_synack(s, now_ns);
        arm(s, now_ns + settings_.synack_retry_ns, now_ns);
        return;
    }
    if (s.tries >= settings_.synack_tries) {
        abort_splice(s, HeldClose::desktop_silent, now_ns);
        return;
    }
    ++s.tries;
    send_synack(s, now_ns);
    arm(s, now_ns + (settings_.synack_retry_ns << std::min<unsigned>(s.tries, 6)), now_ns);
}

std::uint64_t Splicer::spliced_due(const HeldSlot& s) const noexcept {
    const bool half_closed = s.desktop_fin || s.server_fin;
    const std::uint64_t idle =
        s.last_active_ns + (half_closed ? settings_.half_closed_idle_ns : settings_.idle_ns);
    return s.replaying ? std::min(s.due_ns, idle) : idle;
}

void Splicer::fire_spliced(HeldSlot& s, std::uint64_t now_ns) noexcept {
    if (!s.replaying || now_ns < s.due_ns) {
        abort_splice(s, HeldClose::idle, now_ns);
        return;
    }
    if (s.tries >= settings_.replay_tries) {
        abort_splice(s, HeldClose::desktop_silent, now_ns);
        return;
    }
    ++s.tries;
    replay_banner(s, now_ns);
    timers_.arm(index_of(s), spliced_due(s), now_ns);
}

void Splicer::fire_closing(HeldSlot& s, std::uint64_t now_ns) noexcept {
    if (s.closing == ClosingKind::linger) {
        release(s, now_ns);
        return;
    }
    if (s.closing == ClosingKind::unwinding) {
        fire_unwinding(s, now_ns);
        return;
    }
    if (s.tries >= settings_.fin_tries) {
        reset_upstream(s, s.snd_nxt);
        release(s, now_ns);
        return;
    }
    ++s.tries;
    send_fin(s, now_ns);
    arm(s, now_ns + (settings_.fin_retry_ns << s.tries), now_ns);
}

} // namespace foregate::dataplane
