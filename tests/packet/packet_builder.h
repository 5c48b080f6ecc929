// SPDX-License-Identifier: BSD-3-Clause
// Frames written field by field, for tests: `packet().ipv4("10.0.0.1", "10.0.0.2").tcp(4000,
// 80).syn()`. Lengths and checksums are filled in by build(), by code of its own that shares
// nothing with the code under test.
#pragma once

#include "dataplane/packet/ip_address.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace foregate::packet_test {

using Bytes = std::vector<std::uint8_t>;
using Mac = std::array<std::uint8_t, 6>;

inline void put16(Bytes& to, unsigned value) {
    to.push_back(static_cast<std::uint8_t>(value >> 8));
    to.push_back(static_cast<std::uint8_t>(value));
}
inline void put32(Bytes& to, std::uint32_t value) {
    put16(to, value >> 16);
    put16(to, value & 0xffff);
}
inline void put(Bytes& to, const Bytes& more) {
    to.insert(to.end(), more.begin(), more.end());
}
inline void set16(Bytes& in, std::size_t at, unsigned value) {
    in[at] = static_cast<std::uint8_t>(value >> 8);
    in[at + 1] = static_cast<std::uint8_t>(value);
}
inline Bytes bytes_of(std::string_view text) {
    return {text.begin(), text.end()};
}

/// RFC 1071 over all of `bytes`: 0 when they include a checksum that is right.
inline std::uint16_t ones_complement_sum(const Bytes& bytes) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        sum += i % 2 == 0 ? bytes[i] * 256U : bytes[i];
    }
    while (sum > 0xffff) {
        sum = sum % 0x10000 + sum / 0x10000;
    }
    return static_cast<std::uint16_t>(0xffff - sum);
}

inline Bytes wire_address(const dataplane::IpAddress& a) {
    return a.is_v4() ? Bytes(a.bytes.begin() + 12, a.bytes.end())
                     : Bytes(a.bytes.begin(), a.bytes.end());
}

/// The pseudo header of RFC 9293 or RFC 8200, followed by the message.
inline Bytes with_pseudo_header(const dataplane::IpAddress& src, const dataplane::IpAddress& dst,
                                std::uint8_t protocol, const Bytes& message) {
    Bytes all = wire_address(src);
    put(all, wire_address(dst));
    put32(all, static_cast<std::uint32_t>(message.size()));
    put32(all, protocol);
    put(all, message);
    return all;
}

inline dataplane::IpAddress address(std::string_view text) {
    const auto parsed = dataplane::IpAddress::parse(text);
    if (!parsed) {
        throw std::invalid_argument("no address: " + std::string(text));
    }
    return *parsed;
}

/// TCP options in the order they are named; padded by build().
class TcpOptionList {
public:
    TcpOptionList& mss(unsigned value) { return raw(2, 4).word(value); }
    TcpOptionList& ws(unsigned shift) {
        raw(3, 3);
        bytes_.push_back(static_cast<std::uint8_t>(shift));
        return *this;
    }
    TcpOptionList& sack() { return raw(4, 2); }
    TcpOptionList& ts(std::uint32_t value, std::uint32_t echo) {
        raw(8, 10);
        put32(bytes_, value);
        put32(bytes_, echo);
        return *this;
    }
    TcpOptionList& nop() {
        bytes_.push_back(1);
        return *this;
    }
    [[nodiscard]] Bytes padded() const {
        Bytes out = bytes_;
        while (out.size() % 4 != 0) {
            out.push_back(1);
        }
        return out;
    }

private:
    TcpOptionList& raw(unsigned kind, unsigned length) {
        bytes_.push_back(static_cast<std::uint8_t>(kind));
        bytes_.push_back(static_cast<std::uint8_t>(length));
        return *this;
    }
    TcpOptionList& word(unsigned value) {
        put16(bytes_, value);
        return *this;
    }
    Bytes bytes_;
};

inline TcpOptionList mss(unsigned value) {
    return TcpOptionList().mss(value);
}
inline TcpOptionList ts(std::uint32_t value, std::uint32_t echo) {
    return TcpOptionList().nop().nop().ts(value, echo);
}

