// SPDX-License-Identifier: BSD-3-Clause
// Looking into the data plane: show cores, show drops, capture.
#include "control/capture/capture_words.h"
#include "control/commands/core_values.h"
#include "control/commands/show.h"
#include "control/gateway.h"

#include <algorithm>
#include <stdexcept>

namespace foregate::control {

namespace {

Json utc_text(std::chrono::system_clock::time_point time) {
    return time == std::chrono::system_clock::time_point{} ? Json(nullptr) : Json(event_timestamp(time));
}

Json capture_value(const CaptureStatus& status) {
    Json value;
    value["state"] = status.phase == CaptureStatus::Phase::running ? "running" : "ended";
    value["file"] = status.file;
    value["files"] = status.files;
    value["filter"] = status.filter.empty() ? Json(nullptr) : Json(status.filter);
    value["packets"] = status.packets;
    value["bytes"] = status.bytes;
    value["matched_packets"] = status.matched;
    value["lost_packets"] = status.lost;
    value["began"] = utc_text(status.began);
    value["ended"] = utc_text(status.ended);
    value["ended_by"] = status.ended_by.empty() ? Json(nullptr) : Json(status.ended_by);
    return value;
}

/// Throws std::invalid_argument for a port that is none.
std::uint64_t port_bits(const std::vector<PortConfig>& ports, const std::vector<std::string>& names) {
    if (names.empty()) {
        return ~0ULL;
    }
    std::uint64_t bits = 0;
    for (const std::string& name : names) {
        const auto at = std::find_if(ports.begin(), ports.end(), [&](const PortConfig& p) { return p.name == name; });
        const auto number = static_cast<std::size_t>(at - ports.begin());
        if (at == ports.end() || number >= dataplane::kCapturePorts) {
            throw std::invalid_argument("no port is called " + name + "; show ports lists them");
        }
        bits |= 1ULL << number;
    }
    return bits;
}

/// What one file may grow to: what was asked for, within what the config grants to all files together.
std::uint64_t file_bytes(const CaptureWords& words, std::uint64_t most) {
    constexpr std::uint64_t kUsual = 100'000'000;
    const std::uint64_t share = most / words.files;
    const std::uint64_t size = words.size_bytes.value_or(std::min(kUsual, share));
    if (size > share) {
        throw std::invalid_argument("size: " + std::to_string(words.files) + " files of " + std::to_string(size) +
                                    " bytes are more than captures: max-size, " + std::to_string(most) + " bytes");
    }
    return size;
}

CaptureOrder order_of(const Gateway& gateway, const CaptureWords& words) {
    constexpr std::uint32_t kWholeFrame = 65535;
    CaptureOrder order;
    auto rule = std::make_shared<dataplane::CaptureRule>();
    rule->filter = dataplane::PacketFilter(words.filter);
    rule->ports = port_bits(gateway.config.ports, words.ports);
    rule->in = words.in;
    rule->out = words.out;
    rule->snap_bytes = words.snap_bytes.value_or(kWholeFrame);
    order.files.name = words.file;
    order.files.size_bytes = file_bytes(words, gateway.config.captures.max_bytes);
    order.files.files = words.files;
    order.files.filter = words.filter;
    order.files.snap_bytes = rule->snap_bytes;
    for (const PortConfig& port : gateway.config.ports) {
        order.files.interfaces.push_back({port.name, port.device});
    }
    order.rule = std::move(rule);
    order.packets = words.packets;
    return order;
}

} // namespace

CommandResult show_cores(Gateway& gateway, const CommandArgs&) {
    CoreLook now{std::chrono::steady_clock::now(), gateway.dataplane.cores()};
    Json value = cores_value(now, gateway.last_cores);
    gateway.last_cores = std::move(now);
    return CommandResult::success(std::move(value));
}

CommandResult show_drops(Gateway& gateway, const CommandArgs&) {
    DropLook now{std::chrono::steady_clock::now(), gateway.dataplane.drops_by_core()};
    Json rows = drop_rows(now, gateway.last_drops);
    gateway.last_drops = std::move(now);
    return CommandResult::success(std::move(rows));
}

CommandResult show_capture(Gateway& gateway, const CommandArgs&) {
    const auto status = gateway.captures.status();
    Json value = status ? capture_value(*status) : Json{{"state", "none"}};
    value["folder"] = gateway.captures.folder().string();
    return CommandResult::success(std::move(value));
}

CommandResult capture_start(Gateway& gateway, const CommandArgs& args) {
    try {
        CaptureOrder order = order_of(gateway, parse_capture_words(args.words));
        gateway.captures.start(std::move(order), gateway.dataplane.capture_points(),
                               [&gateway] { return gateway.dataplane.now_ns(); });
    } catch (const std::exception& problem) {
        return CommandResult::failure(std::string("capture start: ") + problem.what());
    }
    gateway.note_capture("started", *gateway.captures.status());
    return show_capture(gateway, {});
}

CommandResult capture_stop(Gateway& gateway, const CommandArgs&) {
    if (!gateway.captures.running()) {
        return CommandResult::failure("no capture is running");
    }
    gateway.stop_capture("order");
    return show_capture(gateway, {});
}

} // namespace foregate::control
