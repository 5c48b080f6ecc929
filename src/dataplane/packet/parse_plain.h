// SPDX-License-Identifier: BSD-3-Clause
// parse() for those who call it for every packet. Two ways to the same answer: plain_ipv4() takes what nearly all packets
// are, in a straight line, and says no to everything else; parse_any() knows every form and names what is wrong.
#pragma once

#include "dataplane/packet/parse.h"

#include <cstring>

namespace foregate::dataplane {

namespace detail {

inline constexpr std::uint32_t kEthernetHeader = 14;

template <typename T> [[nodiscard]] T load_native(const std::uint8_t* p) noexcept {
    T value;
    std::memcpy(&value, p, sizeof value);
    return value;
}

/// The 16-bit sum of a header with its checksum is 0xffff, in either byte order (RFC 1071).
[[nodiscard]] inline bool folds_to_ones(std::uint64_t sum) noexcept {
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return sum == 0xffff;
}

[[nodiscard]] inline bool plain_checksum_right(const std::uint8_t* ip) noexcept {
    const auto a = load_native<std::uint64_t>(ip);
    const auto b = load_native<std::uint64_t>(ip + 8);
    return folds_to_ones((a & 0xffffffff) + (a >> 32) + (b & 0xffffffff) + (b >> 32) +
                         load_native<std::uint32_t>(ip + 16));
}

/// IpAddress::from_v4_wire() as two stores.
inline void store_v4(IpAddress& to, const std::uint8_t* wire) noexcept {
    static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
    const std::uint64_t words[2] = {0, 0xffff0000ULL | static_cast<std::uint64_t>(load_native<std::uint32_t>(wire)) << 32};
    std::memcpy(to.bytes.data(), words, sizeof words);
}

/// Untagged IPv4 without options, no fragment, TCP or UDP, and nothing wrong with it: filled in and true.
[[nodiscard]] inline bool plain_ipv4(const std::uint8_t* frame, std::uint32_t length, ParsedPacket& out,
                HeaderChecksum checksum) noexcept {
    if (length < kEthernetHeader + 28 || length > 0xffff) {
        return false;
    }
    const std::uint8_t* ip = frame + kEthernetHeader;
    const std::uint8_t* l4 = ip + 20;
    const bool plain = (load_native<std::uint32_t>(frame + 12) & 0xffffff) == 0x450008; // IPv4, 20 bytes of header
    const bool whole = (load_native<std::uint16_t>(ip + 6) & 0xff3f) == 0;
    const std::uint32_t total = load_be16(ip + 2);
    if (!(plain & whole & (total >= 28) & (kEthernetHeader + total <= length))) {
        return false;
    }
    if (checksum == HeaderChecksum::verify && !plain_checksum_right(ip)) {
        return false;
    }
    const std::uint32_t left = total - 20;
    std::uint32_t header = 8;
    std::uint8_t flags = 0;
    if (ip[9] == kProtoTcp) {
        if (left < 20) {
            return false;
        }
        header = static_cast<std::uint32_t>(l4[12] >> 4) * 4;
        flags = l4[13];
        if ((header < 20) | (header > left)) {
            return false;
        }
    } else if (ip[9] == kProtoUdp) {
        const std::uint32_t udp_length = load_be16(l4 + 4);
        if ((udp_length < 8) | (udp_length > left)) {
            return false;
        }
    } else {
        return false;
    }
    store_v4(out.src, ip + 12);
    store_v4(out.dst, ip + 16);
    out.src_port = load_be16(l4);
    out.dst_port = load_be16(l4 + 2);
    out.protocol = ip[9];
    out.ip_version = 4;
    out.tcp_flags = flags;
    out.ttl = ip[8];
    out.icmp_type = 0;
    out.icmp_code = 0;
    out.fragment = false;
    out.later_fragment = false;
    out.l3_offset = kEthernetHeader;
    out.l4_offset = kEthernetHeader + 20;
    out.payload_offset = static_cast<std::uint16_t>(kEthernetHeader + 20 + header);
    out.payload_length = static_cast<std::uint16_t>(left - header);
    out.ip_length = static_cast<std::uint16_t>(total);
    out.fragment_at = 0;
    out.vlan_count = 0;
    return true;
}

} // namespace detail

/// As parse(), for every form.
[[nodiscard]] ParseResult parse_any(const std::uint8_t* frame, std::uint32_t length, ParsedPacket& out,
                                    HeaderChecksum checksum) noexcept;

/// As parse(), without a call for a plain packet.
[[nodiscard]] inline ParseResult parse_inline(const std::uint8_t* frame, std::uint32_t length, ParsedPacket& out,
                                              HeaderChecksum checksum) noexcept {
    if (detail::plain_ipv4(frame, length, out, checksum)) [[likely]] {
        return ParseResult::ip;
    }
    return parse_any(frame, length, out, checksum);
}

} // namespace foregate::dataplane
