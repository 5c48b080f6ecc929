// SPDX-License-Identifier: BSD-3-Clause
// Parsing one frame: bytes in, offsets and five-tuple out. Pure, bounds-checked, no allocation.
#pragma once

#include "dataplane/packet/ip_address.h"

#include <array>
#include <cstdint>

namespace foregate::dataplane {

/// IP protocol numbers that the pipeline looks into.
inline constexpr std::uint8_t kProtoIcmp = 1;
inline constexpr std::uint8_t kProtoTcp = 6;
inline constexpr std::uint8_t kProtoUdp = 17;
inline constexpr std::uint8_t kProtoIcmpv6 = 58;

/// TCP flags as in the header's byte 13.
enum TcpFlag : std::uint8_t {
    tcp_fin = 0x01,
    tcp_syn = 0x02,
    tcp_rst = 0x04,
    tcp_psh = 0x08,
    tcp_ack = 0x10,
    tcp_urg = 0x20,
    tcp_ece = 0x40,
    tcp_cwr = 0x80,
};

/// What a frame is; all but the first two end here, each under a name of its own (docs/packets.md).
enum class ParseResult : std::uint8_t {
    ip,                ///< five-tuple and offsets are valid
    not_ip,            ///< ARP, LLDP, ...: for the kernel twin
    truncated,         ///< a header or the length field reaches beyond the frame
    bad_header,        ///< an impossible version, header length, option or address form
    bad_length,        ///< length fields that contradict each other
    bad_checksum,      ///< the IPv4 header's
    tiny_fragment,     ///< the first fragment does not hold the whole transport header (RFC 1858, RFC 3128, RFC 7112)
    source_route,      ///< IPv4 source route (RFC 7126), IPv6 routing header of type 0 (RFC 5095)
    extension_headers, ///< more IPv6 extension headers than kMostExtensionHeaders
};

inline constexpr unsigned kMostExtensionHeaders = 8;
inline constexpr unsigned kMostVlanTags = 2;
inline constexpr std::uint16_t kVlanIdMask = 0x0fff;

/// Whether the IPv4 header's checksum has to be added up here.
enum class HeaderChecksum : std::uint8_t { verify, known_good };

/// What parsing found in one frame. Offsets count from the start of the frame.
struct ParsedPacket {
    IpAddress src{};
    IpAddress dst{};
    std::uint16_t src_port = 0;  ///< host order; 0 where the protocol has none; ICMP echo: the identifier in both
    std::uint16_t dst_port = 0;
    std::uint8_t protocol = 0;   ///< after extension headers
    std::uint8_t ip_version = 0; ///< 4 or 6
    std::uint8_t tcp_flags = 0;
    std::uint8_t ttl = 0;        ///< TTL or hop limit
    std::uint8_t icmp_type = 0;
    std::uint8_t icmp_code = 0;
    bool fragment = false;       ///< any fragment; ports are only known in the first
    bool later_fragment = false;
    std::uint16_t l3_offset = 0;
    std::uint16_t l4_offset = 0;
    std::uint16_t payload_offset = 0; ///< first byte after the TCP/UDP header
    std::uint16_t payload_length = 0; ///< by the IP length field, not by the frame's padding
    std::uint16_t ip_length = 0;      ///< whole IP packet in bytes
    std::uint16_t fragment_at = 0;    ///< of an IPv6 fragment: its fragment header
    std::uint16_t vlan_count = 0;     ///< 802.1Q and 802.1ad tags in the frame; valid whatever the result
    std::array<std::uint16_t, kMostVlanTags> vlan{}; ///< their control fields, outer first: priority and VLAN
};

/// Parses a frame of `length` contiguous bytes. `out` is written as a whole where the result is `ip`; otherwise only
/// its VLAN tags count. More than kMostVlanTags tags: not_ip with one tag too many.
[[nodiscard]] ParseResult parse(const std::uint8_t* frame, std::uint32_t length, ParsedPacket& out,
                                HeaderChecksum checksum = HeaderChecksum::verify) noexcept;

/// Big-endian loads and stores on unaligned bytes.
[[nodiscard]] inline std::uint16_t load_be16(const std::uint8_t* p) noexcept {
    return static_cast<std::uint16_t>(p[0] << 8 | p[1]);
}
[[nodiscard]] inline std::uint32_t load_be32(const std::uint8_t* p) noexcept {
    return static_cast<std::uint32_t>(p[0]) << 24 | static_cast<std::uint32_t>(p[1]) << 16 |
           static_cast<std::uint32_t>(p[2]) << 8 | static_cast<std::uint32_t>(p[3]);
}
inline void store_be16(std::uint8_t* p, std::uint16_t v) noexcept {
    p[0] = static_cast<std::uint8_t>(v >> 8);
    p[1] = static_cast<std::uint8_t>(v);
}
inline void store_be32(std::uint8_t* p, std::uint32_t v) noexcept {
    p[0] = static_cast<std::uint8_t>(v >> 24);
    p[1] = static_cast<std::uint8_t>(v >> 16);
    p[2] = static_cast<std::uint8_t>(v >> 8);
    p[3] = static_cast<std::uint8_t>(v);
}

} // namespace foregate::dataplane
