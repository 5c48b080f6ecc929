// SPDX-License-Identifier: BSD-3-Clause
// Construction, rates changed in place, and what others may ask.
#include <algorithm>
#include <stdexcept>
#include <string>

#include "dataplane/shape/shaper.h"

namespace foregate::dataplane {

namespace {

void require(bool holds, const char* what) {
    if (!holds) {
        throw std::invalid_argument(std::string("shaper: ") + what);
    }
}

ShaperSettings checked(ShaperSettings s) {
    require(s.drop_sink != nullptr, "a drop sink is required");
    require(s.max_pipes >= 1 && s.max_pipes <= 1U << 20, "max_pipes must be 1..1048576");
    require(s.max_allotments >= 1 && s.max_allotments <= 1U << 20,
            "max_allotments must be 1..1048576");
    require(s.queue_limit_packets >= 1, "queue_limit_packets must not be 0");
    require(s.quantum_bytes >= 64 && s.quantum_bytes <= 65536, "quantum_bytes must be 64..65536");
    require(s.control_limit_packets >= 1, "control_limit_packets must not be 0");
    require(s.slots > s.control_limit_packets && s.slots <= 1U << 26,
            "slots must be more than control_limit_packets, at most 67108864");
    require(s.control_share_percent >= 1 && s.control_share_percent <= 100,
            "control_share_percent must be 1..100");
    require(s.frame_overhead_bytes <= 256, "frame_overhead_bytes must be 0..256");
    constexpr uint64_t kSecond = 1'000'000'000;
    require(s.port_burst_ns <= kSecond && s.ceiling_burst_ns <= kSecond &&
                s.floor_burst_ns <= kSecond,
            "bursts must be at most 1 s");
    require(s.codel_interval_ns > 0 && s.codel_interval_ns <= 10 * kSecond &&
                s.codel_target_ns <= s.codel_interval_ns,
            "codel_interval must be up to 10 s, and codel_target no longer than that");
    if (s.max_queues == 0) {
        s.max_queues = s.max_pipes + std::max(256U, s.max_pipes / 16);
    }
    return s;
}

} // namespace

Shaper::Shaper(const ShaperSettings& settings)
    : settings_(checked(settings)), port_burst_(ticks_of_ns(settings_.port_burst_ns)),
      ceiling_burst_(ticks_of_ns(settings_.ceiling_burst_ns)),
      floor_burst_(ticks_of_ns(settings_.floor_burst_ns)), slots_(settings_.slots),
      queues_(settings_.max_queues), pipes_(settings_.max_pipes),
      allotments_(settings_.max_allotments),
      floors_(settings_.max_pipes + settings_.max_allotments), wheel_(settings_.max_pipes),
      new_pipes_(settings_.max_pipes), old_pipes_(settings_.max_pipes),
      unused_queues_(settings_.max_queues) {
    codel_.target = codel_time(ticks_of_ns(settings_.codel_target_ns));
    codel_.interval = codel_time(ticks_of_ns(settings_.codel_interval_ns));
    codel_.mtu_bytes = settings_.quantum_bytes;
    link_rate_bps_ = settings_.link_rate_bps;
    link_ = Pace::of_bps(link_rate_bps_);
    control_.pace = Pace::of_bps(link_rate_bps_ * settings_.control_share_percent / 100);
    for (Pipe& pipe : pipes_) {
        pipe.codel_target = codel_target(0);
    }
}

Shaper::~Shaper() {
    for (uint32_t slot = control_.head; slot != kNoPacketSlot; slot = slots_[slot].next) {
        settings_.drop_sink(settings_.drop_context, slots_[slot].handle, ShapeDrop::none);
    }
    for (FlowQueue& queue : queues_) {
        for (uint32_t slot = queue.take_from_longest_flow(slots_); slot != kNoPacketSlot;
             slot = queue.take_from_longest_flow(slots_)) {
            settings_.drop_sink(settings_.drop_context, slots_[slot].handle, ShapeDrop::none);
        }
    }
}

// Two full packets must fit under the target, or a slow pipe could never be filled (RFC 8289, 4.4).
CodelTime Shaper::codel_target(uint64_t ceiling_bps) const noexcept {
    const uint64_t both = std::min(ceiling_bps != 0 ? ceiling_bps : UINT64_MAX,
                                   link_rate_bps_ != 0 ? link_rate_bps_ : UINT64_MAX);
    const Ticks two_packets =
        both == UINT64_MAX ? 0 : Pace::of_bps(both).cost(2 * paced_bytes(1514));
    return std::max(codel_.target, codel_time(two_packets));
}

bool Shaper::set_pipe(uint32_t id, const PipeRates& rates, uint64_t now_ns) noexcept {
    if (id >= pipes_.size()) {
        return false;
    }
    const Ticks now = clock_.at(now_ns);
    Pipe& pipe = pipes_[id];
    const uint64_t floor_bps =
        rates.ceiling_bps != 0 ? std::min(rates.floor_bps, rates.ceiling_bps) : rates.floor_bps;
    pipe.weight = static_cast<uint16_t>(std::clamp(rates.weight, 1U, 256U));
    if (rates.ceiling_bps != pipe.ceiling_bps) {
        change_ceiling(id, rates.ceiling_bps, now);
    }
    if (floor_bps != pipe.floor_bps) {
        pipe.floor_bps = floor_bps;
        change_floor(id, pipe.floor_time, pipe.floor, floor_bps, now);
        if (const uint32_t queue = floor_queue(pipe); queue != kNoQueue) {
            queue_ready(queue, now);
        }
    }
    return true;
}

void Shaper::change_ceiling(uint32_t id, uint64_t bps, Ticks now) noexcept {
    Pipe& pipe = pipes_[id];
    const Pace to = Pace::of_bps(bps);
    pipe.ceiling_time = std::max(pipe.ceiling_time, now - ceiling_burst_);
    pipe.ceiling_time = Pace::rescale(pipe.ceiling_time, now, pipe.ceiling, to);
    pipe.ceiling = to;
    pipe.ceiling_bps = bps;
    pipe.codel_target = codel_target(bps);
    if (pipe.parked) {
        wheel_.remove(id);
        unpark(id, now); // parks again if it is still ahead of its ceiling
    }
}

void Shaper::change_floor(uint32_t group, Ticks& floor_time, Pace& pace, uint64_t bps,
                          Ticks now) noexcept {
    const Pace to = Pace::of_bps(bps);
    const Ticks guarantee = guarantee_time(now);
    floor_time = std::max(floor_time, guarantee - 2 * floor_burst_);
    floor_time = Pace::rescale(floor_time, guarantee, pace, to);
    pace = to;
    if (floors_.contains(group)) {
        if (to.limited()) {
            floors_.change(group, floor_time);
        } else {
            floors_.remove(group);
        }
    }
}

bool Shaper::set_allotment(uint32_t id, uint64_t rate_bps, uint64_t now_ns) noexcept {
    if (id == 0 || id >= allotments_.size()) {
        return false;
    }
    Allotment& allotment = allotments_[id];
    if (rate_bps == allotment.rate_bps) {
        return true;
    }
    const Ticks now = clock_.at(now_ns);
    allotment.rate_bps = rate_bps;
    change_floor(max_pipes() + id, allotment.floor_time, allotment.rate, rate_bps, now);
    if (allotment.rate.limited() && allotment_queue(allotment) != kNoQueue) {
        join_floor(max_pipes() + id, allotment.floor_time, now);
    }
    return true;
}

bool Shaper::remove_allotment(uint32_t id, uint64_t now_ns) noexcept {
    return set_allotment(id, 0, now_ns);
}

void Shaper::set_link_rate(uint64_t bps, uint64_t now_ns) noexcept {
    if (bps == link_rate_bps_) {
        return;
    }
    const Ticks now = clock_.at(now_ns);
    const Pace link = Pace::of_bps(bps);
    const Pace control = Pace::of_bps(bps * settings_.control_share_percent / 100);
    link_time_ = std::max(link_time_, now - port_burst_);
    link_time_ = Pace::rescale(link_time_, now, link_, link);
    control_.time = std::max(control_.time, now - port_burst_);
    control_.time = Pace::rescale(control_.time, now, control_.pace, control);
    link_ = link;
    control_.pace = control;
    link_rate_bps_ = bps;
    for (Pipe& pipe : pipes_) {
        pipe.codel_target = codel_target(pipe.ceiling_bps);
    }
}

uint64_t Shaper::next_event_ns(uint64_t now_ns) noexcept {
    if (backlog_packets_ == 0) {
        return UINT64_MAX;
    }
    const Ticks now = clock_.at(now_ns);
    Ticks when = now;
    if (ready_pipes_ == 0 && control_.packets == 0) {
        when = std::max(when, wheel_.next_due());
    }
    when = std::max(when, link_time_);
    return std::max(now_ns, clock_.ns_at(when));
}

ClassSnapshot Shaper::class_stats(TrafficClass traffic_class) const {
    return snapshot_of(classes_[static_cast<std::size_t>(traffic_class)]);
}

ShareSnapshot Shaper::pipe_stats(uint32_t pipe) const {
    return pipe < pipes_.size() ? snapshot_of(pipes_[pipe].sent, pipes_[pipe].held) : ShareSnapshot{};
}

ShareSnapshot Shaper::allotment_stats(uint32_t allotment) const {
    return allotment < allotments_.size() ? snapshot_of(allotments_[allotment].sent, allotments_[allotment].held)
                                          : ShareSnapshot{};
}

} // namespace foregate::dataplane
