// SPDX-License-Identifier: BSD-3-Clause
// Both directions of an established splice: translation, the banner's replay, noticing the end.
#include "dataplane/splice/splicer.h"

#include <algorithm>
#include <cstring>

namespace foregate::dataplane {

namespace {

/// Moves a high-water mark, but never by more than any window can be (RFC 7323 2.3), so that one
/// stray segment does not spoil it.
void advance(std::uint32_t& highest, std::uint32_t candidate) noexcept {
    const std::uint32_t by = candidate - highest;
    highest = by < (1U << 30) ? candidate : highest;
}

/// Moves an ACK mark, but not beyond what was sent.
void advance_ack(std::uint32_t& highest, std::uint32_t candidate, std::uint32_t sent) noexcept {
    if (seq_at_or_before(candidate, sent)) {
        advance(highest, candidate);
    }
}

unsigned tcp_header_length(const std::uint8_t* tcp) noexcept {
    return (tcp[12] >> 4) * 4U;
}

} // namespace

SpliceAction Splicer::spliced_up(HeldSlot& s, std::uint8_t* frame, const ParsedPacket& packet,
                                 std::uint64_t now_ns) noexcept {
    std::uint8_t* tcp = frame + packet.l4_offset;
    const SegmentFacts f = segment_facts(tcp, packet);
    if (!translate_to_server(tcp, tcp_header_length(tcp), s.terms, s.desktop_ts)) {
        ++counters_.bad_options;
        return {SpliceVerdict::drop, SpliceDrop::bad_options};
    }
    s.last_active_ns = now_ns;
    const std::uint64_t bytes_before = s.bytes_up;
    s.bytes_up += packet.payload_length;
    if (s.state != HeldState::spliced) [[unlikely]] {
        if (s.state != HeldState::resumed) {
            return {SpliceVerdict::forward, SpliceDrop::none};
        }
        hear_desktop(s, f);
    }
    if ((f.flags & tcp_rst) != 0) {
        // Exact for its receiver, or the plain end of what its sender sent; else it may be refused.
        if (f.seq + s.terms.seq_delta == s.server_acked || f.seq == s.desktop_seen) {
            linger(s, HeldClose::desktop_rst, now_ns);
        }
        return {SpliceVerdict::forward, SpliceDrop::none};
    }
    if ((f.flags & tcp_syn) != 0) {
        return {SpliceVerdict::forward, SpliceDrop::none}; // the server challenges it (RFC 5961 4)
    }
    advance(s.desktop_seen, f.seq + f.length);
    if (((bytes_before ^ s.bytes_up) >> SenderMemory::kLookShift) != 0) [[unlikely]] {
        look_at_upload(s, now_ns);
    }
    if ((f.flags & tcp_ack) != 0) {
        advance_ack(s.desktop_acked, f.ack, s.server_seen);
        if (s.replaying) {
            replay_progress(s, now_ns);
        }
    }
    if ((f.flags & tcp_fin) != 0) {
        s.desktop_fin = true;
        s.desktop_fin_end = f.seq + f.length;
    }
    if (s.desktop_fin || s.server_fin) {
        track_end(s, now_ns);
    }
    return {SpliceVerdict::forward, SpliceDrop::none};
}

SpliceAction Splicer::spliced_down(HeldSlot& s, std::uint8_t* frame, const ParsedPacket& packet,
                                   std::uint64_t now_ns) noexcept {
    std::uint8_t* tcp = frame + packet.l4_offset;
    SegmentFacts f = segment_facts(tcp, packet);
    f.seq -= s.terms.server_delta;
    std::uint32_t ts_val = s.ts_recent;
    if (!translate_to_desktop(tcp, tcp_header_length(tcp), s.terms, ts_val)) {
        ++counters_.bad_options;
        return {SpliceVerdict::drop, SpliceDrop::bad_options};
    }
    s.ts_recent = seq_before(s.ts_recent, ts_val) ? ts_val : s.ts_recent;
    s.last_active_ns = now_ns;
    s.bytes_down += packet.payload_length;
    if (s.state != HeldState::spliced) [[unlikely]] {
        if (s.state != HeldState::resumed) {
            return {SpliceVerdict::forward, SpliceDrop::none};
        }
        hear_server(s, f);
    }
    if ((f.flags & tcp_rst) != 0) {
        if (f.seq == s.desktop_acked || f.seq == s.server_seen) {
            const bool acknowledges = (f.flags & tcp_ack) != 0 && f.ack != s.server_acked;
            if (!acknowledges && may_move(s, now_ns)) {
                return {server_closes_early(s, f, now_ns), SpliceDrop::none};
            }
            linger(s, HeldClose::server_rst, now_ns);
        }
        return {SpliceVerdict::forward, SpliceDrop::none};
    }
    if ((f.flags & tcp_syn) != 0) {
        return {SpliceVerdict::forward,
                SpliceDrop::none}; // a repeated SYN-ACK; its window is unscaled
    }
    if ((f.flags & tcp_fin) != 0 && f.length == 1 && f.ack == s.server_acked &&
        may_move(s, now_ns)) {
        return {server_closes_early(s, f, now_ns), SpliceDrop::none};
    }
    advance(s.server_seen, f.seq + f.length);
    if ((f.flags & tcp_ack) != 0) {
        advance_ack(s.server_acked, f.ack, s.desktop_seen + s.terms.seq_delta);
        s.server_window_field = f.window;
    }
    if ((f.flags & tcp_fin) != 0) {
        s.server_fin = true;
        s.server_fin_end = f.seq + f.length;
    }
    if (s.desktop_fin || s.server_fin) {
        track_end(s, now_ns);
    }
    return {SpliceVerdict::forward, SpliceDrop::none};
}

/// Over when both FINs are acknowledged, whatever the order in which they came.
void Splicer::track_end(HeldSlot& s, std::uint64_t now_ns) noexcept {
    if (s.desktop_fin && s.server_fin && seq_at_or_before(s.server_fin_end, s.desktop_acked) &&
        seq_at_or_before(s.desktop_fin_end + s.terms.seq_delta, s.server_acked)) {
        linger(s, HeldClose::finished, now_ns);
    }
}

void Splicer::linger(HeldSlot& s, HeldClose why, std::uint64_t now_ns) noexcept {
    ++counters_.splices_ended;
    remember_use(s);
    report(s, HeldEvent::splice_ended, now_ns, why);
    s.state = HeldState::closing;
    s.closing = ClosingKind::linger;
    s.close_reason = why;
    s.replaying = false;
    if (!records_.empty()) {
        clear_record(records_[index_of(s)]);
    }
    arm(s, now_ns + settings_.linger_ns, now_ns);
}

/// Sends what the desktop has not acknowledged of the banner, under its original sequence numbers.
void Splicer::replay_banner(HeldSlot& s, std::uint64_t now_ns) noexcept {
    const std::uint32_t first = s.irs + 1;
    std::uint32_t at = s.desktop_acked - first;
    const std::uint16_t mss = std::min<std::uint16_t>(s.agreed.announced_mss, kMaxSegmentPayload);
    const std::uint32_t room = mss - (s.agreed.timestamps ? 12U : 0U);
    while (at < s.banner_kept) {
        SegmentSpec* segment = out_.push();
        if (segment == nullptr) {
            break; // the timer tries again
        }
        const std::uint32_t length = std::min<std::uint32_t>(room, s.banner_kept - at);
        fill_desktop_data(s, first + at, *segment);
        std::memcpy(segment->payload.data(), banners_.bytes(s.banner) + at, length);
        segment->payload_length = static_cast<std::uint16_t>(length);
        at += length;
    }
    s.sent_ns = now_ns;
    s.due_ns = now_ns + (settings_.replay_retry_ns << s.tries);
}

void Splicer::replay_progress(HeldSlot& s, std::uint64_t now_ns) noexcept {
    const std::uint32_t acked = s.desktop_acked - (s.irs + 1);
    if (acked < s.banner_kept) {
        return;
    }
    s.replaying = false;
    s.tries = 0;
    banners_.give_back(s.banner);
    s.banner = kNoSlot;
    record(s, RecordKind::spliced);
    arm(s, spliced_due(s), now_ns);
}

} // namespace foregate::dataplane
