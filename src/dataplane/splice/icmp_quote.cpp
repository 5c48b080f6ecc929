// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/splice/icmp_quote.h"

#include "dataplane/packet/checksum.h"
#include "dataplane/packet/tcp_options.h"

namespace foregate::dataplane {

namespace {

constexpr unsigned kIcmpHeader = 8;
constexpr unsigned kTcpMinimum = 8; ///< RFC 792 promises no more of the quoted transport header
constexpr unsigned kTcpChecksum = 16;

bool error_kind(const ParsedPacket& p, IcmpErrorKind& out) noexcept {
    if (p.protocol == kProtoIcmp && p.ip_version == 4) {
        if (p.icmp_type == 3) {
            out = p.icmp_code == 4 ? IcmpErrorKind::packet_too_big : IcmpErrorKind::unreachable;
            return true;
        }
        return p.icmp_type == 11 || p.icmp_type == 12;
    }
    if (p.protocol == kProtoIcmpv6 && p.ip_version == 6) {
        if (p.icmp_type == 1) {
            out = IcmpErrorKind::unreachable;
        } else if (p.icmp_type == 2) {
            out = IcmpErrorKind::packet_too_big;
        }
        return p.icmp_type >= 1 && p.icmp_type <= 4;
    }
    return false;
}

constexpr std::uint8_t kHopByHop = 0;
constexpr std::uint8_t kRouting = 43;
constexpr std::uint8_t kFragment = 44;
constexpr std::uint8_t kDestinationOptions = 60;
constexpr unsigned kMostExtensions = 8; ///< RFC 8200 4.1 asks for each at most once or twice

/// Length of the quoted IPv6 header with its extensions (RFC 8200 4), 0 when TCP is not behind
/// them.
unsigned quoted_v6_headers(const std::uint8_t* ip, unsigned left) noexcept {
    std::uint8_t next = ip[6];
    unsigned at = 40;
    for (unsigned i = 0; next != kProtoTcp && i < kMostExtensions; ++i) {
        const bool known = next == kHopByHop || next == kRouting || next == kFragment ||
                           next == kDestinationOptions;
        if (!known || at + 8 > left ||
            (next == kFragment && (load_be16(ip + at + 2) & 0xfff8) != 0)) {
            return 0;
        }
        const unsigned length = next == kFragment ? 8U : (ip[at + 1] + 1U) * 8;
        next = ip[at];
        at += length;
    }
    return next == kProtoTcp ? at : 0;
}

/// Length of the quoted IP header, 0 when it is no first fragment of a TCP packet.
unsigned quoted_ip(const std::uint8_t* ip, unsigned left, bool v6, IcmpQuote& out) noexcept {
    if (v6) {
        if (left < 40 || (ip[0] >> 4) != 6) {
            return 0;
        }
        out.src = IpAddress::from_v6_wire(ip + 8);
        out.dst = IpAddress::from_v6_wire(ip + 24);
        return out.src.is_v4() || out.dst.is_v4() ? 0 : quoted_v6_headers(ip, left);
    }
    if (left < 20 || (ip[0] >> 4) != 4 || ip[9] != kProtoTcp || (load_be16(ip + 6) & 0x1fff) != 0) {
        return 0;
    }
    out.src = IpAddress::from_v4_wire(ip + 12);
    out.dst = IpAddress::from_v4_wire(ip + 16);
    const unsigned header = (ip[0] & 0x0fU) * 4;
    return header < 20 ? 0 : header;
}

/// Replaces one aligned word of the quoted TCP header in both checksums' sight.
class QuoteWriter {
public:
    QuoteWriter(std::uint8_t* frame, const IcmpQuote& quote) noexcept
        : icmp_(frame + quote.icmp_offset), tcp_(frame + quote.tcp_offset),
          has_checksum_(quote.tcp_bytes >= kTcpChecksum + 2) {}

    void put16(unsigned offset, std::uint16_t value) noexcept {
        const std::uint16_t before = load_be16(tcp_ + offset);
        patch(offset, value);
        if (has_checksum_) {
            patch(kTcpChecksum, checksum_update16(load_be16(tcp_ + kTcpChecksum), before, value));
        }
    }
    void add32(unsigned offset, std::uint32_t add) noexcept {
        const std::uint32_t value = load_be32(tcp_ + offset) + add;
        put16(offset, static_cast<std::uint16_t>(value >> 16));
        put16(offset + 2, static_cast<std::uint16_t>(value));
    }

private:
    void patch(unsigned offset, std::uint16_t value) noexcept {
        const std::uint16_t before = load_be16(tcp_ + offset);
        store_be16(tcp_ + offset, value);
        store_be16(icmp_ + 2, checksum_update16(load_be16(icmp_ + 2), before, value));
    }

    std::uint8_t* icmp_;
    std::uint8_t* tcp_;
    bool has_checksum_;
};

} // namespace

std::optional<IcmpQuote> parse_icmp_quote(const std::uint8_t* frame,
                                          const ParsedPacket& packet) noexcept {
    IcmpQuote out;
    if (packet.fragment || !error_kind(packet, out.kind) ||
        packet.payload_offset != packet.l4_offset + kIcmpHeader) {
        return std::nullopt;
    }
    const std::uint8_t* ip = frame + packet.payload_offset;
    const unsigned header = quoted_ip(ip, packet.payload_length, packet.ip_version == 6, out);
    if (header == 0 || header + kTcpMinimum > packet.payload_length) {
        return std::nullopt;
    }
    out.icmp_offset = packet.l4_offset;
    out.tcp_offset = static_cast<std::uint16_t>(packet.payload_offset + header);
    out.tcp_bytes = static_cast<std::uint16_t>(packet.payload_length - header);
    const std::uint8_t* tcp = frame + out.tcp_offset;
    out.src_port = load_be16(tcp);
    out.dst_port = load_be16(tcp + 2);
    out.seq = load_be32(tcp + 4);
    return out;
}

void edit_icmp_quote(std::uint8_t* frame, const IcmpQuote& quote, const QuoteEdit& edit) noexcept {
    QuoteWriter w(frame, quote);
    w.put16(0, edit.src_port);
    w.put16(2, edit.dst_port);
    w.add32(4, edit.seq_add);
    if (quote.tcp_bytes >= 12) {
        w.add32(8, edit.ack_add);
    }
    const std::uint8_t* tcp = frame + quote.tcp_offset;
    const unsigned header = quote.tcp_bytes >= 20 ? (tcp[12] >> 4) * 4U : 0;
    if ((edit.ts_val_add | edit.ts_ecr_add) == 0 || header < 20 || header > quote.tcp_bytes) {
        return;
    }
    const TcpOptions options = parse_tcp_options(tcp, header);
    if (options.timestamps && options.ts_offset % 2 == 0) { // every known sender aligns them
        w.add32(options.ts_offset, edit.ts_val_add);
        w.add32(options.ts_offset + 4U, edit.ts_ecr_add);
    }
}

} // namespace foregate::dataplane
