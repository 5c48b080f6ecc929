// SPDX-License-Identifier: BSD-3-Clause
// pcapng blocks as bytes (draft-ietf-opsawg-pcapng): section, interfaces, packets with direction, statistics.
// Pure; host byte order, as the format allows.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace foregate::control {

using PcapngBytes = std::vector<std::uint8_t>;

/// Appends a section header: who wrote it, on what, and a comment.
void append_section(PcapngBytes& out, std::string_view application, std::string_view system, std::string_view comment);

/// One interface of Ethernet frames with times in nanoseconds. The first is number 0.
void append_interface(PcapngBytes& out, std::string_view name, std::string_view description, std::string_view filter,
                      std::uint32_t snap_bytes);

enum class PacketDirection : std::uint8_t { unknown, inbound, outbound };

/// `kept`: the frame's first bytes; `length`: of the whole frame. `time_ns` since 1970 UTC.
void append_packet(PcapngBytes& out, std::uint32_t interface, std::uint64_t time_ns, PacketDirection direction,
                   std::uint32_t length, std::span<const std::uint8_t> kept);

/// At the end of a file, per interface: frames that matched, and frames that were lost on the way to the file.
void append_statistics(PcapngBytes& out, std::uint32_t interface, std::uint64_t time_ns, std::uint64_t received,
                       std::uint64_t dropped);

/// Bytes that append_packet() will add.
[[nodiscard]] std::size_t packet_block_bytes(std::size_t kept) noexcept;

} // namespace foregate::control
