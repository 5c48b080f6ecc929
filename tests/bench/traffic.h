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

/// Writes frames into buffers of at least kRoomBytes; keeps a segment to fill in, so one per thread.
class FrameWriter {
public:
    static constexpr unsigned kRoomBytes = 14 + dataplane::kMaxBuiltBytes;
    /// A segment of flow `number` with as much payload as makes kFrameBytes (none with SYN). Returns its length.
    unsigned write(std::uint32_t number, bool up, std::uint8_t flags, const dataplane::MacAddress& to,
                   std::uint8_t* frame);
    /// Any other segment.
    unsigned write(const dataplane::SegmentSpec& segment, const dataplane::MacAddress& to, std::uint8_t* frame);

private:
    dataplane::SegmentSpec segment_{};
};

/// Ports 0 (desktops) and 1 (upstream). Every desktop of class 1 with an open secondary, a neighbour for each end,
/// allotments for every eighth server, a pattern that lets everything pass, `threats` listed names and addresses (half
/// each) that no flow meets.
[[nodiscard]] std::unique_ptr<dataplane::Generation> make_tables(unsigned threats, unsigned workers);

} // namespace foregate::bench
