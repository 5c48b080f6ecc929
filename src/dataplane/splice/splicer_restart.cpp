// SPDX-License-Identifier: BSD-3-Clause
// What outlives the process: records of this one's connections, and those of the one before. A
// splice needs no more than its constants to go on; what cannot go on is ended at both sides by
// resets that are exact for their receivers (RFC 5961 3.2): where the exact number is not known, an
// unacceptable segment makes its receiver say it.
#include "dataplane/splice/splicer.h"

#include <algorithm>

namespace foregate::dataplane {

namespace {

constexpr std::uint64_t kIdOfBefore = std::uint64_t{1}
                                      << 63; ///< the control core counts its own from 1

} // namespace

void Splicer::record(const HeldSlot& s, RecordKind kind) noexcept {
    if (records_.empty()) {
        return;
    }
    SpliceRecord r = record_of(s.tuple, s.terms, s.server_ttl);
    if (kind == RecordKind::held) {
        r.seq_delta = s.iss + 1;
    }
    write_record(records_[index_of(s)], r, kind);
}

std::optional<OpenedHeld> Splicer::take_over(const SpliceRecord& record, const OpenHeld& order,
                                             bool goes_on, std::uint64_t now_ns) noexcept {
    const HeldTuple tuple = tuple_of(record);
    if (free_.empty() ||
        port_taken(tuple, now_ns, {})) { // of two records of one tuple, one is wrong
        ++counters_.left_behind;
        return std::nullopt;
    }
    const std::uint32_t index = free_.back();
    free_.pop_back();
    OpenHeld ours = order;
    ours.id = kIdOfBefore | (std::uint64_t{index} + 1);
    ours.purpose = HeldPurpose::ordered;
    ours.source = record.source;
    ours.server = record.server;
    ours.port = record.server_port;
    occupy(index, ours, tuple, now_ns);
    HeldSlot& s = slots_[index];
    s.terms = terms_of(record);
    s.agreed.timestamps = s.terms.timestamps;
    s.agreed.sack = s.terms.sack;
    s.server_ttl = record.server_ttl;
    s.established_ns = now_ns;
    s.confirmed = s.moved = true;
    if (goes_on && record.kind == RecordKind::spliced) {
        s.state = HeldState::resumed;
        ++counters_.taken_over;
        this->record(s, RecordKind::spliced);
        arm(s, spliced_due(s), now_ns);
        return OpenedHeld{{index, s.epoch}, tuple};
    }
    ++counters_.left_behind;
    if (!records_.empty()) {
        write_record(records_[index], record,
                     record.kind); // until it is done, for the process after this one
    }
    if (record.kind == RecordKind::held) {
        s.server_acked = record.seq_delta;
        s.server_heard = true;
        s.terms.seq_delta = 0;
        s.desktop_fin = true; // it never knew
    }
    unwind(s, now_ns);
    return OpenedHeld{{index, s.epoch}, tuple};
}

/// The first packet since the restart says where its sender stands.
void Splicer::hear_desktop(HeldSlot& s, const SegmentFacts& f) noexcept {
    constexpr std::uint32_t kFar = 1U << 29;
    if (!s.desktop_heard) {
        s.desktop_heard = true;
        s.desktop_seen = f.seq + f.length;
        s.desktop_acked = f.ack;
        s.server_seen = s.server_heard ? s.server_seen : f.ack;
        s.terms.ts_floor = s.desktop_ts - kFar;
    }
    s.state = s.server_heard ? HeldState::spliced : HeldState::resumed;
}

void Splicer::hear_server(HeldSlot& s, const SegmentFacts& f) noexcept {
    if (!s.server_heard) {
        s.server_heard = true;
        s.server_seen = f.seq + f.length;
        s.server_acked = f.ack;
        s.desktop_seen = s.desktop_heard ? s.desktop_seen : f.ack - s.terms.seq_delta;
    }
    s.state = s.desktop_heard ? HeldState::spliced : HeldState::resumed;
}

/// Its first step is the timer's, so that thousands at a restart do not leave in one burst.
void Splicer::unwind(HeldSlot& s, std::uint64_t now_ns) noexcept {
    s.state = HeldState::closing;
    s.closing = ClosingKind::unwinding;
    s.tries = 0;
    arm(s, now_ns, now_ns);
}

/// What the desktop acknowledges is what it expects next.
void Splicer::unwind_desktop(HeldSlot& s, const SegmentFacts& f) noexcept {
    if ((f.flags & tcp_rst) == 0 && (f.flags & tcp_ack) != 0) {
        reset_desktop(s, f.ack, true, f.seq + f.length);
    }
    s.desktop_fin = s.desktop_fin || (f.flags & (tcp_rst | tcp_ack)) != 0;
}

void Splicer::unwind_server(HeldSlot& s, const SegmentFacts& f) noexcept {
    if ((f.flags & tcp_rst) == 0 && (f.flags & tcp_ack) != 0) {
        reset_upstream(s, f.ack);
    }
    s.server_fin = s.server_fin || (f.flags & (tcp_rst | tcp_ack)) != 0;
}

void Splicer::fire_unwinding(HeldSlot& s, std::uint64_t now_ns) noexcept {
    if (s.tries >= settings_.unwind_tries) {
        release(s, now_ns);
        return;
    }
    // An ACK of nothing, with a number that is hardly ever in its receiver's window: an ACK is the
    // answer.
    if (!s.server_fin) {
        if (s.server_heard) {
            reset_upstream(s, s.server_acked);
        } else if (SegmentSpec* segment = out_.push(); segment != nullptr) {
            fill_upstream_question(s, *segment);
        }
    }
    if (!s.desktop_fin) {
        if (SegmentSpec* segment = out_.push(); segment != nullptr) {
            fill_desktop_question(s, *segment);
        }
    }
    arm(s, now_ns + (settings_.unwind_retry_ns << s.tries), now_ns);
    ++s.tries;
}

} // namespace foregate::dataplane
