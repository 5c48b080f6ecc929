// SPDX-License-Identifier: BSD-3-Clause
#include "wire_settings.h"

#include <cmath>
#include <stdexcept>

#include "json_line.h"
#include "options.h"

namespace foregate::lab {

namespace {

std::uint64_t milliseconds(const std::string& value, const std::string& key) {
    const double number = parse_number(value, key);
    if (number < 0 || number > 60'000) {
        throw std::invalid_argument(key + ": expected 0 to 60000 ms, got '" + value + "'");
    }
    return static_cast<std::uint64_t>(std::llround(number * 1e6));
}

double probability(const std::string& value, const std::string& key) {
    const double number = parse_number(value, key);
    if (number < 0 || number > 1) {
        throw std::invalid_argument(key + ": expected a probability 0 to 1, got '" + value + "'");
    }
    return number;
}

void apply_to(WireParameters& wire, const std::string& key, const std::string& value) {
    if (key == "delay-ms") {
        wire.delay_ns = milliseconds(value, key);
    } else if (key == "loss") {
        wire.loss = probability(value, key);
    } else if (key == "reorder") {
        wire.reorder = probability(value, key);
    } else if (key == "reorder-extra-ms") {
        wire.reorder_extra_ns = milliseconds(value, key);
    } else if (key == "rate") {
        wire.rate_bps = parse_scaled(value, key);
    } else if (key == "queue-bytes") {
        wire.queue_bytes = parse_scaled(value, key);
    } else if (key == "queue-ms") {
        wire.queue_ns = milliseconds(value, key);
    } else if (key == "cut") {
        if (value != "0" && value != "1") {
            throw std::invalid_argument("cut: expected 0 or 1, got '" + value + "'");
        }
        wire.cut = value == "1";
    } else {
        throw std::invalid_argument("unknown key '" + key + "'");
    }
}

} // namespace

void apply_setting(const std::string& setting, WireParameters& up, WireParameters& down) {
    const std::size_t equals = setting.find('=');
    if (equals == std::string::npos) {
        throw std::invalid_argument("expected KEY=VALUE, got '" + setting + "'");
    }
    std::string key = setting.substr(0, equals);
    const std::string value = setting.substr(equals + 1);
    const bool only_up = key.starts_with("up.");
    const bool only_down = key.starts_with("down.");
    if (only_up || only_down) {
        key = key.substr(key.find('.') + 1);
    }
    if (!only_down) {
        apply_to(up, key, value);
    }
    if (!only_up) {
        apply_to(down, key, value);
    }
}

std::string to_json(const WireParameters& wire) {
    return JsonLine()
        .add("delay_ms", static_cast<double>(wire.delay_ns) / 1e6)
        .add("loss", wire.loss)
        .add("reorder", wire.reorder)
        .add("reorder_extra_ms", static_cast<double>(wire.reorder_extra_ns) / 1e6)
        .add("rate_bps", wire.rate_bps)
        .add("queue_bytes", wire.queue_bytes)
        .add("queue_ms", static_cast<double>(wire.queue_ns) / 1e6)
        .add("cut", wire.cut)
        .str();
}

std::string to_json(const WireStatistics& s, std::uint64_t queued_bytes) {
    return JsonLine()
        .add("frames_in", s.frames_in)
        .add("bytes_in", s.bytes_in)
        .add("frames_out", s.frames_out)
        .add("bytes_out", s.bytes_out)
        .add("lost", s.lost)
        .add("cut", s.cut)
        .add("queue_full", s.queue_full)
        .add("reordered", s.reordered)
        .add("too_long", s.too_long)
        .add("send_failed", s.send_failed)
        .add("socket_dropped", s.socket_dropped)
        .add("queued_bytes", queued_bytes)
        .add("queue_max_bytes", s.queue_max_bytes)
        .add("late_max_us", static_cast<double>(s.late_max_ns) / 1e3)
        .add("late_over_1ms", s.late_over_1ms)
        .str();
}

} // namespace foregate::lab
