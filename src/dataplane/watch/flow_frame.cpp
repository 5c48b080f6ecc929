// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/watch/flow_frame.h"

#include "dataplane/packet/checksum.h"
#include "dataplane/packet/parse.h"

#include <cstring>

namespace foregate::dataplane {

namespace {

constexpr std::size_t kEthernet = 14;

std::size_t transport_bytes(std::uint8_t protocol) noexcept { return protocol == kProtoTcp ? 20 : 8; }

void write_transport(std::uint8_t* to, std::uint8_t protocol, std::uint16_t source_port,
                     std::uint16_t destination_port) noexcept {
    if (protocol == kProtoTcp || protocol == kProtoUdp) {
        store_be16(to, source_port);
        store_be16(to + 2, destination_port);
    }
    if (protocol == kProtoTcp) {
        to[12] = 5 << 4;
        to[13] = tcp_ack;
    } else if (protocol == kProtoUdp) {
        store_be16(to + 4, 8);
    } else if (protocol == kProtoIcmp) {
        to[0] = 8; // echo request
    } else if (protocol == kProtoIcmpv6) {
        to[0] = 128;
    }
}

} // namespace

std::vector<std::uint8_t> flow_frame(const IpAddress& source, std::uint16_t source_port, const IpAddress& destination,
                                     std::uint16_t destination_port, std::uint8_t protocol) {
    const bool v4 = source.is_v4();
    const std::size_t header = v4 ? 20 : 40;
    const std::size_t transport = transport_bytes(protocol);
    std::vector<std::uint8_t> frame(kEthernet + header + transport);
    store_be16(frame.data() + 12, v4 ? 0x0800 : 0x86dd);
    std::uint8_t* ip = frame.data() + kEthernet;
    if (v4) {
        ip[0] = 0x45;
        store_be16(ip + 2, static_cast<std::uint16_t>(header + transport));
        ip[8] = 64;
        ip[9] = protocol;
        std::memcpy(ip + 12, source.v4_wire(), 4);
        std::memcpy(ip + 16, destination.v4_wire(), 4);
        store_be16(ip + 10, checksum_fold(checksum_add(ip, 20, 0)));
    } else {
        ip[0] = 0x60;
        store_be16(ip + 4, static_cast<std::uint16_t>(transport));
        ip[6] = protocol;
        ip[7] = 64;
        std::memcpy(ip + 8, source.bytes.data(), 16);
        std::memcpy(ip + 24, destination.bytes.data(), 16);
    }
    write_transport(ip + header, protocol, source_port, destination_port);
    return frame;
}

bool matches_flow(const PacketFilter& filter, const IpAddress& source, std::uint16_t source_port,
                  const IpAddress& destination, std::uint16_t destination_port, std::uint8_t protocol) {
    return filter.matches_all() ||
           filter.matches(flow_frame(source, source_port, destination, destination_port, protocol)) ||
           filter.matches(flow_frame(destination, destination_port, source, source_port, protocol));
}

} // namespace foregate::dataplane
