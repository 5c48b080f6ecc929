// SPDX-License-Identifier: BSD-3-Clause
#include "wire_direction.h"

#include <algorithm>

namespace foregate::lab {

WireDirection::WireDirection(WireParameters parameters, std::uint64_t seed)
    : parameters_(parameters), random_(seed) {}

bool WireDirection::happens(double probability) {
    if (probability <= 0) {
        return false;
    }
    return std::uniform_real_distribution<double>(0.0, 1.0)(random_) < probability;
}

std::int64_t WireDirection::departure_ns(const Waiting& frame) const {
    const std::int64_t start = std::max(frame.arrival_ns, link_free_ns_);
    if (parameters_.rate_bps == 0) {
        return start;
    }
    const double seconds =
        static_cast<double>(frame.bytes) * 8 / static_cast<double>(parameters_.rate_bps);
    return start + static_cast<std::int64_t>(seconds * 1e9);
}

std::uint64_t WireDirection::queue_limit_bytes() const {
    if (parameters_.queue_bytes != 0) {
        return parameters_.queue_bytes;
    }
    const double bytes = static_cast<double>(parameters_.rate_bps) / 8 *
                         static_cast<double>(parameters_.queue_ns) / 1e9;
    return std::max<std::uint64_t>(static_cast<std::uint64_t>(bytes), 2 * 1514);
}

bool WireDirection::offer(std::uint32_t slot, std::uint32_t bytes, std::int64_t arrival_ns) {
    statistics.frames_in += 1;
    statistics.bytes_in += bytes;
    last_arrival_ns_ = std::max(last_arrival_ns_, arrival_ns);
    if (parameters_.cut) {
        statistics.cut += 1;
        return false;
    }
    if (happens(parameters_.loss)) {
        statistics.lost += 1;
        return false;
    }
    advance(last_arrival_ns_);
    if (parameters_.rate_bps == 0) {
        propagate(slot, bytes, std::max(last_arrival_ns_, link_free_ns_));
        return true;
    }
    if (queued_bytes_ + bytes > queue_limit_bytes()) {
        statistics.queue_full += 1;
        return false;
    }
    queue_.push_back({slot, bytes, last_arrival_ns_});
    queued_bytes_ += bytes;
    statistics.queue_max_bytes = std::max(statistics.queue_max_bytes, queued_bytes_);
    return true;
}

void WireDirection::advance(std::int64_t now_ns) {
    while (!queue_.empty()) {
        const Waiting head = queue_.front();
        const std::int64_t departure = departure_ns(head);
        if (departure > now_ns) {
            return;
        }
        queue_.pop_front();
        queued_bytes_ -= head.bytes;
        link_free_ns_ = departure;
        propagate(head.slot, head.bytes, departure);
    }
}

void WireDirection::propagate(std::uint32_t slot, std::uint32_t bytes, std::int64_t departure) {
    std::int64_t due = departure + static_cast<std::int64_t>(parameters_.delay_ns);
    if (happens(parameters_.reorder)) {
        statistics.reordered += 1;
        due += static_cast<std::int64_t>(parameters_.reorder_extra_ns);
    } else {
        due = std::max(due, last_in_order_due_ns_);
        last_in_order_due_ns_ = due;
    }
    flying_.push({due, order_++, slot, bytes});
}

std::optional<WireFrame> WireDirection::take_due(std::int64_t now_ns) {
    advance(now_ns);
    if (flying_.empty() || flying_.top().due_ns > now_ns) {
        return std::nullopt;
    }
    const WireFrame frame = flying_.top();
    flying_.pop();
    statistics.frames_out += 1;
    statistics.bytes_out += frame.bytes;
    const std::uint64_t late = static_cast<std::uint64_t>(now_ns - frame.due_ns);
    statistics.late_max_ns = std::max(statistics.late_max_ns, late);
    statistics.late_over_1ms += late > 1'000'000 ? 1 : 0;
    return frame;
}

std::optional<std::int64_t> WireDirection::next_due_ns() const {
    std::optional<std::int64_t> due;
    if (!flying_.empty()) {
        due = flying_.top().due_ns;
    }
    if (!queue_.empty()) {
        const std::int64_t from_queue =
            departure_ns(queue_.front()) + static_cast<std::int64_t>(parameters_.delay_ns);
        due = std::min(due.value_or(from_queue), from_queue);
    }
    return due;
}

void WireDirection::set_parameters(const WireParameters& parameters, std::int64_t now_ns) {
    advance(now_ns);
    parameters_ = parameters;
    if (parameters_.rate_bps == 0) {
        link_free_ns_ = std::min(link_free_ns_, now_ns);
    }
    advance(now_ns);
}

} // namespace foregate::lab
