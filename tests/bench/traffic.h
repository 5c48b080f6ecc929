// SPDX-License-Identifier: BSD-3-Clause
// The fleet that benchmarks use: numbered TCP flows between desktops and servers of the benchmarking range (RFC 2544,
// 198.18.0.0/15), their 64-byte frames, and tables in which every stage has something to do.
#pragma once

#include "dataplane/generation.h"
#include "dataplane/packet/build.h"
#include "dataplane/packet/parse.h"

#include <cstdint>
#include <memory>

namespace foregate::bench {

inline constexpr unsigned kDesktops = 16'000;
inline constexpr unsigned kServers = 256;
/// Without the frame check sequence, as in a packet buffer: 64 bytes on the wire.
inline constexpr unsigned kFrameBytes = 60;

/// Flow `number`'s two ends; numbers from 0 on give different five-tuples.
struct FlowEnds {
    explicit FlowEnds(std::uint32_t number) noexcept;
    std::uint32_t desktop_number;
    dataplane::IpAddress desktop;
    dataplane::IpAddress server;
    std::uint16_t desktop_port;
    std::uint16_t server_port;
};

[[nodiscard]] dataplane::IpAddress desktop_address(std::uint32_t desktop_number) noexcept;
/// The IPv6 address of the same host (2001:2::/48 is IPv6's benchmarking range, RFC 5180).
[[nodiscard]] dataplane::IpAddress ipv6_of(const dataplane::IpAddress& ipv4) noexcept;

/// Writes frames into buffers of at least kRoomBytes; keeps a segment to fill in, so one per thread.
class FrameWriter {
public:
    static constexpr unsigned kRoomBytes = 14 + dataplane::kMaxBuiltBytes;
    /// A segment of flow `number` with as much payload as makes kFrameBytes (none with SYN). Returns its length.
    unsigned write(std::uint32_t number, bool up, std::uint8_t flags, const dataplane::MacAddress& to,
                   std::uint8_t* frame);
    /// The same with zeros behind its payload, `length` bytes in all (kFrameBytes to 1514).
    unsigned write_long(std::uint32_t number, bool up, unsigned length, const dataplane::MacAddress& to,
                        std::uint8_t* frame);
    /// Any other segment.
    unsigned write(const dataplane::SegmentSpec& segment, const dataplane::MacAddress& to, std::uint8_t* frame);

private:
    dataplane::SegmentSpec segment_{};
};

/// What the tables hold; a stage without anything in its table has as little to do as it can.
struct TableChoice {
    unsigned threats = 0;    ///< listed names and addresses (half each) that no flow meets
    unsigned workers = 1;
    bool sessions = true;    ///< every desktop has a number, class 1 and an open secondary; else all are unknown, and allowed
    bool allotments = true;  ///< for every eighth server
    bool pattern = true;     ///< of class 1; it lets everything pass
};

/// Ports 0 (desktops) and 1 (upstream), and a neighbour for each end.
[[nodiscard]] std::unique_ptr<dataplane::Generation> make_tables(const TableChoice& choice);
[[nodiscard]] inline std::unique_ptr<dataplane::Generation> make_tables(unsigned threats, unsigned workers) {
    return make_tables(TableChoice{.threats = threats, .workers = workers});
}

/// The Ethernet address that the neighbour with this address has.
[[nodiscard]] dataplane::MacAddress neighbour_mac(const dataplane::IpAddress& address) noexcept;
/// `count` entries, half addresses and half names, that no traffic of these benchmarks meets.
[[nodiscard]] std::shared_ptr<const dataplane::ThreatTables> threat_tables(unsigned count, unsigned workers);

} // namespace foregate::bench
