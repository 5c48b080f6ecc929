// SPDX-License-Identifier: BSD-3-Clause
#include "control/telemetry/gateway_metrics.h"

#include "control/gateway.h"

#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace foregate::control {

namespace {

using Labels = std::vector<std::pair<std::string, std::string>>;

class Samples {
public:
    template <typename Number>
    void counter(std::string_view name, std::string_view help, Number value, Labels labels = {}) {
        add(name, help, MetricKind::counter, static_cast<double>(value), std::move(labels));
    }
    template <typename Number>
    void gauge(std::string_view name, std::string_view help, Number value, Labels labels = {}) {
        add(name, help, MetricKind::gauge, static_cast<double>(value), std::move(labels));
    }
    void counters(const char* name, const char* help, const char* label,
                  const std::map<std::string, std::uint64_t>& by_label) {
        for (const auto& [key, value] : by_label) {
            counter(name, help, value, {{label, key}});
        }
    }
    void histogram(const char* name, const char* help, HistogramValue value, Labels labels) {
        add(name, help, MetricKind::histogram, 0, std::move(labels));
        samples_.back().histogram = std::move(value);
    }
    std::vector<MetricSample> take() { return std::move(samples_); }

private:
    void add(std::string_view name, std::string_view help, MetricKind kind, double value,
             Labels labels) {
        MetricSample sample;
        sample.name = name;
        sample.help = help;
        sample.kind = kind;
        sample.labels = std::move(labels);
        sample.value = value;
        samples_.push_back(std::move(sample));
    }
    std::vector<MetricSample> samples_;
};

void add_ports(Samples& out, const Gateway& gateway) {
    for (const dataplane::PortView& port : gateway.dataplane.ports()) {
        const Labels labels{{"port", port.name}};
        out.gauge("foregate_port_link_up", "1 while the port has link", port.link_up ? 1 : 0,
                  labels);
        out.counter("foregate_port_rx_packets_total", "packets received", port.rx_packets, labels);
        out.counter("foregate_port_rx_bytes_total", "bytes received", port.rx_bytes, labels);
        out.counter("foregate_port_rx_missed_total",
                    "packets the port dropped since nobody took them in time", port.rx_missed,
                    labels);
        out.counter("foregate_port_rx_nombuf_total",
                    "packets the port dropped for lack of a packet buffer", port.rx_no_buffer,
                    labels);
        out.counter("foregate_port_tx_packets_total", "packets sent", port.tx_packets, labels);
        out.counter("foregate_port_tx_bytes_total", "bytes sent", port.tx_bytes, labels);
        out.counter("foregate_port_tx_errors_total", "packets the port could not send",
                    port.tx_errors, labels);
    }
    out.gauge("foregate_packet_buffers_free", "packet buffers that nobody holds",
              gateway.dataplane.free_packet_buffers());
}

void add_queues(Samples& out, const Gateway& gateway) {
    const auto& ports = gateway.dataplane.settings().ports;
    for (std::uint16_t port = 0; port < ports.size(); ++port) {
        const dataplane::Shaper* shaper = gateway.dataplane.shaper(port);
        for (std::size_t i = 0; shaper != nullptr && i < dataplane::kTrafficClasses; ++i) {
            const auto queue = shaper->class_stats(static_cast<dataplane::TrafficClass>(i));
            const Labels labels{{"port", ports[port].name},
                                {"traffic_class", std::string(dataplane::kTrafficClassNames[i])}};
            out.counter("foregate_queue_sent_bytes_total", "bytes the scheduler let go",
                        queue.bytes_sent, labels);
            out.gauge("foregate_queue_backlog_bytes", "bytes that wait in the scheduler",
                      queue.backlog_bytes, labels);
            for (std::size_t d = 1; d < dataplane::kShapeDrops; ++d) { // 0 is "none"
                Labels with_reason = labels;
                with_reason.emplace_back("reason", std::string(dataplane::kShapeDropNames[d]));
                out.counter("foregate_queue_dropped_packets_total",
                            "packets the scheduler gave up or refused", queue.dropped[d],
                            std::move(with_reason));
            }
            out.histogram(
                "foregate_queue_delay_seconds",
                "time that packets stood in the scheduler; the sum is estimated from the buckets",
                delay_histogram(queue.delay), labels);
        }
    }
}

void add_cores(Samples& out, const Gateway& gateway) {
    // There is one gateway in a process, and this is what was seen of its cores the last time.
    static std::map<std::string, BusyRatio> seen;
    for (const dataplane::CoreView& core : gateway.dataplane.cores()) {
        if (core.busy_ns + core.idle_ns == 0) {
            continue; // the control core is not measured
        }
        const std::string cpu = std::to_string(core.cpu);
        const Labels labels{{"core", cpu}};
        if (const auto ratio = seen[cpu].look(core.busy_ns + core.idle_ns, core.idle_ns)) {
            out.gauge("foregate_core_busy_ratio",
                      "share of the time that the polling loop's busy turns took", *ratio, labels);
        }
        if (core.worker < 0) {
            continue;
        }
        out.counter("foregate_core_bursts_total", "bursts that went through the worker's stages",
                    core.bursts, labels);
        out.counter("foregate_stage_measured_packets_total",
                    "packets of the bursts whose cycles were measured, one burst in sixteen",
                    core.stages.packets, labels);
        for (std::size_t stage = 0; stage < dataplane::kStages; ++stage) {
            Labels with_stage = labels;
            with_stage.emplace_back("stage", std::string(dataplane::kStageNames[stage].name));
            out.counter("foregate_stage_cycles_total",
                        "cycles that a stage took for the measured packets",
                        core.stages.cycles[stage], std::move(with_stage));
        }
        out.gauge("foregate_core_flows", "live flows in the core's table", core.flows, labels);
        out.counter("foregate_core_received_packets_total", "packets from the core's receive queues", core.received,
                    labels);
        const char* const redirected = "foregate_core_redirected_packets_total";
        const char* const help = "packets handed to the worker that owns their flow, by the giver and the taker";
        out.counter(redirected, help, core.redirected_out, {{"core", cpu}, {"direction", "out"}});
        out.counter(redirected, help, core.redirected_in, {{"core", cpu}, {"direction", "in"}});
    }
}

void add_counters(Samples& out, const Gateway& gateway) {
    using dataplane::Counter;
    const auto add = [&](const char* name, Counter counter) {
        out.counter(name, dataplane::kCounterNames[static_cast<std::size_t>(counter)].help,
                    gateway.dataplane.read(counter));
    };
    add("foregate_packets_received_total", Counter::received);
    add("foregate_packets_forwarded_total", Counter::forwarded);
    add("foregate_packets_to_kernel_total", Counter::to_kernel);
    add("foregate_packets_redirected_total", Counter::redirected);
    add("foregate_primary_frames_total", Counter::primary_forwarded);
    add("foregate_flows_created_total", Counter::flows_created);
    add("foregate_flows_expired_total", Counter::flows_expired);
    add("foregate_splices_total", Counter::splices);
    add("foregate_splices_taken_over_total", Counter::splices_taken_over);
    add("foregate_splices_left_behind_total", Counter::splices_left_behind);
    add("foregate_splices_replayed_total", Counter::splices_replayed);
    add("foregate_late_answers_total", Counter::late_answers);
    add("foregate_resets_sent_total", Counter::resets_sent);
    add("foregate_dns_answers_total", Counter::dns_answers);
    add("foregate_reports_lost_total", Counter::reports_lost);
    add("foregate_usage_overflow_total", Counter::usage_overflow);
    for (std::size_t i = 0; i < dataplane::kDropReasons; ++i) {
        out.counter("foregate_dropped_packets_total", "packets that ended here, by reason",
                    gateway.dataplane.read(static_cast<dataplane::DropReason>(i)),
                    {{"reason", std::string(dataplane::kDropReasonNames[i].name)}});
    }
}

void add_sessions(Samples& out, const Gateway& gateway) {
    unsigned active = 0, cut = 0, without = 0;
    for (const ClassCount& count : gateway.sessions.table().counts()) {
        active += count.active;
        cut += count.cut;
        without += count.desktops - count.active - count.cut;
    }
    for (const auto& [state, count] :
         {std::pair{"active", active}, {"cut", cut}, {"none", without}}) {
        out.gauge("foregate_sessions", "known desktops by the state of their session", count,
                  {{"state", state}});
    }
    std::uint64_t logins = 0, logouts = 0, restores = 0;
    std::map<std::string, std::uint64_t> cuts;
    for (const CutReason reason :
         {CutReason::inactivity, CutReason::suspension, CutReason::server_activity,
          CutReason::suspicion, CutReason::expected_usage, CutReason::operator_order}) {
        cuts[cut_reason_name(reason)] = 0;
    }
    for (const auto& [kind, count] : gateway.sessions.changes()) {
        if (kind.starts_with("cut:")) {
            cuts[kind.substr(4)] = count;
        } else {
            (kind == "login" ? logins : kind == "logout" ? logouts : restores) += count;
        }
    }
    out.counter("foregate_session_creates_total", "sessions opened", logins);
    out.counter("foregate_session_ends_total", "sessions ended by a logout", logouts);
    out.counters("foregate_secondary_cut_total", "secondary interfaces cut", "reason", cuts);
    out.counter("foregate_secondary_restore_total", "secondary interfaces brought back", restores);
}

void add_held(Samples& out, const Gateway& gateway, SteadyTime now) {
    struct Now {
        std::uint64_t wanted = 0, dialing = 0, held = 0, spliced = 0;
    };
    std::map<std::string, Now> by_class;
    for (const ClassConfig& usage_class : gateway.config.classes) {
        by_class[usage_class.name];
    }
    for (const DestinationHold& hold : gateway.keeper.holds(now)) {
        Now& sum = by_class[hold.usage_class];
        sum.wanted += hold.wanted;
        sum.dialing += hold.dialing;
        sum.held += hold.held;
        sum.spliced += hold.spliced;
    }
    for (const auto& [usage_class, sum] : by_class) {
        for (const auto& [state, count] :
             {std::pair{"dialing", sum.dialing}, {"held", sum.held}, {"spliced", sum.spliced}}) {
            out.gauge("foregate_shadow_preconnects", "held connections, monitoring ones included",
                      count, {{"class", usage_class}, {"state", state}});
        }
        out.gauge("foregate_shadow_preconnects_wanted", "held connections that the plan asks for",
                  sum.wanted, {{"class", usage_class}});
    }
    const HoldTotals& totals = gateway.keeper.totals();
    out.counter("foregate_preconnect_dialed_total", "held connections begun", totals.dialed);
    out.counter("foregate_preconnect_opened_total", "held connections established upstream",
                totals.opened);
    out.counter("foregate_preconnect_used_total",
                "held connections that a desktop was spliced onto", totals.used);
    out.counter("foregate_preconnect_moved_total",
                "held connections closed since the name has another address", totals.moved);
    out.counters("foregate_preconnect_expired_total", "held connections gone unused", "reason",
                 totals.closed);
    out.counters("foregate_preconnect_failed_total", "dials that failed", "reason", totals.failed);
    out.counters("foregate_splice_fallback_total",
                 "desktop connections that did not fit the held one", "reason", totals.fallbacks);
}

void add_plan(Samples& out, const Gateway& gateway) {
    const std::int64_t now = gateway.epoch_s();
    std::map<std::pair<std::string, Direction>, double> rates;
    for (const ClassConfig& usage_class : gateway.config.classes) {
        rates[{usage_class.name, Direction::up}] = 0;
        rates[{usage_class.name, Direction::down}] = 0;
    }
    std::uint64_t in_force = 0;
    for (const Allotment& allotment : gateway.plan.plan().allotments) {
        if (allotment.from <= now && now < allotment.until) {
            rates[{allotment.usage_class, allotment.direction}] +=
                static_cast<double>(allotment.rate_bps) / 8;
            ++in_force;
        }
    }
    for (const auto& [key, rate] : rates) {
        out.gauge("foregate_allotment_bytes_per_second", "bandwidth allotted now", rate,
                  {{"class", key.first}, {"direction", direction_name(key.second)}});
    }
    out.gauge("foregate_allotments", "allotments in force", in_force);
    out.gauge("foregate_plan_enabled", "1 while the forecast is used",
              gateway.plan.enabled() ? 1 : 0);
    std::map<std::string, std::uint64_t> skipped;
    for (const SkippedTarget& target : gateway.plan.plan().skipped) {
        ++skipped[skip_reason_name(target.reason)];
    }
    for (const auto& [reason, count] : skipped) {
        out.gauge("foregate_preconnect_skipped",
                  "expected destinations of the plan in force that nothing is held to", count,
                  {{"reason", reason}});
    }
    out.counter("foregate_forecast_runs_total", "forecasts made", gateway.plan.forecasts_made());
    out.gauge("foregate_forecast_duration_seconds", "how long the last forecast took",
              std::chrono::duration<double>(gateway.plan.forecast_took()).count());
    if (const ForecastSet* forecasts = gateway.plan.forecasts()) {
        out.gauge("foregate_forecast_series", "series in the last forecast",
                  forecasts->series.size());
        out.gauge("foregate_forecast_age_seconds",
                  "age of the last forecast on the analytics clock", now - forecasts->made_at);
    }
}

void add_threats(Samples& out, const Gateway& gateway) {
    const WarningDesk::Totals& totals = gateway.warnings.totals();
    std::map<std::string, std::uint64_t> by_feed = totals.by_feed;
    for (std::size_t i = 0; i < gateway.threats.feeds().size(); ++i) {
        const FeedStatus& feed = gateway.threats.feeds()[i];
        by_feed.try_emplace(feed.name, 0);
        const Labels labels{{"feed", feed.name}};
        out.gauge("foregate_feed_entries", "entries of the feed in force", feed.in_force, labels);
        out.gauge("foregate_feed_rejected_entries", "entries of the feed that were not taken",
                  feed.report.rejected + feed.report.refused, labels);
        out.gauge("foregate_feed_unmatched_entries",
                  "entries of the feed that are kept but not matched yet", feed.report.unmatched,
                  labels);
        out.gauge("foregate_feed_fresh",
                  "1 while the feed's file is in force as it is, 0 while an older version is",
                  feed.state == FeedState::fresh ? 1 : 0, labels);
    }
    out.counters("foregate_threat_matches_total", "flows and questions that a threat list matched",
                 "feed", by_feed);
    out.counter("foregate_threat_blocked_total", "matches that were blocked",
                totals.threats_blocked);
    out.counters("foregate_threat_found_total", "matches by where they were found", "where",
                 totals.by_where);
    out.counter("foregate_deviations_total", "connections far outside their class's pattern",
                totals.deviations - totals.deviations_blocked, {{"action", "note"}});
    out.counter("foregate_deviations_total", "connections far outside their class's pattern",
                totals.deviations_blocked, {{"action", "block"}});
    out.counter("foregate_access_denied_total", "connections and questions stopped by an access list",
                gateway.dataplane.read(dataplane::Counter::access_denied));
    out.counter("foregate_threat_loads_total", "threat lists put in force",
                gateway.threats.loads());
    out.gauge("foregate_threat_load_duration_seconds", "how long the last load took",
              std::chrono::duration<double>(gateway.threats.load_took()).count());
}

void add_records(Samples& out, const Gateway& gateway) {
    out.counter("foregate_events_written_total", "event lines written",
                gateway.events.written_total());
    out.counter("foregate_events_suppressed_total", "events over their type's limit",
                gateway.events.suppressed_total());
    out.counter("foregate_events_write_errors_total", "event lines that could not be written",
                gateway.events.write_errors_total());
    const StoreStatus& store = gateway.store.status();
    out.gauge("foregate_usage_store_writable", "1 while usage records reach the disk",
              store.writable ? 1 : 0);
    out.gauge("foregate_usage_store_pending_buckets",
              "buckets kept in memory until the disk takes them", store.pending_buckets);
    out.counter("foregate_usage_store_failed_commits_total", "commits that failed",
                store.failed_commits);
    out.counter("foregate_usage_store_lost_buckets_total", "buckets given up", store.lost_buckets);
    out.counter("foregate_usage_folded_rows_total",
                "rows that too few desktops contributed to keep their name",
                gateway.usage.folded_rows());
    out.counter("foregate_usage_dropped_rows_total",
                "rows of too few desktops even as part of all classes",
                gateway.usage.dropped_rows());
    const auto capture = gateway.captures.status();
    out.gauge("foregate_capture_running", "1 while an operator's capture runs",
              gateway.captures.running() ? 1 : 0);
    out.gauge("foregate_capture_lost_packets",
              "packets of the capture that runs, or of the last one, that found no room on the way to the file",
              capture ? capture->lost : 0);
    out.gauge("foregate_known_names", "names whose addresses are known", gateway.directory.size());
    out.gauge("foregate_kernel_routes", "routes read from the kernel",
              gateway.kernel.route_count());
    out.gauge("foregate_kernel_neighbours", "neighbours read from the kernel",
              gateway.kernel.neighbour_count());
    out.counter("foregate_kernel_overruns_total",
                "times the kernel's news came too fast and all was read anew",
                gateway.kernel.overruns());
}

} // namespace

