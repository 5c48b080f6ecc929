// SPDX-License-Identifier: BSD-3-Clause
// The half of the ConnectionKeeper that listens: reports from the workers, and what is shown of
// them.
#include "control/hold/connection_keeper.h"

#include <utility>

namespace foregate::control {

using dataplane::HeldClose;
using dataplane::HeldEvent;
using dataplane::HeldFailure;
using dataplane::HeldReport;
using std::chrono::nanoseconds;

namespace {

nanoseconds age_of(const HeldReport& r) {
    return nanoseconds(static_cast<std::int64_t>(r.age_ns));
}
double seconds(nanoseconds t) {
    return std::chrono::duration<double>(t).count();
}

} // namespace

void ConnectionKeeper::report(const HeldReport& r, SteadyTime now) {
    if (r.event == HeldEvent::fallback) {
        ++totals_.fallbacks[std::string(to_string(r.fallback))];
    }
    const auto found = connections_.find(r.id);
    if (found == connections_.end()) {
        return;
    }
    Connection& c = found->second;
    switch (r.event) {
    case HeldEvent::established:
        on_established(r.id, c, r, now);
        break;
    case HeldEvent::failed:
        on_failed(r.id, c, r, now);
        break;
    case HeldEvent::closed:
        on_closed(r.id, c, r, now);
        break;
    case HeldEvent::probe:
        if (r.rtt_us != 0) {
            probed(c, r.rtt_us, false);
        }
        break;
    case HeldEvent::splice_begun:
        if (c.state == State::held) {
            c.state = State::spliced; // no longer counted as present: its replacement may be dialed
            c.since = now;
        }
        break;
    case HeldEvent::splice_undone:
        if (c.state == State::spliced) {
            c.state = State::held;
            c.since = now - age_of(r);
        }
        break;
    case HeldEvent::spliced:
        ++c.row->used;
        ++totals_.used;
        c.row->destination->retreat.succeeded();
        if (c.state != State::closing) {
            c.state = State::spliced;
            c.since = now;
        }
        break;
    case HeldEvent::splice_ended:
        erase(r.id);
        break;
    case HeldEvent::fallback:
    case HeldEvent::replayed:
        break;
    }
}

void ConnectionKeeper::on_established(std::uint64_t, Connection& c, const HeldReport& r,
                                      SteadyTime now) {
    ++c.row->opened;
    ++totals_.opened;
    if (r.rtt_us != 0) {
        probed(c, r.rtt_us, false);
    }
    if (c.state != State::dialing) {
        return; // its close is on the way
    }
    c.state = State::held;
    c.since = now - age_of(r);
    if (c.predecessor != 0) {
        close_soon_.push_back(c.predecessor);
    }
    // A server that refuses after the handshake is believed only when a connection has lasted: see
    // on_closed().
    Retreat& retreat = c.row->destination->retreat;
    if (!c.row->destination->refuses_late) {
        retreat.succeeded();
    }
}

void ConnectionKeeper::on_failed(std::uint64_t id, Connection& c, const HeldReport& r,
                                 SteadyTime now) {
    if (r.fail != HeldFailure::ordered) {
        const std::string reason(to_string(r.fail));
        ++c.row->failed;
        ++totals_.failed[reason];
        c.row->destination->retreat.failed(reason, now);
    }
    if (r.fail == HeldFailure::refused) {
        probed(c, 0, true);
    } else if (r.fail == HeldFailure::timeout || r.fail == HeldFailure::icmp) {
        probed(c, 0, false);
    }
    erase(id);
}

void ConnectionKeeper::on_closed(std::uint64_t id, Connection& c, const HeldReport& r,
                                 SteadyTime now) {
    Destination& to = *c.row->destination;
    const std::string reason(to_string(r.close));
    ++totals_.closed[reason];
    bool refused = false;
    switch (r.close) {
    case HeldClose::server_fin:
    case HeldClose::server_rst:
        if (c.state != State::closing) {
            to.age.server_closed(age_of(r), now);
            refused = age_of(r) < kClosedAtOnce;
        }
        break;
    case HeldClose::deferred_accept:
    case HeldClose::banner_too_long:
    case HeldClose::icmp:
        refused = true;
        break;
    case HeldClose::expired:
        ++c.row->expired;
        ++totals_.expired;
        break;
    case HeldClose::keepalive_lost:
        probed(c, 0, false);
        break;
    default:
        break;
    }
    if (refused) {
        to.refuses_late = true;
        to.retreat.failed(reason, now);
    } else if (r.close == HeldClose::expired || age_of(r) >= kClosedAtOnce * 2) {
        if (to.refuses_late) {
            to.retreat.succeeded();
        }
        to.refuses_late = false;
    }
    erase(id);
}

void ConnectionKeeper::probed(const Connection& c, std::uint32_t rtt_us, bool refused) {
    if (probes_.size() < kMostProbes) {
        probes_.push_back({c.desktop, c.row->destination->text, rtt_us, refused});
    }
}

std::vector<ProbeResult> ConnectionKeeper::take_probes() {
    return std::exchange(probes_, {});
}

std::vector<DestinationHold> ConnectionKeeper::holds(SteadyTime now) const {
    std::vector<DestinationHold> out;
    for (const auto& [text, to] : destinations_) {
        for (const auto& [key, row] : to.rows) {
            DestinationHold h;
            h.destination = text;
            h.usage_class = class_names_[row.class_index];
            h.purpose = row.purpose;
            h.wanted = row.wanted;
            for (const auto& [desktop, need] : row.needs) {
                for (const std::uint64_t id : need.ids) {
                    const State state = connections_.at(id).state;
                    h.dialing += state == State::dialing;
                    h.held += state == State::held;
                    h.spliced += state == State::spliced;
                }
            }
            h.opened_total = row.opened;
            h.used_total = row.used;
            h.expired_total = row.expired;
            h.failed_total = row.failed;
            h.last_failure = to.retreat.reason();
            h.backoff_s = seconds(to.retreat.remaining(now));
            h.max_age_s = seconds(to.age.now_at(now));
            h.max_age_learned = to.age.learned(now);
            out.push_back(std::move(h));
        }
    }
    return out;
}

std::map<std::string, HeldCount> ConnectionKeeper::counts_of(DesktopId desktop) const {
    std::map<std::string, HeldCount> out;
    for (const auto& [text, to] : destinations_) {
        for (const auto& [key, row] : to.rows) {
            const auto need = row.needs.find(desktop);
            if (need == row.needs.end()) {
                continue;
            }
            for (const std::uint64_t id : need->second.ids) {
                HeldCount& count = out[text];
                const State state = connections_.at(id).state;
                count.dialing += state == State::dialing;
                count.held += state == State::held;
                count.spliced += state == State::spliced;
                count.closing += state == State::closing;
            }
        }
    }
    return out;
}

std::string ConnectionKeeper::destination_of(std::uint64_t id) const {
    const auto found = connections_.find(id);
    return found == connections_.end() ? std::string() : found->second.row->destination->text;
}

} // namespace foregate::control
