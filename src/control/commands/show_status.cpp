// SPDX-License-Identifier: BSD-3-Clause
// show status, version
#include "control/commands/show.h"
#include "control/commands/values.h"
#include "control/gateway.h"

namespace foregate::control {

namespace {

Json session_totals(const Gateway& gateway) {
    unsigned desktops = 0, active = 0, cut = 0;
    for (const ClassCount& count : gateway.sessions.table().counts()) {
        desktops += count.desktops;
        active += count.active;
        cut += count.cut;
    }
    return {{"desktops", desktops}, {"active", active}, {"cut", cut}};
}

Json held_totals(const Gateway& gateway, SteadyTime now) {
    std::uint64_t dialing = 0, held = 0, spliced = 0;
    for (const DestinationHold& hold : gateway.keeper.holds(now)) {
        dialing += hold.dialing;
        held += hold.held;
        spliced += hold.spliced;
    }
    return {{"dialing", dialing},
            {"held", held},
            {"spliced", spliced},
            {"opened_total", gateway.keeper.totals().opened},
            {"used_total", gateway.keeper.totals().used}};
}

Json plan_totals(const Gateway& gateway) {
    const std::int64_t now = gateway.epoch_s();
    std::uint64_t in_force = 0, up_bps = 0, down_bps = 0;
    for (const Allotment& allotment : gateway.plan.plan().allotments) {
        if (allotment.from <= now && now < allotment.until) {
            ++in_force;
            (allotment.direction == Direction::up ? up_bps : down_bps) += allotment.rate_bps;
        }
    }
    const ForecastSet* forecasts = gateway.plan.forecasts();
    const std::string& error = gateway.plan.last_error();
    return {
        {"enabled", gateway.plan.enabled()},
        {"allotments", in_force},
        {"allotted_up_bps", up_bps},
        {"allotted_down_bps", down_bps},
        {"targets", gateway.plan.plan().targets.size()},
        {"forecasts_made", gateway.plan.forecasts_made()},
        {"forecast_series", forecasts != nullptr ? forecasts->series.size() : 0},
        {"forecast_age_s", forecasts != nullptr ? Json(now - forecasts->made_at) : Json(nullptr)},
        {"forecast_took_ms", gateway.plan.forecast_took().count()},
        {"last_error", error.empty() ? Json(nullptr) : Json(error)}};
}

} // namespace

CommandResult show_status(Gateway& gateway, const CommandArgs&) {
    const SteadyTime now = std::chrono::steady_clock::now();
    std::uint64_t drops = 0;
    for (std::size_t i = 0; i < dataplane::kDropReasons; ++i) {
        drops += gateway.dataplane.read(static_cast<dataplane::DropReason>(i));
    }
    const WarningDesk::Totals& warned = gateway.warnings.totals();
    Json value;
    value["version"] = FOREGATE_VERSION;
    value["uptime_s"] = seconds_since(gateway.started_at(), now);
    value["clock"] = local_time(gateway.epoch_s(), gateway.clock.zone());
    value["sessions"] = session_totals(gateway);
    value["held"] = held_totals(gateway, now);
    value["plan"] = plan_totals(gateway);
    value["threats"] = {
        {"names",
         gateway.threats.tables() != nullptr ? gateway.threats.tables()->db.name_count() : 0},
        {"prefixes",
         gateway.threats.tables() != nullptr ? gateway.threats.tables()->db.prefix_count() : 0},
        {"matches", warned.threats},
        {"blocked", warned.threats_blocked},
        {"deviations", warned.deviations},
        {"deviations_blocked", warned.deviations_blocked}};
    value["traffic"] = {
        {"received_packets", gateway.dataplane.read(dataplane::Counter::received)},
        {"forwarded_packets", gateway.dataplane.read(dataplane::Counter::forwarded)},
        {"primary_frames", gateway.dataplane.read(dataplane::Counter::primary_forwarded)},
        {"dropped_packets", drops},
        {"free_packet_buffers", gateway.dataplane.free_packet_buffers()}};
    value["kernel"] = {{"routes", gateway.kernel.route_count()},
                       {"neighbours", gateway.kernel.neighbour_count()},
                       {"overruns", gateway.kernel.overruns()}};
    value["usage_store"] = gateway.store.status().writable ? "writable" : "not writable";
    value["events_written"] = gateway.events.written_total();
    return CommandResult::success(std::move(value));
}

CommandResult show_version(Gateway& gateway, const CommandArgs&) {
    Json value;
    value["version"] = FOREGATE_VERSION;
    value["config"] = gateway.config.source.string();
    value["workers"] = gateway.dataplane.worker_count();
    value["generation"] = gateway.dataplane.published().number;
    value["hugepages"] = gateway.dataplane.settings().hugepages;
    value["dpdk_file_prefix"] = gateway.dataplane.settings().file_prefix;
    value["dpdk_dumpcap"] = gateway.dataplane.dump_ready();
    return CommandResult::success(std::move(value));
}

} // namespace foregate::control
