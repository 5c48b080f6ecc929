// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/packet/address_rules.h"

#include <algorithm>

namespace foregate::dataplane {

namespace {

constexpr std::uint8_t kProtoIgmp = 2;
constexpr std::uint16_t kDhcpServerPort = 67;

bool is_zero(const IpAddress& a, unsigned from) noexcept {
    return std::all_of(a.bytes.begin() + from, a.bytes.end(), [](std::uint8_t byte) { return byte == 0; });
}

bool is_link_local_v6(const IpAddress& a) noexcept { return a.bytes[0] == 0xfe && (a.bytes[1] & 0xc0) == 0x80; }
bool is_multicast_v6(const IpAddress& a) noexcept { return a.bytes[0] == 0xff; }
bool is_link_local_v4(std::uint32_t a) noexcept { return (a >> 16) == 0xa9fe; }
bool is_multicast_v4(std::uint32_t a) noexcept { return (a >> 28) == 0xe; }

AddressRule judge_v4(const ParsedPacket& p) noexcept {
    const std::uint32_t src = p.src.v4();
    const std::uint32_t dst = p.dst.v4();
    const bool everybody = dst == 0xffffffff || is_multicast_v4(dst);
    if (src == 0) { // a host that has no address yet asks for one, or reports its groups (RFC 2131, RFC 3376)
        const bool asks = p.protocol == kProtoUdp && p.dst_port == kDhcpServerPort && !p.later_fragment;
        const bool reports = p.protocol == kProtoIgmp && is_multicast_v4(dst);
        return everybody && (asks || reports) ? AddressRule::kernel : AddressRule::martian_source;
    }
    if ((src >> 24) == 0 || (src >> 24) == 127 || src >= 0xe0000000) {
        return AddressRule::martian_source;
    }
    if (everybody || is_link_local_v4(dst)) {
        return AddressRule::kernel;
    }
    if ((dst >> 24) == 0 || (dst >> 24) == 127 || dst >= 0xf0000000) {
        return AddressRule::martian_destination;
    }
    return is_link_local_v4(src) ? AddressRule::martian_source : AddressRule::ordinary; // RFC 3927 2.7
}

AddressRule judge_v6(const ParsedPacket& p) noexcept {
    if (is_zero(p.src, 0)) { // duplicate address detection, router solicitation, group reports (RFC 4861, RFC 3810)
        return p.protocol == kProtoIcmpv6 && is_multicast_v6(p.dst) ? AddressRule::kernel : AddressRule::martian_source;
    }
    if (is_multicast_v6(p.src) || load_be32(p.src.bytes.data()) == 0) {
        return AddressRule::martian_source;
    }
    if (is_multicast_v6(p.dst) || is_link_local_v6(p.dst)) {
        return AddressRule::kernel;
    }
    if (load_be32(p.dst.bytes.data()) == 0) {
        return AddressRule::martian_destination;
    }
    // Beyond the scope of its source: the kernel says so to the sender (RFC 4443 3.1, code 2).
    return is_link_local_v6(p.src) ? AddressRule::kernel : AddressRule::ordinary;
}

} // namespace

AddressRule judge_addresses(const ParsedPacket& p) noexcept {
    if (p.src == p.dst) {
        return AddressRule::land;
    }
    return p.ip_version == 4 ? judge_v4(p) : judge_v6(p);
}

} // namespace foregate::dataplane
