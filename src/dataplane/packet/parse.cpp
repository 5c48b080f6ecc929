// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/packet/parse.h"

namespace foregate::dataplane {

namespace {

constexpr std::uint32_t kEthernetHeader = 14;
constexpr std::uint16_t kEtherIpv4 = 0x0800;
constexpr std::uint16_t kEtherIpv6 = 0x86dd;

/// Fills ports, flags and payload from the transport header at out.l4_offset; `end` is the end of the IP packet.
ParseResult parse_transport(const std::uint8_t* frame, std::uint32_t end, ParsedPacket& out) noexcept {
    const std::uint32_t at = out.l4_offset;
    const std::uint8_t* p = frame + at;
    const std::uint32_t left = end - at;
    std::uint32_t header = 0;
    switch (out.protocol) {
    case kProtoTcp: {
        if (left < 20) {
            return ParseResult::truncated;
        }
        header = static_cast<std::uint32_t>(p[12] >> 4) * 4;
        if (header < 20) {
            return ParseResult::bad_header;
        }
        if (header > left) {
            return ParseResult::truncated;
        }
        out.src_port = load_be16(p);
        out.dst_port = load_be16(p + 2);
        out.tcp_flags = p[13];
        break;
    }
    case kProtoUdp: {
        if (left < 8) {
            return ParseResult::truncated;
        }
        const std::uint32_t udp_length = load_be16(p + 4);
        if (udp_length < 8 || (udp_length > left && !out.fragment)) {
            return ParseResult::bad_header;
        }
        out.src_port = load_be16(p);
        out.dst_port = load_be16(p + 2);
        header = 8;
        break;
    }
    case kProtoIcmp:
    case kProtoIcmpv6: {
        if (left < 4) {
            return ParseResult::truncated;
        }
        out.icmp_type = p[0];
        out.icmp_code = p[1];
        const bool echo = out.protocol == kProtoIcmp ? (p[0] == 0 || p[0] == 8) : (p[0] == 128 || p[0] == 129);
        if (echo && left >= 8) {
            out.src_port = out.dst_port = load_be16(p + 4);
        }
        header = left < 8 ? left : 8;
        break;
    }
    default:
        break;
    }
    out.payload_offset = static_cast<std::uint16_t>(at + header);
    out.payload_length = static_cast<std::uint16_t>(left - header);
    return ParseResult::ip;
}

ParseResult parse_ipv4(const std::uint8_t* frame, std::uint32_t length, ParsedPacket& out) noexcept {
    const std::uint8_t* ip = frame + kEthernetHeader;
    if (length < kEthernetHeader + 20) {
        return ParseResult::truncated;
    }
    const std::uint32_t header = static_cast<std::uint32_t>(ip[0] & 0x0f) * 4;
    const std::uint32_t total = load_be16(ip + 2);
    if ((ip[0] >> 4) != 4 || header < 20 || total < header) {
        return ParseResult::bad_header;
    }
    if (kEthernetHeader + total > length) {
        return ParseResult::truncated;
    }
    const std::uint16_t fragment = load_be16(ip + 6);
    out.fragment = (fragment & 0x3fff) != 0;
    out.later_fragment = (fragment & 0x1fff) != 0;
    out.ip_length = static_cast<std::uint16_t>(total);
    out.ttl = ip[8];
    out.protocol = ip[9];
    out.src = IpAddress::from_v4_wire(ip + 12);
    out.dst = IpAddress::from_v4_wire(ip + 16);
    out.l4_offset = static_cast<std::uint16_t>(kEthernetHeader + header);
    if (out.later_fragment) {
        out.payload_offset = out.l4_offset;
        out.payload_length = static_cast<std::uint16_t>(total - header);
        return ParseResult::ip;
    }
    return parse_transport(frame, kEthernetHeader + total, out);
}

/// Walks extension headers from `next` at `at`; false when one reaches beyond `end`.
bool walk_extensions(const std::uint8_t* frame, std::uint32_t end, std::uint8_t& next, std::uint32_t& at,
                     ParsedPacket& out) noexcept {
    for (int hops = 0; hops < 8; ++hops) {
        const bool plain = next == 0 || next == 43 || next == 60 || next == 135;
        if (!plain && next != 44 && next != 51) {
            return true;
        }
        if (at + 8 > end) {
            return false;
        }
        const std::uint8_t* p = frame + at;
        std::uint32_t size = 8;
        if (next == 44) {
            const std::uint16_t offset = load_be16(p + 2);
            out.fragment = (offset & 0xfff9) != 0;
            out.later_fragment = (offset & 0xfff8) != 0;
        } else {
            size = next == 51 ? (p[1] + 2U) * 4U : (p[1] + 1U) * 8U;
        }
        if (at + size > end) {
            return false;
        }
        next = p[0];
        at += size;
        if (out.later_fragment) {
            return true;
        }
    }
    return false;
}

ParseResult parse_ipv6(const std::uint8_t* frame, std::uint32_t length, ParsedPacket& out) noexcept {
    const std::uint8_t* ip = frame + kEthernetHeader;
    if (length < kEthernetHeader + 40) {
        return ParseResult::truncated;
    }
    if ((ip[0] >> 4) != 6) {
        return ParseResult::bad_header;
    }
    const std::uint32_t total = 40U + load_be16(ip + 4);
    if (kEthernetHeader + total > length || total > 0xffff) {
        return ParseResult::truncated;
    }
    out.ip_length = static_cast<std::uint16_t>(total);
    out.ttl = ip[7];
    out.src = IpAddress::from_v6_wire(ip + 8);
    out.dst = IpAddress::from_v6_wire(ip + 24);
    if (out.src.is_v4() || out.dst.is_v4()) {
        return ParseResult::bad_header; // v4-mapped on the wire (RFC 4942 2.2) would alias our own IPv4 form
    }
    std::uint8_t next = ip[6];
    std::uint32_t at = kEthernetHeader + 40;
    const std::uint32_t end = kEthernetHeader + total;
    if (!walk_extensions(frame, end, next, at, out)) {
        return ParseResult::bad_header;
    }
    out.protocol = next;
    out.l4_offset = static_cast<std::uint16_t>(at);
    if (out.later_fragment) {
        out.payload_offset = out.l4_offset;
        out.payload_length = static_cast<std::uint16_t>(end - at);
        return ParseResult::ip;
    }
    return parse_transport(frame, end, out);
}

} // namespace

ParseResult parse(const std::uint8_t* frame, std::uint32_t length, ParsedPacket& out) noexcept {
    out = ParsedPacket{};
    if (length < kEthernetHeader || length > 0xffff) {
        return ParseResult::truncated;
    }
    out.l3_offset = kEthernetHeader;
    switch (load_be16(frame + 12)) {
    case kEtherIpv4:
        out.ip_version = 4;
        return parse_ipv4(frame, length, out);
    case kEtherIpv6:
        out.ip_version = 6;
        return parse_ipv6(frame, length, out);
    default:
        return ParseResult::not_ip;
    }
}

} // namespace foregate::dataplane
