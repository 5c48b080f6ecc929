// SPDX-License-Identifier: BSD-3-Clause
// What `flow explain` asks of the data plane, and what it gets back. Plain data.
#pragma once

#include "dataplane/messages.h"
#include "dataplane/shape/shape_settings.h"
#include "dataplane/watch/trace.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace foregate::dataplane {

/// What to play. Both ends are of one address family; the source is the desktop's end.
struct RehearsalOrder {
    IpAddress source{}, destination{};
    std::uint16_t source_port = 0, destination_port = 0;
    std::uint8_t protocol = 0;
    std::string name;                  ///< asked for in the first payload; empty: none
    SynTemplate syn{};                 ///< what the desktop's SYN looks like
    std::uint32_t desktop = 0;
    std::vector<HeldView> held;        ///< the desktop's connections that are held now; others are passed over
    std::uint64_t held_max_age_ns = 0; ///< of those
    std::array<std::uint16_t, kAppTypeCount> unexpected{}; ///< the desktop's, in this bucket
};

/// How a made-up packet left.
struct Departure {
    enum class Way : std::uint8_t { none, port, kernel } way = Way::none;
    std::uint16_t port = 0;
    MacAddress next_hop{};              ///< with Way::port
    std::uint32_t pipe = 0;             ///< likewise: the desktop's share in the scheduler
    std::uint16_t allotment = 0;        ///< likewise; 0: none
    TrafficClass traffic_class = TrafficClass::regular;
    bool towards_source = false;        ///< an answer of the gateway's own
    std::uint8_t tcp_flags = 0;
};

struct RehearsedPacket {
    std::string what; ///< "SYN", "first payload", ...
    TracedPacket trace{};
    std::vector<Departure> departures;
};

struct RehearsalResult {
    std::vector<RehearsedPacket> packets;
    std::optional<std::uint64_t> held;   ///< id of the connection that the SYN was spliced onto
    std::vector<Report> reports;         ///< what the worker would have told the control core
};

} // namespace foregate::dataplane
