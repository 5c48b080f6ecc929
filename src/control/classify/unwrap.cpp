// SPDX-License-Identifier: BSD-3-Clause
#include "control/classify/unwrap.h"

#include "dataplane/packet/parse.h"

#include <algorithm>
#include <cstring>

namespace foregate::control {

using dataplane::load_be16;
using dataplane::load_be32;
using dataplane::store_be16;

namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr int kMostLayers = 12;
constexpr std::uint16_t kIpv4 = 0x0800;
constexpr std::uint16_t kIpv6 = 0x86dd;
constexpr std::uint16_t kTransparentEthernet = 0x6558;
constexpr std::uint16_t kPpp = 0x880b; ///< as GRE and PPPoE carry it

/// A layer: bytes and the EtherType that says what they are.
struct Layer {
    std::uint16_t type = 0;
    Bytes bytes;
    bool known = true;
};

Layer unknown() { return {0, {}, false}; }

Layer ethernet(Bytes b) {
    if (b.size() < 14) {
        return unknown();
    }
    const std::uint16_t type = load_be16(b.data() + 12);
    if (type >= 0x0600) {
        return {type, b.subspan(14)};
    }
    // 802.3 with LLC; SNAP carries an EtherType.
    if (b.size() >= 22 && b[14] == 0xaa && b[15] == 0xaa && b[16] == 0x03) {
        return {load_be16(b.data() + 20), b.subspan(22)};
    }
    return {0, b.subspan(14)};
}

/// IP by the version in its first four bits.
Layer raw_ip(Bytes b) {
    if (b.empty()) {
        return unknown();
    }
    return {(b[0] >> 4) == 6 ? kIpv6 : kIpv4, b};
}

Layer ppp(Bytes b) {
    if (b.size() >= 2 && b[0] == 0xff && b[1] == 0x03) {
        b = b.subspan(2);
    } else if (b.size() >= 4 && (b[0] == 0x0f || b[0] == 0x8f)) { // Cisco HDLC
        return {load_be16(b.data() + 2), b.subspan(4)};
    }
    if (b.empty()) {
        return unknown();
    }
    std::uint16_t protocol = b[0];
    std::size_t size = 1;
    if ((b[0] & 1) == 0) {
        if (b.size() < 2) {
            return unknown();
        }
        protocol = load_be16(b.data());
        size = 2;
    }
    switch (protocol) {
    case 0x21:
        return {kIpv4, b.subspan(size)};
    case 0x57:
        return {kIpv6, b.subspan(size)};
    case 0x281:
        return {0x8847, b.subspan(size)};
    default:
        return {0, b.subspan(size)};
    }
}

/// 802.11 data frames with LLC and SNAP; others are no IP.
Layer wireless(Bytes b) {
    if (b.size() < 24 || (b[0] & 0x0c) != 0x08 || (b[0] & 0x40) != 0) {
        return {0, b};
    }
    std::size_t header = 24;
    if ((b[1] & 0x03) == 0x03) {
        header += 6;
    }
    if ((b[0] & 0x80) != 0) {
        header += 2;
        const bool amsdu = b.size() > header && (b[header - 2] & 0x80) != 0;
        if ((b[1] & 0x80) != 0) {
            header += 4;
        }
        header += amsdu ? 14 : 0; // the first of an aggregate: destination, source, length
    }
    if (b.size() < header + 8 || b[header] != 0xaa) {
        return {0, b};
    }
    return {load_be16(b.data() + header + 6), b.subspan(header + 8)};
}

Layer link_layer(std::uint32_t type, Bytes b) {
    switch (type) {
    case 1:
        return ethernet(b);
    case 12: case 14: case 101: case 228: case 229:
        return raw_ip(b);
    case 0: case 108: // BSD loopback: an address family in either byte order
        return b.size() > 4 ? raw_ip(b.subspan(4)) : unknown();
    case 113: // Linux cooked
        return b.size() >= 16 ? Layer{load_be16(b.data() + 14), b.subspan(16)} : unknown();
    case 276:
        return b.size() >= 20 ? Layer{load_be16(b.data()), b.subspan(20)} : unknown();
    case 9: case 50: case 166:
        return ppp(b);
    case 104: // Cisco HDLC
        return b.size() >= 4 ? Layer{load_be16(b.data() + 2), b.subspan(4)} : unknown();
    case 105:
        return wireless(b);
    case 127: { // radiotap
        const std::size_t length = b.size() >= 4 ? b[2] | b[3] << 8 : b.size() + 1U;
        return length <= b.size() ? wireless(b.subspan(length)) : unknown();
    }
    default:
        return unknown();
    }
}

/// Takes off what stands between a link header and IP: VLAN tags, MPLS labels, PPPoE, provider backbone bridging.
Layer behind_tags(Layer layer) {
    for (int i = 0; i < kMostLayers; ++i) {
        const Bytes b = layer.bytes;
        switch (layer.type) {
        case 0x8100: case 0x88a8: case 0x9100: case 0x9200:
            if (b.size() < 4) {
                return unknown();
            }
            if (load_be16(b.data() + 2) < 0x0600) {
                return {0, b.subspan(4)};
            }
            layer = {load_be16(b.data() + 2), b.subspan(4)};
            break;
        case 0x8847: case 0x8848: {
            std::size_t at = 0;
            while (at + 4 <= b.size() && (b[at + 2] & 1) == 0) {
                at += 4;
            }
            if (at + 5 > b.size()) {
                return unknown();
            }
            const Bytes inner = b.subspan(at + 4);
            const unsigned version = inner[0] >> 4;
            layer = version == 4 || version == 6 ? raw_ip(inner)
                    : inner.size() > 18 && load_be32(inner.data()) == 0 ? ethernet(inner.subspan(4)) // control word
                                                                        : ethernet(inner);
            break;
        }
        case 0x8864: // PPPoE session
            if (b.size() < 8) {
                return unknown();
            }
            layer = ppp(b.subspan(6));
            break;
        case 0x88e7: // 802.1ah
            if (b.size() < 18) {
                return unknown();
            }
            layer = ethernet(b.subspan(4));
            break;
        case kTransparentEthernet:
            layer = ethernet(b);
            break;
        case kPpp:
            layer = ppp(b);
            break;
        default:
            return layer;
        }
        if (!layer.known) {
            return layer;
        }
    }
    return unknown();
}

struct Transport {
    std::uint8_t protocol = 0;
    Bytes bytes; ///< from the transport header on
    bool fragment = false;
};

bool open_ip(const Layer& layer, Transport& out) {
    const Bytes b = layer.bytes;
    if (layer.type == kIpv4) {
        if (b.size() < 20 || (b[0] >> 4) != 4 || (b[0] & 0x0f) < 5 || b.size() < std::size_t{b[0] & 0x0fU} * 4) {
            return false;
        }
        out.protocol = b[9];
        out.fragment = (load_be16(b.data() + 6) & 0x3fff) != 0;
        const std::size_t total = load_be16(b.data() + 2);
        const Bytes whole = total >= 20 && total < b.size() ? b.first(total) : b;
        const std::size_t header = std::size_t{b[0] & 0x0fU} * 4;
        out.bytes = whole.size() >= header ? whole.subspan(header) : Bytes();
        return true;
    }
    if (b.size() < 40 || (b[0] >> 4) != 6) {
        return false;
    }
    std::uint8_t next = b[6];
    std::size_t at = 40;
    const std::size_t total = 40U + load_be16(b.data() + 4);
    const Bytes whole = total > 40 && total < b.size() ? b.first(total) : b;
    for (int i = 0; i < 8; ++i) {
        const bool plain = next == 0 || next == 43 || next == 60 || next == 135;
        if (!plain && next != 44 && next != 51) {
            break;
        }
        if (at + 8 > whole.size()) {
            return false;
        }
        out.fragment = out.fragment || next == 44;
        const std::size_t size = next == 44 ? 8 : next == 51 ? (whole[at + 1] + 2U) * 4U : (whole[at + 1] + 1U) * 8U;
        next = whole[at];
        at += size;
    }
    out.protocol = next;
    out.bytes = at <= whole.size() ? whole.subspan(at) : Bytes();
    return at <= whole.size();
}

Layer behind_gre(Bytes b) {
    if (b.size() < 4) {
        return unknown();
    }
    const std::uint16_t flags = load_be16(b.data());
    const std::uint16_t type = load_be16(b.data() + 2);
    const unsigned version = flags & 7;
    std::size_t at = 4;
    at += (flags & 0x8000) != 0 ? 4 : 0;
    if (version == 1) { // PPTP: key always, then sequence and acknowledgement
        at += 4 + ((flags & 0x1000) != 0 ? 4U : 0U) + ((flags & 0x0080) != 0 ? 4U : 0U);
    } else {
        at += (flags & 0x4000) != 0 && (flags & 0x8000) == 0 ? 4 : 0;
        at += (flags & 0x2000) != 0 ? 4 : 0;
        at += (flags & 0x1000) != 0 ? 4 : 0;
    }
    if (b.size() <= at) {
        return unknown();
    }
    b = b.subspan(at);
    switch (type) {
    case 0x88be: // ERSPAN: type I has no header and no sequence number, type II eight bytes
        if ((flags & 0x1000) == 0) {
            return ethernet(b);
        }
        return b.size() > 8 ? ethernet(b.subspan(8)) : unknown();
    case 0x22eb: { // type III: twelve, and eight more if a bit says so
        const std::size_t header = b.size() > 12 && (b[11] & 1) != 0 ? 20 : 12;
        return b.size() > header ? ethernet(b.subspan(header)) : unknown();
    }
    case 0x8200: case 0x8210: case 0x8220: case 0x8230: case 0x9000: // 802.11 behind an access point's tunnel
        return wireless(b);
    default:
        return {type, b};
    }
}

Layer behind_udp(Bytes b) {
    if (b.size() < 9) {
        return unknown();
    }
    const std::uint16_t from = load_be16(b.data());
    const std::uint16_t to = load_be16(b.data() + 2);
    const Bytes payload = b.subspan(8);
    if ((to == 4789 || to == 8472) && payload.size() > 22 && (payload[0] & 0x08) != 0) {
        return ethernet(payload.subspan(8));
    }
    if (to == 6081 && payload.size() > 8 && (payload[0] >> 6) == 0) {
        const std::size_t header = 8U + (payload[0] & 0x3fU) * 4U;
        if (payload.size() > header) {
            return {load_be16(payload.data() + 2), payload.subspan(header)};
        }
    }
    if ((from == 3544 || to == 3544) && payload.size() >= 40) { // Teredo
        Bytes inner = payload;
        if (inner.size() > 8 && load_be16(inner.data()) == 0) { // origin indication
            inner = inner.subspan(8);
        }
        if (inner.size() >= 40 && (inner[0] >> 4) == 6 && 40U + load_be16(inner.data() + 4) <= inner.size()) {
            return {kIpv6, inner};
        }
    }
    return unknown();
}

Layer behind(const Transport& t) {
    if (t.fragment) {
        return unknown();
    }
    switch (t.protocol) {
    case 4:
        return t.bytes.empty() ? unknown() : Layer{kIpv4, t.bytes};
    case 41:
        return t.bytes.empty() ? unknown() : Layer{kIpv6, t.bytes};
    case 47:
        return behind_gre(t.bytes);
    case 97: // EtherIP
        return t.bytes.size() > 16 ? ethernet(t.bytes.subspan(2)) : unknown();
    case 137:
        return {0x8847, t.bytes};
    case 17:
        return behind_udp(t.bytes);
    default:
        return unknown();
    }
}

/// An IP packet with lengths that fit what was captured, behind a made-up Ethernet header.
void write_frame(const Layer& ip, std::vector<std::uint8_t>& frame) {
    constexpr std::size_t kHeader = 14;
    const std::size_t size = std::min<std::size_t>(ip.bytes.size(), 65535 - kHeader);
    frame.assign(kHeader, 0);
    frame[0] = frame[6] = 0x02;
    frame[11] = 1;
    store_be16(frame.data() + 12, ip.type);
    frame.insert(frame.end(), ip.bytes.begin(), ip.bytes.begin() + static_cast<std::ptrdiff_t>(size));
    std::uint8_t* packet = frame.data() + kHeader;
    std::uint8_t protocol = 0;
    std::size_t header = 0;
    bool later = false;
    std::size_t length = size;
    if (ip.type == kIpv4) {
        if (size < 20) {
            return;
        }
        const std::size_t total = load_be16(packet + 2);
        if (total > size || total == 0) { // cut when captured, or the card was to cut it into segments
            store_be16(packet + 2, static_cast<std::uint16_t>(size));
        } else {
            length = total;
        }
        protocol = packet[9];
        header = (packet[0] & 0x0fU) * 4U;
        later = (load_be16(packet + 6) & 0x1fff) != 0;
    } else {
        if (size < 40) {
            return;
        }
        const std::size_t total = 40U + load_be16(packet + 4);
        if (total > size || (total == 40 && size > 40 && packet[6] != 59)) {
            store_be16(packet + 4, static_cast<std::uint16_t>(size - 40));
        } else {
            length = total;
        }
        protocol = packet[6];
        header = 40;
    }
    if (protocol == dataplane::kProtoUdp && !later && length >= header + 8 &&
        load_be16(packet + header + 4) > length - header) {
        store_be16(packet + header + 4, static_cast<std::uint16_t>(length - header));
    }
}

} // namespace

UnwrapResult unwrap(const CapturedPacket& packet, bool descend, Unwrapped& out) {
    Layer layer = behind_tags(link_layer(packet.link_type, packet.bytes));
    if (!layer.known) {
        return UnwrapResult::unknown;
    }
    Layer innermost = layer;
    for (int i = 0; i < kMostLayers && (layer.type == kIpv4 || layer.type == kIpv6); ++i) {
        innermost = layer;
        Transport transport;
        if (!descend || !open_ip(layer, transport)) {
            break;
        }
        layer = behind_tags(behind(transport));
        if (!layer.known) {
            break;
        }
        if (layer.type != kIpv4 && layer.type != kIpv6) {
            if (layer.type == 0x0806) { // ARP in a tunnel is what it is
                innermost = layer;
            }
            break;
        }
        Transport inner;
        if (!open_ip(layer, inner)) { // what claims to be IP and is not: the tunnel itself counts
            break;
        }
    }
    out.ether_type = innermost.type;
    out.rest = innermost.bytes;
    if (innermost.type != kIpv4 && innermost.type != kIpv6) {
        return UnwrapResult::not_ip;
    }
    write_frame(innermost, out.frame);
    return UnwrapResult::ip;
}

} // namespace foregate::control