std::optional<double> BusyRatio::look(std::uint64_t all_now, std::uint64_t idle_now) noexcept {
    const bool first = !std::exchange(looked_, true);
    const std::uint64_t all = all_now - std::exchange(all_, all_now);
    const std::uint64_t idle = idle_now - std::exchange(idle_, idle_now);
    if (first || all == 0) {
        return std::nullopt;
    }
    // The two counters need not be of the same moment.
    return idle >= all ? 0.0 : static_cast<double>(all - idle) / static_cast<double>(all);
}

HistogramValue delay_histogram(const dataplane::DelayCounts& counts) {
    HistogramValue out;
    double upper_us = 1;
    for (std::size_t i = 0; i < counts.size(); ++i, upper_us *= 2) {
        out.count += counts[i];
        const double middle_us = i == 0 ? 0.5 : upper_us * 0.75;
        out.sum += static_cast<double>(counts[i]) * middle_us / 1e6;
        const bool last = i + 1 == counts.size();
        out.buckets.push_back(
            {last ? std::numeric_limits<double>::infinity() : upper_us / 1e6, out.count});
    }
    return out;
}

std::vector<MetricSample> gather_metrics(Gateway& gateway) {
    const auto now = std::chrono::steady_clock::now();
    Samples out;
    out.gauge("foregate_uptime_seconds", "time since the gateway was started",
              std::chrono::duration<double>(now - gateway.started_at()).count());
    add_ports(out, gateway);
    add_queues(out, gateway);
    add_cores(out, gateway);
    add_counters(out, gateway);
    add_sessions(out, gateway);
    add_held(out, gateway, now);
    add_plan(out, gateway);
    add_threats(out, gateway);
    add_records(out, gateway);
    return out.take();
}

} // namespace foregate::control
