// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/packet/parse_plain.h"

namespace foregate::dataplane {

namespace {

constexpr std::uint16_t kEtherIpv4 = 0x0800;
constexpr std::uint16_t kEtherIpv6 = 0x86dd;
constexpr std::uint16_t kEtherVlan = 0x8100;
constexpr std::uint16_t kEtherProviderVlan = 0x88a8;

/// IPv6 extension headers (IANA), and what ends a chain.
enum NextHeader : std::uint8_t {
    next_hop_by_hop = 0,
    next_routing = 43,
    next_fragment = 44,
    next_authentication = 51,
    next_none = 59,
    next_destination = 60,
    next_mobility = 135,
    next_host_identity = 139,
    next_shim6 = 140,
};

/// `bytes` is a multiple of 4, at least 20.
bool checksum_right(const std::uint8_t* ip, std::uint32_t bytes) noexcept {
    std::uint64_t sum = 0;
    for (std::uint32_t at = 0; at < bytes; at += 4) {
        sum += detail::load_native<std::uint32_t>(ip + at);
    }
    return detail::folds_to_ones(sum);
}

/// What a transport header that does not fit is called: in a whole packet a cut, in a first fragment an attack.
ParseResult too_short(const ParsedPacket& p) noexcept {
    return p.fragment ? ParseResult::tiny_fragment : ParseResult::truncated;
}

/// Fills ports, flags and payload from the transport header at out.l4_offset; `end` is the end of the IP packet.
ParseResult parse_transport(const std::uint8_t* frame, std::uint32_t end, ParsedPacket& out) noexcept {
    const std::uint32_t at = out.l4_offset;
    const std::uint8_t* p = frame + at;
    const std::uint32_t left = end - at;
    std::uint32_t header = 0;
    switch (out.protocol) {
    case kProtoTcp: {
        if (left < 20) {
            return too_short(out);
        }
        header = static_cast<std::uint32_t>(p[12] >> 4) * 4;
        if (header < 20) {
            return ParseResult::bad_header;
        }
        if (header > left) {
            return too_short(out);
        }
        out.src_port = load_be16(p);
        out.dst_port = load_be16(p + 2);
        out.tcp_flags = p[13];
        break;
    }
    case kProtoUdp: {
        if (left < 8) {
            return too_short(out);
        }
        const std::uint32_t udp_length = load_be16(p + 4);
        if (udp_length < 8 || (udp_length > left && !out.fragment)) {
            return ParseResult::bad_length;
        }
        out.src_port = load_be16(p);
        out.dst_port = load_be16(p + 2);
        header = 8;
        break;
    }
    case kProtoIcmp:
    case kProtoIcmpv6: {
        if (left < (out.fragment ? 8U : 4U)) {
            return too_short(out);
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

/// The rules that every fragment keeps: eighths but for the last, nothing beyond the longest packet, something in it.
/// `field`: offset in units of 8 bytes; `bytes`: what it carries.
ParseResult check_fragment(const ParsedPacket& p, std::uint32_t field, bool more, std::uint32_t bytes,
                           std::uint32_t most) noexcept {
    if (bytes == 0 || (more && bytes % 8 != 0) || field * 8 + bytes > most) {
        return ParseResult::bad_length;
    }
    if (field == 1 && p.protocol == kProtoTcp) { // would overwrite the flags of a first one of 8 bytes
        return ParseResult::tiny_fragment;
    }
    return ParseResult::ip;
}

ParseResult finish(const std::uint8_t* frame, std::uint32_t end, ParsedPacket& out) noexcept {
    if (!out.later_fragment) {
        return parse_transport(frame, end, out);
    }
    out.payload_offset = out.l4_offset;
    out.payload_length = static_cast<std::uint16_t>(end - out.l4_offset);
    return ParseResult::ip;
}

/// Options of an IPv4 header: well-formed, and no source route among them.
ParseResult check_ipv4_options(const std::uint8_t* ip, std::uint32_t header) noexcept {
    for (std::uint32_t at = 20; at < header;) {
        const std::uint8_t kind = ip[at];
        if (kind == 0) {
            break;
        }
        if (kind == 1) {
            ++at;
            continue;
        }
        if (at + 2 > header || ip[at + 1] < 2 || at + ip[at + 1] > header) {
            return ParseResult::bad_header;
        }
        if (kind == 131 || kind == 137) { // loose and strict
            return ParseResult::source_route;
        }
        at += ip[at + 1];
    }
    return ParseResult::ip;
}

ParseResult parse_ipv4(const std::uint8_t* frame, std::uint32_t l3, std::uint32_t length, ParsedPacket& out,
                       HeaderChecksum checksum) noexcept {
    const std::uint8_t* ip = frame + l3;
    if (length < l3 + 20) {
        return ParseResult::truncated;
    }
    const std::uint32_t header = static_cast<std::uint32_t>(ip[0] & 0x0f) * 4;
    const std::uint32_t total = load_be16(ip + 2);
    if ((ip[0] >> 4) != 4 || header < 20) {
        return ParseResult::bad_header;
    }
    if (total < header) {
        return ParseResult::bad_length;
    }
    if (l3 + total > length) {
        return ParseResult::truncated;
    }
    if (checksum == HeaderChecksum::verify && !checksum_right(ip, header)) {
        return ParseResult::bad_checksum;
    }
    if (header > 20) {
        if (const ParseResult options = check_ipv4_options(ip, header); options != ParseResult::ip) {
            return options;
        }
    }
    const std::uint16_t fragment = load_be16(ip + 6);
    out.fragment = (fragment & 0x3fff) != 0;
    out.later_fragment = (fragment & 0x1fff) != 0;
    out.ip_length = static_cast<std::uint16_t>(total);
    out.ttl = ip[8];
    out.protocol = ip[9];
    detail::store_v4(out.src, ip + 12);
    detail::store_v4(out.dst, ip + 16);
    out.l4_offset = static_cast<std::uint16_t>(l3 + header);
    if (out.fragment) {
        const ParseResult rules =
            check_fragment(out, fragment & 0x1fff, (fragment & 0x2000) != 0, total - header, 0xffff - 20);
        if (rules != ParseResult::ip) {
            return rules;
        }
    }
    return finish(frame, l3 + total, out);
}

struct Ipv6Chain {
    std::uint8_t next = 0;     ///< header at `at`
    std::uint32_t at = 0;
    std::uint32_t end = 0;     ///< of the IP packet
};

bool is_extension(std::uint8_t next) noexcept {
    return next == next_hop_by_hop || next == next_routing || next == next_fragment || next == next_authentication ||
           next == next_destination || next == next_mobility || next == next_host_identity || next == next_shim6;
}

/// The fragment header at chain.at, whose 8 bytes are there.
ParseResult read_fragment_header(const std::uint8_t* frame, const Ipv6Chain& chain, ParsedPacket& out) noexcept {
    const std::uint16_t field = load_be16(frame + chain.at + 2);
    out.fragment = (field & 0xfff9) != 0; // neither offset nor more: whole (RFC 6946)
    out.later_fragment = (field & 0xfff8) != 0;
    if (!out.fragment) {
        return ParseResult::ip;
    }
    out.fragment_at = static_cast<std::uint16_t>(chain.at);
    out.protocol = frame[chain.at];
    return check_fragment(out, field >> 3, (field & 1) != 0, chain.end - chain.at - 8, 0xffff);
}

/// Walks from `chain` to the transport header, or to the data of a later fragment.
ParseResult walk_extensions(const std::uint8_t* frame, Ipv6Chain& chain, ParsedPacket& out) noexcept {
    bool fragment_header = false;
    for (unsigned headers = 0; is_extension(chain.next); ++headers) {
        if (headers == kMostExtensionHeaders) {
            return ParseResult::extension_headers;
        }
        if (chain.at + 8 > chain.end) {
            return too_short(out);
        }
        const std::uint8_t* p = frame + chain.at;
        std::uint32_t size = (p[1] + 1U) * 8U;
        if (chain.next == next_fragment) {
            size = 8;
            if (fragment_header) {
                return ParseResult::bad_header;
            }
            fragment_header = true;
            if (const ParseResult rules = read_fragment_header(frame, chain, out); rules != ParseResult::ip) {
                return rules;
            }
        } else if (chain.next == next_authentication) {
            size = (p[1] + 2U) * 4U;
        } else if (chain.next == next_hop_by_hop && headers != 0) {
            return ParseResult::bad_header; // only ever the first (RFC 8200 4.1)
        } else if (chain.next == next_routing && p[2] == 0) {
            return ParseResult::source_route;
        }
        if (chain.at + size > chain.end) {
            return too_short(out);
        }
        const bool speaks_itself = chain.next >= next_mobility; // mobility, HIP and shim6 messages carry nothing else
        if (speaks_itself && p[0] == next_none) {
            return ParseResult::ip;
        }
        chain.next = p[0];
        chain.at += size;
        if (out.later_fragment) {
            return ParseResult::ip;
        }
    }
    return ParseResult::ip;
}

ParseResult parse_ipv6(const std::uint8_t* frame, std::uint32_t l3, std::uint32_t length, ParsedPacket& out) noexcept {
    const std::uint8_t* ip = frame + l3;
    if (length < l3 + 40) {
        return ParseResult::truncated;
    }
    if ((ip[0] >> 4) != 6) {
        return ParseResult::bad_header;
    }
    const std::uint32_t total = 40U + load_be16(ip + 4);
    if (l3 + total > length || total > 0xffff) {
        return ParseResult::truncated;
    }
    out.ip_length = static_cast<std::uint16_t>(total);
    out.ttl = ip[7];
    out.src = IpAddress::from_v6_wire(ip + 8);
    out.dst = IpAddress::from_v6_wire(ip + 24);
    if (out.src.is_v4() || out.dst.is_v4()) {
        return ParseResult::bad_header; // v4-mapped on the wire (RFC 4942 2.2) would alias our own IPv4 form
    }
    Ipv6Chain chain{ip[6], l3 + 40, l3 + total};
    if (const ParseResult walked = walk_extensions(frame, chain, out); walked != ParseResult::ip) {
        return walked;
    }
    out.protocol = chain.next;
    out.l4_offset = static_cast<std::uint16_t>(chain.at);
    return finish(frame, chain.end, out);
}

bool is_tag(std::uint16_t ethertype) noexcept {
    return ethertype == kEtherVlan || ethertype == kEtherProviderVlan;
}

} // namespace

ParseResult parse_any(const std::uint8_t* frame, std::uint32_t length, ParsedPacket& out,
                      HeaderChecksum checksum) noexcept {
    out = ParsedPacket{};
    if (length < detail::kEthernetHeader || length > 0xffff) {
        return ParseResult::truncated;
    }
    std::uint32_t l3 = detail::kEthernetHeader;
    std::uint16_t ethertype = load_be16(frame + 12);
    while (is_tag(ethertype)) {
        if (out.vlan_count == kMostVlanTags) {
            ++out.vlan_count;
            return ParseResult::not_ip;
        }
        if (length < l3 + 4) {
            return ParseResult::truncated;
        }
        out.vlan[out.vlan_count++] = load_be16(frame + l3);
        ethertype = load_be16(frame + l3 + 2);
        l3 += 4;
    }
    out.l3_offset = static_cast<std::uint16_t>(l3);
    switch (ethertype) {
    case kEtherIpv4:
        out.ip_version = 4;
        return parse_ipv4(frame, l3, length, out, checksum);
    case kEtherIpv6:
        out.ip_version = 6;
        return parse_ipv6(frame, l3, length, out);
    default:
        return ParseResult::not_ip;
    }
}

ParseResult parse(const std::uint8_t* frame, std::uint32_t length, ParsedPacket& out, HeaderChecksum checksum) noexcept {
    return parse_inline(frame, length, out, checksum);
}

} // namespace foregate::dataplane
