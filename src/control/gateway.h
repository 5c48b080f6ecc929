// SPDX-License-Identifier: BSD-3-Clause
// The running gateway: everything the control core owns, in the order of its start; it stops in reverse.
#pragma once

#include "control/access/access_events.h"
#include "control/capture/capture_desk.h"
#include "control/capture/trace_desk.h"
#include "control/commands/core_values.h"
#include "control/config/config.h"
#include "control/classify/catalogue_control.h"
#include "control/console/command_runner.h"
#include "control/console/control_queue.h"
#include "control/console/telnet_server.h"
#include "control/console/unix_server.h"
#include "control/destination/directory.h"
#include "control/destination/resolver.h"
#include "control/hold/connection_keeper.h"
#include "control/net/kernel_mirror.h"
#include "control/plan/plan_events.h"
#include "control/plan/plan_runner.h"
#include "control/publisher.h"
#include "control/run_lock.h"
#include "control/session/session_control.h"
#include "control/telemetry/event_log.h"
#include "control/telemetry/metrics.h"
#include "control/threat/threat_control.h"
#include "control/usage/usage_collector.h"
#include "control/warning/warning_desk.h"
#include "dataplane/dataplane.h"

#include <atomic>
#include <memory>
#include <string>

namespace foregate::control {

/// Constructed and run by the control thread. Throws std::runtime_error when something cannot be started.
class Gateway {
public:
    explicit Gateway(const Config& config);
    ~Gateway();
    Gateway(const Gateway&) = delete;
    Gateway& operator=(const Gateway&) = delete;

    /// Until SIGINT or SIGTERM (which the caller has blocked in all threads); returns the exit status.
    int run();
    void request_stop() noexcept { stop_ = true; }

    // What the console commands and metrics read; control thread only.
    const Config config;
    RunLock lock; ///< before anything of the host is touched
    ControlQueue queue;
    EventLog events;
    dataplane::Dataplane dataplane;
    Publisher publisher;
    KernelMirror kernel;
    DestinationDirectory directory;
    SessionControl sessions;
    AccessControl access;
    AccessEvents access_events;
    WarningDesk warnings;
    ThreatControl threats;
    CatalogueControl catalogue;
    AnalyticsClock clock;
    UsageStore store;
    UsageCollector usage;
    PlanRunner plan;
    ConnectionKeeper keeper;
    Resolver resolver;
    CaptureDesk captures;
    TraceDesk trace;
    CoreLook last_cores; ///< what `show cores` said last
    DropLook last_drops; ///< what `show drops` said last

    [[nodiscard]] std::int64_t epoch_s() const { return clock.epoch(std::chrono::system_clock::now()); }
    [[nodiscard]] std::string name_of(const IpAddress& server, std::uint16_t port) const {
        return directory.name_of(server, port);
    }
    /// A snapshot of flows or held connections of one desktop (0 = all), from every worker; waits for it.
    struct Snapshots {
        std::vector<dataplane::FlowView> flows;
        std::vector<dataplane::HeldView> held;
        bool truncated = false;
    };
    [[nodiscard]] Snapshots snapshot(std::uint32_t desktop, bool flows, bool held);
    /// What the owning worker's flow table and ledger say of the order's five-tuple; waits for it. Throws
    /// std::runtime_error when the worker takes no orders.
    void look_up(const dataplane::RehearsalOrder& order, dataplane::FlowLookup& into);
    /// Console order: one held connection for a desktop. The error says why not.
    [[nodiscard]] std::string open_held(const std::string& desktop, const std::string& destination);
    /// Ends the capture, if one runs; `why` as an event and the console say it.
    void stop_capture(const std::string& why);
    /// An event about a capture: it holds what desktops did.
    void note_capture(const char* change, const CaptureStatus& status);
    [[nodiscard]] std::chrono::steady_clock::time_point started_at() const noexcept { return started_at_; }

private:
    void tick();
    void take_report(unsigned worker, const dataplane::Report& report);
    void keep_connections(SteadyTime now);
    void mirror_flows();
    void post(const KeeperOrder& order);
    void publish_destinations();
    void ask_names(SteadyTime now);
    [[nodiscard]] PlanSurroundings surroundings();
    void wait_for_work();
    void lifecycle(const char* change);

    std::atomic<bool> stop_{false};
    std::chrono::steady_clock::time_point started_at_{};
    PlanEvents plan_events_{events};
    SteadyTime slow_tick_at_{};
    SteadyTime metrics_at_{};
    SteadyTime mirrored_at_{};
    std::uint64_t directory_published_ = 0;
    std::unique_ptr<CommandTable> commands_;
    std::unique_ptr<CommandRunner> runner_;
    std::unique_ptr<UnixServer> unix_server_;
    std::unique_ptr<TelnetServer> telnet_;
    std::unique_ptr<MetricsServer> metrics_;
};

} // namespace foregate::control
