// SPDX-License-Identifier: BSD-3-Clause
// Noticing senders that take the handshake for the path, and answering them late where it matters.
#include "dataplane/splice/splicer.h"

namespace foregate::dataplane {

namespace {

constexpr std::uint32_t kLeastRttUs = 3'000;        ///< nearer servers are no matter
constexpr std::uint64_t kFilterNs = 10'000'000'000; ///< after that, BBR has looked again
constexpr std::uint64_t kSettledBytes = 512 * 1024; ///< before, a sender still feels its way
constexpr std::uint32_t kLittle =
    64 * 1024; ///< bytes on the way of one that starves: ten to forty segments
constexpr std::uint32_t kMuch = 96 * 1024;
constexpr std::uint64_t kMuchAfterBytes = 2 * 1024 * 1024;
constexpr std::uint64_t kSlowRounds = 4; ///< round trips that a look's bytes take, or more
constexpr std::uint8_t kLooks = 2;       ///< in a row

} // namespace

/// Once for each 256 KiB that a desktop has sent.
void Splicer::look_at_upload(HeldSlot& s, std::uint64_t now_ns) noexcept {
    const std::uint64_t took_ns = now_ns - s.looked_ns;
    s.looked_ns = now_ns;
    remember_use(s);
    if (s.rtt_us < kLeastRttUs || s.bytes_up < kSettledBytes || now_ns - s.sent_ns > kFilterNs) {
        return;
    }
    const std::uint32_t on_the_way = s.desktop_seen + s.terms.seq_delta - s.server_acked;
    if (on_the_way >= kMuch) {
        s.starved = 0;
        if (s.bytes_up >= kMuchAfterBytes) {
            senders_.judge(s.order.desktop, s.order.usage_class, true);
        }
        return;
    }
    const bool slow = took_ns >= std::uint64_t{s.rtt_us} * 1000 * kSlowRounds;
    s.starved = static_cast<std::uint8_t>(on_the_way < kLittle && slow ? s.starved + 1 : 0);
    if (s.starved == kLooks) {
        ++counters_.starved_senders;
        senders_.judge(s.order.desktop, s.order.usage_class, false);
    }
}

void Splicer::remember_use(const HeldSlot& s) noexcept {
    if (s.confirmed) {
        senders_.used(server_hash(s.order.server, s.order.port), s.bytes_up);
    }
}

bool Splicer::answers_late(const HeldSlot& s) const noexcept {
    return settings_.late_percent != 0 && s.rtt_us >= kLeastRttUs &&
           senders_.may_starve(s.order.desktop, s.order.usage_class) &&
           !senders_.only_short(server_hash(s.order.server, s.order.port));
}

} // namespace foregate::dataplane