class PacketBuilder {
public:
    // --- Ethernet: left open, the addresses are the rig's ---
    PacketBuilder& eth(const Mac& dst, const Mac& src) {
        dst_mac_ = dst;
        src_mac_ = src;
        mac_given_ = true;
        return *this;
    }
    PacketBuilder& ethertype(unsigned type) {
        ethertype_ = type;
        return *this;
    }
    /// An 802.1Q tag (`type` 0x88a8: a provider's), outer first: priority and VLAN.
    PacketBuilder& vlan(unsigned control, unsigned type = 0x8100) {
        put16(tags_, type);
        put16(tags_, control);
        return *this;
    }
    // --- network ---
    PacketBuilder& ipv4(std::string_view src, std::string_view dst) { return ip(4, src, dst); }
    PacketBuilder& ipv6(std::string_view src, std::string_view dst) { return ip(6, src, dst); }
    PacketBuilder& ttl(unsigned value) {
        ttl_ = static_cast<std::uint8_t>(value);
        return *this;
    }
    /// A payload without a transport header of ours: another protocol, or a later fragment.
    PacketBuilder& protocol(unsigned value) {
        protocol_ = static_cast<std::uint8_t>(value);
        headless_ = true;
        return *this;
    }
    /// Flags and offset as they stand in the IPv4 header.
    PacketBuilder& fragment_field(unsigned value) {
        fragment_ = value;
        return *this;
    }
    PacketBuilder& ip_id(unsigned value) {
        ip_id_ = value;
        return *this;
    }
    /// Options of the IPv4 header, a multiple of four bytes.
    PacketBuilder& ipv4_options(const Bytes& options) {
        ip_options_ = options;
        return *this;
    }
    /// An IPv6 extension header: its own first byte (the next header) is filled in.
    PacketBuilder& extension(unsigned kind, Bytes body) {
        extensions_.push_back({static_cast<std::uint8_t>(kind), std::move(body)});
        return *this;
    }
    // --- transport ---
    PacketBuilder& tcp(unsigned src_port, unsigned dst_port) {
        return transport(6, src_port, dst_port);
    }
    PacketBuilder& udp(unsigned src_port, unsigned dst_port) {
        return transport(17, src_port, dst_port);
    }
    /// `rest`: the four bytes behind the checksum.
    PacketBuilder& icmp(unsigned type, unsigned code, std::uint32_t rest = 0) {
        transport(version_ == 6 ? 58 : 1, type, code);
        icmp_rest_ = rest;
        return *this;
    }
    PacketBuilder& seq(std::uint32_t value) {
        seq_ = value;
        return *this;
    }
    /// Sets the flag and the field.
    PacketBuilder& ack(std::uint32_t value) {
        ack_ = value;
        return flag(0x10);
    }
    PacketBuilder& syn() { return flag(0x02); }
    PacketBuilder& fin() { return flag(0x01); }
    PacketBuilder& rst() { return flag(0x04); }
    PacketBuilder& psh() { return flag(0x08); }
    PacketBuilder& window(unsigned value) {
        window_ = value;
        return *this;
    }
    PacketBuilder& options(const TcpOptionList& list) {
        options_ = list.padded();
        return *this;
    }
    PacketBuilder& payload(const Bytes& bytes) {
        payload_ = bytes;
        return *this;
    }
    PacketBuilder& payload(std::string_view text) { return payload(bytes_of(text)); }
    PacketBuilder& payload_of_size(std::size_t size) { return payload(Bytes(size, 'x')); }
    /// Bytes behind the IP packet, as a switch pads short frames.
    PacketBuilder& padding(std::size_t size) {
        padding_ = size;
        return *this;
    }

    [[nodiscard]] bool mac_given() const noexcept { return mac_given_; }
    [[nodiscard]] const dataplane::IpAddress& source() const noexcept { return src_; }

