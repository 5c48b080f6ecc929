// SPDX-License-Identifier: BSD-3-Clause
// Captures through a gateway's own worker: the same stages with the same tables, on two ports that are no devices. Clients
// stand at the desktop port, servers upstream, everything has a way; sources are not checked and new flows not limited.
// One thread.
#pragma once

#include "dataplane/classify/catalogue.h"
#include "dataplane/offline/offline_flow.h"
#include "dataplane/threat/threat_db.h"

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>

namespace foregate::dataplane {

/// DPDK's memory, the ports and the tables; made once for any number of captures.
class OfflineGateway {
public:
    enum class Environment : std::uint8_t {
        start, ///< DPDK's, without hugepages, devices or privileges: one in a process, ever
        given, ///< it runs already
    };
    /// Throws std::runtime_error.
    OfflineGateway(Catalogue catalogue, std::optional<ThreatDb> threats, Environment environment = Environment::start);
    ~OfflineGateway();
    OfflineGateway(const OfflineGateway&) = delete;
    OfflineGateway& operator=(const OfflineGateway&) = delete;

    [[nodiscard]] const Catalogue& catalogue() const noexcept;

private:
    friend class OfflineFlows;
    struct State;
    std::unique_ptr<State> state_;
};

/// The flows of one capture, by a worker of its own. One at a time; the gateway outlives it.
class OfflineFlows {
public:
    /// `most_flows`: no more are expected, as a packet more or less does not matter. Throws std::runtime_error or std::bad_alloc.
    OfflineFlows(OfflineGateway& gateway, std::uint64_t most_flows);
    ~OfflineFlows();
    OfflineFlows(const OfflineFlows&) = delete;
    OfflineFlows& operator=(const OfflineFlows&) = delete;

    /// One Ethernet frame with an IP packet of at most 65,521 bytes. `time_ns` of any epoch; time never goes back. Checksums
    /// are not looked at: what a card was to fill in stands empty in captures. Throws std::runtime_error.
    void take_frame(std::span<const std::uint8_t> frame, std::uint64_t time_ns);
    /// A frame with anything else: such frames are flows by their EtherType, and by the two addresses of ARP.
    void take_other(std::uint16_t ether_type, std::span<const std::uint8_t> bytes);
    /// A packet that could not be read: all of them together are one flow that nothing is known of.
    void take_unreadable(std::size_t bytes);
    /// All flows end here: what is undecided is decided.
    void finish();

    /// In the order of their first packets.
    [[nodiscard]] const std::deque<OfflineFlow>& flows() const noexcept;
    [[nodiscard]] std::uint64_t unreadable() const noexcept;

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace foregate::dataplane
