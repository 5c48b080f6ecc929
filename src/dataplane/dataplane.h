// SPDX-License-Identifier: BSD-3-Clause
// The data plane's only door for the control plane: start, stop, publish, post, read.
#pragma once

#include "dataplane/counters.h"
#include "dataplane/generation.h"
#include "dataplane/messages.h"
#include "dataplane/rehearsed.h"
#include "dataplane/settings.h"
#include "dataplane/shape/shape_stats.h"
#include "dataplane/stage_cycles.h"
#include "dataplane/usage/usage_cells.h"
#include "dataplane/watch/capture_point.h"
#include "dataplane/worker/transmit_stage.h"

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace foregate::dataplane {

struct PortView {
    std::string name, device, driver, twin;
    PortKind kind = PortKind::desktop;
    unsigned twin_index = 0; ///< kernel interface number; 0 = no twin
    MacAddress mac{};
    std::uint64_t rate_bps = 0;
    std::uint64_t rx_packets = 0, rx_bytes = 0, rx_missed = 0, rx_no_buffer = 0;
    std::uint64_t tx_packets = 0, tx_bytes = 0, tx_errors = 0;
    bool link_up = false;
    unsigned rx_queues = 1;
    bool symmetric_rss = false;
    std::string spread; ///< how its packets come to the workers, for people
};

struct CoreView {
    std::string role;
    unsigned cpu = 0;
    std::uint64_t turns = 0, idle_turns = 0;
    std::uint32_t flows = 0;
    // Of a worker; the differences between workers are the imbalance.
    std::uint64_t received = 0;       ///< from its queues of the routed ports
    std::uint64_t redirected_out = 0; ///< of these, handed to the worker that owns their flow
    std::uint64_t redirected_in = 0;  ///< handed to it by others
    int worker = -1;                        ///< its number; -1: none here
    std::uint64_t busy_ns = 0, idle_ns = 0; ///< 0 both: not measured (the control core)
    std::uint64_t bursts = 0;
    StageSums stages;                       ///< of its measured bursts

    /// Packets that went through its flow table.
    [[nodiscard]] std::uint64_t handled() const noexcept { return received - redirected_out + redirected_in; }
};

/// What one writer of counters has dropped.
struct DropView {
    std::string core; ///< "worker 0", "shaper of upstream", "twins"
    std::array<std::uint64_t, kDropReasons> counts{};
};

/// Sums of one desktop over all workers.
struct DesktopView {
    std::uint64_t bytes_up = 0, bytes_down = 0, packets_up = 0, packets_down = 0;
    std::uint64_t connections = 0, blocked = 0;
    std::uint64_t last_activity_ms = 0; ///< of now_ms()'s clock; 0 = never
};

/// Every member is called by the control core (the thread that constructed it) unless it says otherwise.
class Dataplane {
public:
    /// Starts DPDK, creates ports, twins, pools, workers; nothing runs yet. Throws std::runtime_error.
    explicit Dataplane(const Settings& settings);
    ~Dataplane();
    Dataplane(const Dataplane&) = delete;
    Dataplane& operator=(const Dataplane&) = delete;

    /// Polling begins; stop() ends it and waits for the cores.
    void start();
    void stop();
    /// Why what the process before left of its splices could not be read; empty when it could, or there was nothing.
    [[nodiscard]] const std::string& splices_not_read() const noexcept;

    /// Takes effect for each worker at its next turn. Parts that are left null keep what they were.
    void publish(std::unique_ptr<Generation> next);
    [[nodiscard]] const Generation& published() const noexcept;
    /// Frees retired generations; call it each tick.
    void reclaim();

    /// False when the mailbox is full: try again next tick.
    [[nodiscard]] bool post(unsigned worker, const Order& order);
    [[nodiscard]] bool post_shaper(std::uint16_t port, const ShaperOrder& order);
    /// Takes waiting reports, at most `limit` of each worker.
    template <typename Take>
    void take_reports(unsigned limit, Take&& take) {
        Report report;
        for (unsigned worker = 0; worker < worker_count(); ++worker) {
            for (unsigned i = 0; i < limit && next_report(worker, report); ++i) {
                take(worker, report);
            }
        }
    }

    /// The worker that owns all flows between two addresses.
    [[nodiscard]] unsigned worker_of(const IpAddress& a, const IpAddress& b) const noexcept;
    [[nodiscard]] unsigned worker_count() const noexcept;
    [[nodiscard]] UsageTable& usage_table(unsigned worker, unsigned table);

    [[nodiscard]] const Settings& settings() const noexcept;
    [[nodiscard]] std::vector<PortView> ports() const;
    [[nodiscard]] std::vector<CoreView> cores() const;
    /// Sums over all cores.
    [[nodiscard]] std::uint64_t read(Counter counter) const noexcept;
    [[nodiscard]] std::uint64_t read(DropReason reason) const noexcept;
    [[nodiscard]] std::vector<DropView> drops_by_core() const;
    [[nodiscard]] DesktopView desktop(std::uint32_t number) const noexcept;
    /// nullptr for a port that is not routed.
    [[nodiscard]] const Shaper* shaper(std::uint16_t port) const noexcept;
    [[nodiscard]] std::uint64_t now_ms() const noexcept;
    /// The polling cores' clock; any thread.
    [[nodiscard]] std::uint64_t now_ns() const noexcept;
    /// Where a capture can be armed: one for each worker and for each routed port's transmit side.
    [[nodiscard]] std::vector<CapturePoint*> capture_points() noexcept;
    /// Made-up packets through the real stages; nothing of the gateway changes. Throws std::runtime_error.
    [[nodiscard]] RehearsalResult rehearse(const RehearsalOrder& order);
    /// dpdk-dumpcap can attach to this process.
    [[nodiscard]] bool dump_ready() const noexcept;
    [[nodiscard]] unsigned free_packet_buffers() const noexcept;

private:
    [[nodiscard]] bool next_report(unsigned worker, Report& out);
    struct Parts;
    std::unique_ptr<Parts> parts_;
};

} // namespace foregate::dataplane
