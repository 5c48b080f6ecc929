// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/splice/icmp_quote.h"

#include "dataplane/packet/checksum.h"

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

/// Length of the quoted IP header, 0 when it is no first fragment of a TCP packet.
unsigned quoted_ip(const std::uint8_t* ip, unsigned left, bool v6, IcmpQuote& out) noexcept {
    if (v6) {
        if (left < 40 || (ip[0] >> 4) != 6 || ip[6] != kProtoTcp) {
            return 0;
        }
        out.src = IpAddress::from_v6_wire(ip + 8);
        out.dst = IpAddress::from_v6_wire(ip + 24);
        return out.src.is_v4() || out.dst.is_v4() ? 0 : 40;
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
}

} // namespace foregate::dataplane
