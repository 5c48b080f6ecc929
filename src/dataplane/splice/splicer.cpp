// SPDX-License-Identifier: BSD-3-Clause
// Construction, opening, and the life of a slot.
#include "dataplane/splice/splicer.h"

#include <algorithm>
#include <stdexcept>

namespace foregate::dataplane {

namespace {

enum HashDomain : std::uint8_t {
    domain_key = 2,
    domain_isn = 3,
    domain_ts = 4,
    domain_quarantine = 5,
    domain_server = 6,
};

/// Spreads consecutive numbers over the buckets of an index.
std::uint64_t mix(std::uint64_t v) noexcept {
    v *= 0x9e3779b97f4a7c15ULL;
    return v ^ v >> 32;
}

bool order_is_possible(const OpenHeld& o) noexcept {
    const bool scale_ok = o.syn.window_scale == kNoWindowScale || o.syn.window_scale <= 14;
    return o.source.is_v4() == o.server.is_v4() && o.port != 0 && scale_ok && o.syn.mss >= 64;
}

void check(bool ok, const char* what) {
    if (!ok) {
        throw std::invalid_argument(what);
    }
}

SplicerSettings checked(const SplicerSettings& s) {
    check(s.capacity > 0 && s.capacity < kNoSlot, "splicer: capacity must be at least 1");
    check(s.port_low > 0 && s.port_low <= s.port_high, "splicer: port range is empty");
    check(s.banner_bytes > 0 && s.banner_bytes <= 0xffff, "splicer: banner_bytes must be 1..65535");
    check(s.window_segments >= 1, "splicer: window_segments must be at least 1");
    check(s.inner_mtu >= 1280, "splicer: inner_mtu must be at least 1280");
    check(s.timers_per_tick > 0, "splicer: timers_per_tick must be at least 1");
    return s;
}

} // namespace

Splicer::Splicer(const SplicerSettings& settings)
    : settings_(checked(settings)), slots_(settings.capacity), by_key_(settings.capacity),
      by_id_(settings.capacity), by_desktop_(settings.capacity), by_server_(settings.capacity),
      timers_(settings.capacity), ports_(settings.secret, settings.port_low, settings.port_high),
      quarantine_(settings.quarantine_entries, settings.quarantine_ns),
      banners_(settings.banner_buffers, settings.banner_bytes), out_(settings.segment_queue),
      reports_(settings.report_queue) {
    free_.reserve(settings.capacity);
    for (std::uint32_t i = settings.capacity; i-- > 0;) {
        free_.push_back(i);
    }
}

HeldSlot* Splicer::find(SpliceRef ref) noexcept {
    if (ref.index >= slots_.size()) {
        return nullptr;
    }
    HeldSlot& s = slots_[ref.index];
    return s.in_use && s.epoch == ref.epoch ? &s : nullptr;
}

std::optional<HeldState> Splicer::state(SpliceRef ref) const noexcept {
    const HeldSlot* s = const_cast<Splicer*>(this)->find(ref);
    return s == nullptr ? std::nullopt : std::optional(s->state);
}

std::uint32_t Splicer::index_of(const HeldSlot& s) const noexcept {
    return static_cast<std::uint32_t>(&s - slots_.data());
}

std::uint64_t Splicer::key_hash(const IpAddress& source, const IpAddress& server,
                                std::uint16_t port) const noexcept {
    return hash_tuple(settings_.secret, domain_key, {source, server, 0, port});
}

std::uint64_t Splicer::server_hash(const IpAddress& server, std::uint16_t port) const noexcept {
    return hash_tuple(settings_.secret, domain_server, {{}, server, 0, port});
}

bool Splicer::port_taken(const HeldTuple& tuple, std::uint64_t now_ns,
                         const PortInUse& in_use) const noexcept {
    const std::uint64_t key = key_hash(tuple.source, tuple.server, tuple.server_port);
    for (std::uint32_t i = by_key_.first(key); i != kNoSlot; i = by_key_.next(i)) {
        const HeldSlot& s = slots_[i];
        const bool same = s.tuple.source == tuple.source && s.tuple.server == tuple.server &&
                          s.tuple.server_port == tuple.server_port;
        if (same && (s.tuple.source_port == tuple.source_port ||
                     s.terms.desktop_port == tuple.source_port)) {
            return true;
        }
    }
    return quarantine_.contains(hash_tuple(settings_.secret, domain_quarantine, tuple), now_ns) ||
           in_use(tuple);
}

std::optional<OpenedHeld> Splicer::open(const OpenHeld& order, std::uint64_t now_ns,
                                        PortInUse port_in_use) noexcept {
    if (!order_is_possible(order)) {
        refuse(order, HeldFailure::impossible);
        return std::nullopt;
    }
    if (free_.empty()) {
        refuse(order, HeldFailure::pool_full);
        return std::nullopt;
    }
    HeldTuple tuple{order.source, order.server, 0, order.port};
    tuple.source_port =
        ports_.pick(tuple, [&](const HeldTuple& t) { return port_taken(t, now_ns, port_in_use); });
    if (tuple.source_port == 0) {
        refuse(order, HeldFailure::no_port);
        return std::nullopt;
    }
    const std::uint32_t index = free_.back();
    free_.pop_back();
    occupy(index, order, tuple, now_ns);
    HeldSlot& s = slots_[index];
    ++counters_.opened;
    if (SegmentSpec* segment = out_.push(); segment != nullptr) {
        fill_upstream_syn(s, now_ns, *segment);
    }
    arm(s, now_ns + settings_.dial_retry_ns, now_ns);
    return OpenedHeld{{index, s.epoch}, tuple};
}

void Splicer::occupy(std::uint32_t index, const OpenHeld& order, const HeldTuple& tuple,
                     std::uint64_t now_ns) noexcept {
    HeldSlot& s = slots_[index];
    const std::uint32_t epoch = s.epoch;
    s = HeldSlot{};
    s.epoch = epoch;
    s.in_use = true;
    s.order = order;
    s.tuple = tuple;
    s.terms.held_port = tuple.source_port;
    s.terms.server_port = tuple.server_port;
    s.opened_ns = s.sent_ns = s.last_active_ns = now_ns;
    // RFC 6528: a clock of 4 microseconds plus a keyed hash of the tuple.
    const std::uint64_t secret = hash_tuple(settings_.secret, domain_isn, tuple);
    s.iss = static_cast<std::uint32_t>(now_ns / 4000 + secret);
    s.snd_nxt = s.iss + 1;
    // One clock per pair of addresses, so that it never steps back when a port is used again.
    s.ts_offset = static_cast<std::uint32_t>(
        hash_tuple(settings_.secret, domain_ts, {tuple.source, tuple.server, 0, 0}));
    s.first_window = held_window(order.syn, settings_.window_segments);
    by_key_.insert(index, key_hash(tuple.source, tuple.server, tuple.server_port));
    by_id_.insert(index, mix(order.id));
    by_desktop_.insert(index, mix(order.desktop));
    by_server_.insert(index, server_hash(tuple.server, order.port));
}

void Splicer::release(HeldSlot& s, std::uint64_t now_ns) noexcept {
    const std::uint32_t index = index_of(s);
    quarantine_.add(hash_tuple(settings_.secret, domain_quarantine, s.tuple), now_ns);
    if (s.banner != kNoSlot) {
        banners_.give_back(s.banner);
        s.banner = kNoSlot;
    }
    timers_.disarm(index);
    if (!records_.empty()) {
        clear_record(records_[index]);
    }
    by_key_.erase(index);
    by_id_.erase(index);
    by_desktop_.erase(index);
    by_server_.erase(index);
    s.in_use = false;
    ++s.epoch;
    free_.push_back(index);
}

void Splicer::refuse(const OpenHeld& order, HeldFailure why) noexcept {
    ++counters_.failed;
    HeldReport* r = reports_.push();
    if (r == nullptr) {
        return;
    }
    *r = HeldReport{};
    r->event = HeldEvent::failed;
    r->fail = why;
    r->purpose = order.purpose;
    r->id = order.id;
    r->desktop = order.desktop;
    r->usage_class = order.usage_class;
    r->server = order.server;
    r->port = order.port;
}

void Splicer::report(const HeldSlot& s, HeldEvent event, std::uint64_t now_ns, HeldClose close,
                     SpliceFallback fallback) noexcept {
    HeldReport* r = reports_.push();
    if (r == nullptr) {
        return;
    }
    *r = HeldReport{};
    r->event = event;
    r->close = close;
    r->fallback = fallback;
    r->purpose = s.order.purpose;
    r->id = s.order.id;
    r->desktop = s.order.desktop;
    r->usage_class = s.order.usage_class;
    r->server = s.order.server;
    r->port = s.order.port;
    r->rtt_us = s.rtt_us;
    r->age_ns = now_ns - s.established_ns;
    r->bytes_up = s.bytes_up;
    r->bytes_down = s.bytes_down;
    r->banner_bytes = s.banner_kept;
}

void Splicer::fail(HeldSlot& s, HeldFailure why, std::uint64_t now_ns) noexcept {
    refuse(s.order, why);
    release(s, now_ns);
}

void Splicer::arm(HeldSlot& s, std::uint64_t due_ns, std::uint64_t now_ns) noexcept {
    s.due_ns = due_ns;
    timers_.arm(index_of(s), due_ns, now_ns);
}

unsigned Splicer::close_desktop(std::uint32_t desktop, CloseScope scope,
                                std::uint64_t now_ns) noexcept {
    unsigned closed = 0;
    for (std::uint32_t i = by_desktop_.first(mix(desktop)); i != kNoSlot;) {
        HeldSlot& s = slots_[i];
        i = by_desktop_.next(i);
        const bool unused = s.state == HeldState::dialing || s.state == HeldState::held;
        if (s.order.desktop == desktop && (unused || scope == CloseScope::all)) {
            closed += end(s, HeldClose::ordered, now_ns) ? 1 : 0;
        }
    }
    return closed;
}

unsigned Splicer::close_server(const IpAddress& server, std::uint16_t port, CloseScope scope,
                               std::uint64_t now_ns) noexcept {
    unsigned closed = 0;
    for (std::uint32_t i = by_server_.first(server_hash(server, port)); i != kNoSlot;) {
        HeldSlot& s = slots_[i];
        i = by_server_.next(i);
        const bool unused = s.state == HeldState::dialing || s.state == HeldState::held;
        if (s.order.server == server && s.order.port == port &&
            (unused || scope == CloseScope::all)) {
            closed += end(s, HeldClose::ordered, now_ns) ? 1 : 0;
        }
    }
    return closed;
}

bool Splicer::close(std::uint64_t id, std::uint64_t now_ns) noexcept {
    for (std::uint32_t i = by_id_.first(mix(id)); i != kNoSlot; i = by_id_.next(i)) {
        if (slots_[i].order.id == id) {
            return end(slots_[i], HeldClose::ordered, now_ns);
        }
    }
    return false;
}

std::size_t Splicer::view(std::uint32_t& first, std::span<HeldView> views,
                          std::uint64_t now_ns) const noexcept {
    std::size_t written = 0;
    for (; first < settings_.capacity && written < views.size(); ++first) {
        const HeldSlot& s = slots_[first];
        if (!s.in_use) {
            continue;
        }
        HeldView& v = views[written++];
        v = HeldView{s.order.id,
                     s.order.desktop,
                     s.order.usage_class,
                     s.order.purpose,
                     s.state,
                     s.tuple.source,
                     s.tuple.server,
                     s.tuple.server_port,
                     s.tuple.source_port,
                     s.terms.desktop_port,
                     s.established_ns == 0 ? 0 : now_ns - s.established_ns,
                     s.rtt_us,
                     s.banner_kept,
                     s.bytes_up,
                     s.bytes_down};
    }
    return written;
}

} // namespace foregate::dataplane