    /// The IP packet without Ethernet: what an ICMP error quotes.
    [[nodiscard]] Bytes ip_packet() const {
        Bytes inside = transport_bytes();
        std::uint8_t next = protocol_;
        for (auto it = extensions_.rbegin(); it != extensions_.rend(); ++it) {
            Bytes header = it->body;
            header.insert(header.begin(), next);
            header.insert(header.end(), inside.begin(), inside.end());
            inside = std::move(header);
            next = it->kind;
        }
        Bytes out = version_ == 4 ? ipv4_header(inside.size()) : ipv6_header(inside.size(), next);
        put(out, inside);
        return out;
    }
    [[nodiscard]] Bytes build() const {
        Bytes out(dst_mac_.size() + src_mac_.size());
        std::copy(dst_mac_.begin(), dst_mac_.end(), out.begin());
        std::copy(src_mac_.begin(), src_mac_.end(), out.begin() + 6);
        put(out, tags_);
        put16(out, ethertype_);
        put(out, version_ == 0 ? payload_ : ip_packet());
        out.resize(out.size() + padding_, 0xee);
        return out;
    }

private:
    struct Extension {
        std::uint8_t kind;
        Bytes body;
    };
    PacketBuilder& ip(unsigned version, std::string_view src, std::string_view dst) {
        version_ = version;
        ethertype_ = version == 4 ? 0x0800 : 0x86dd;
        src_ = address(src);
        dst_ = address(dst);
        return *this;
    }
    PacketBuilder& transport(unsigned protocol, unsigned first, unsigned second) {
        protocol_ = static_cast<std::uint8_t>(protocol);
        headless_ = false;
        first_ = first;
        second_ = second;
        return *this;
    }
    PacketBuilder& flag(unsigned bit) {
        flags_ = static_cast<std::uint8_t>(flags_ | bit);
        return *this;
    }
    [[nodiscard]] Bytes ipv4_header(std::size_t inside) const {
        Bytes h;
        h.push_back(static_cast<std::uint8_t>(0x45 + ip_options_.size() / 4));
        h.push_back(0);
        put16(h, static_cast<unsigned>(20 + ip_options_.size() + inside));
        put16(h, ip_id_);
        put16(h, fragment_);
        h.push_back(ttl_);
        h.push_back(protocol_);
        put16(h, 0);
        put(h, wire_address(src_));
        put(h, wire_address(dst_));
        put(h, ip_options_);
        set16(h, 10, ones_complement_sum(h));
        return h;
    }
    [[nodiscard]] Bytes ipv6_header(std::size_t inside, std::uint8_t next) const {
        Bytes h;
        put32(h, 0x60000000);
        put16(h, static_cast<unsigned>(inside));
        h.push_back(next);
        h.push_back(ttl_);
        put(h, wire_address(src_));
        put(h, wire_address(dst_));
        return h;
    }
    [[nodiscard]] Bytes transport_bytes() const {
        if (headless_) {
            return payload_;
        }
        Bytes m;
        std::size_t checksum_at = 0;
        if (protocol_ == 6) {
            put16(m, first_);
            put16(m, second_);
            put32(m, seq_);
            put32(m, ack_);
            m.push_back(static_cast<std::uint8_t>((20 + options_.size()) / 4 << 4));
            m.push_back(flags_);
            put16(m, window_);
            put32(m, 0);
            put(m, options_);
            checksum_at = 16;
        } else if (protocol_ == 17) {
            put16(m, first_);
            put16(m, second_);
            put16(m, static_cast<unsigned>(8 + payload_.size()));
            put16(m, 0);
            checksum_at = 6;
        } else if (protocol_ == 1 || protocol_ == 58) {
            m.push_back(static_cast<std::uint8_t>(first_));
            m.push_back(static_cast<std::uint8_t>(second_));
            put16(m, 0);
            put32(m, icmp_rest_);
            checksum_at = 2;
        }
        put(m, payload_);
        if (checksum_at != 0) {
            const Bytes summed = protocol_ == 1 ? m : with_pseudo_header(src_, dst_, protocol_, m);
            const unsigned sum = ones_complement_sum(summed);
            set16(m, checksum_at, protocol_ == 17 && sum == 0 ? 0xffff : sum);
        }
        return m;
    }

    Mac dst_mac_{}, src_mac_{};
    bool mac_given_ = false;
    unsigned ethertype_ = 0;
    unsigned version_ = 0; ///< 0: payload follows Ethernet at once
    dataplane::IpAddress src_{}, dst_{};
    std::uint8_t ttl_ = 64;
    std::uint8_t protocol_ = 0;
    bool headless_ = true; ///< no transport header
    unsigned fragment_ = 0x4000;
    unsigned ip_id_ = 0x1234;
    Bytes tags_; ///< type and control of each
    Bytes ip_options_;
    std::vector<Extension> extensions_;
    unsigned first_ = 0, second_ = 0; ///< ports, or ICMP type and code
    std::uint32_t seq_ = 0, ack_ = 0, icmp_rest_ = 0;
    std::uint8_t flags_ = 0;
    unsigned window_ = 64240;
    Bytes options_;
    Bytes payload_;
    std::size_t padding_ = 0;
};

inline PacketBuilder packet() {
    return {};
}

} // namespace foregate::packet_test
