// SPDX-License-Identifier: BSD-3-Clause
// ICMP errors about held and spliced connections (RFC 792, 4443; attacks and checks: RFC 5927).
#include "dataplane/splice/icmp_quote.h"
#include "dataplane/splice/splicer.h"

namespace foregate::dataplane {

SpliceAction Splicer::from_icmp_error(SpliceRef ref, std::uint8_t* frame,
                                      const ParsedPacket& packet, std::uint64_t now_ns) noexcept {
    constexpr SpliceAction kStale{SpliceVerdict::stale, SpliceDrop::none};
    HeldSlot* s = find(ref);
    const auto quote = parse_icmp_quote(frame, packet);
    if (s == nullptr || !quote) {
        return kStale;
    }
    const bool spliced = s->state == HeldState::splicing || s->state == HeldState::spliced ||
                         s->state == HeldState::resumed ||
                         (s->state == HeldState::closing && s->closing == ClosingKind::linger);
    const bool about_up = quote->src == s->tuple.source && quote->dst == s->tuple.server &&
                          quote->src_port == s->terms.held_port &&
                          quote->dst_port == s->tuple.server_port;
    if (about_up && spliced) {
        edit_icmp_quote(frame, *quote,
                        {s->terms.desktop_port, quote->dst_port, 0U - s->terms.seq_delta,
                         0U - s->terms.server_delta,
                         s->terms.timestamps ? 0U - s->terms.ts_delta : 0U,
                         s->terms.timestamps ? 0U - s->terms.server_ts_delta : 0U});
        return {SpliceVerdict::forward, SpliceDrop::none};
    }
    if (about_up) {
        // Only about something that is really on the way; size matters to no segment we send.
        const bool sent =
            seq_at_or_before(s->iss, quote->seq) && seq_at_or_before(quote->seq, s->snd_nxt);
        if (sent && quote->kind == IcmpErrorKind::unreachable) {
            if (s->state == HeldState::dialing) {
                fail(*s, HeldFailure::icmp, now_ns);
            } else if (s->state == HeldState::held) {
                close_with_reset(*s, HeldClose::icmp, now_ns);
            }
        }
        return {SpliceVerdict::consumed, SpliceDrop::none};
    }
    const bool about_down = quote->src == s->tuple.server && quote->dst == s->tuple.source &&
                            quote->src_port == s->tuple.server_port &&
                            quote->dst_port == s->terms.desktop_port;
    if (about_down && spliced) {
        edit_icmp_quote(frame, *quote,
                        {quote->src_port, s->terms.held_port, s->terms.server_delta,
                         s->terms.seq_delta, s->terms.timestamps ? s->terms.server_ts_delta : 0U,
                         s->terms.timestamps ? s->terms.ts_delta : 0U});
        return {SpliceVerdict::forward, SpliceDrop::none};
    }
    return kStale;
}

} // namespace foregate::dataplane
