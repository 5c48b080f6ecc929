// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/classify/gtp_payload.h"

#include "dataplane/packet/parse.h"

#include <cstddef>

namespace foregate::dataplane {

namespace {

constexpr std::uint8_t kUserData = 0xff; ///< message type of a G-PDU
constexpr std::size_t kHeader = 8;
constexpr std::size_t kOptionalFields = 4; ///< sequence number, N-PDU number, next extension
constexpr int kMostExtensions = 4;

/// What is behind the GTP header; empty when it is none of a G-PDU.
std::span<const std::uint8_t> behind_gtp(std::span<const std::uint8_t> datagram) noexcept {
    if (datagram.size() < kHeader || (datagram[0] & 0xf0) != 0x30 || datagram[1] != kUserData) {
        return {};
    }
    std::size_t at = kHeader;
    if ((datagram[0] & 0x07) == 0) {
        return datagram.subspan(at);
    }
    at += kOptionalFields;
    if (datagram.size() < at) {
        return {};
    }
    std::uint8_t next = (datagram[0] & 0x04) != 0 ? datagram[at - 1] : std::uint8_t{0};
    for (int i = 0; i < kMostExtensions && next != 0; ++i) {
        if (datagram.size() <= at || datagram[at] == 0 || datagram.size() < at + datagram[at] * std::size_t{4}) {
            return {};
        }
        at += datagram[at] * std::size_t{4};
        next = datagram[at - 1];
    }
    return next == 0 ? datagram.subspan(at) : std::span<const std::uint8_t>();
}

/// Behind the IP header, which must be no fragment's; empty when it is no IP.
std::span<const std::uint8_t> behind_ip(std::span<const std::uint8_t> packet, std::uint8_t& protocol) noexcept {
    if (packet.size() >= 20 && packet[0] >> 4 == 4) {
        const std::size_t header = (packet[0] & 0x0fU) * 4U;
        if (header < 20 || packet.size() < header || (load_be16(packet.data() + 6) & 0x3fff) != 0) {
            return {};
        }
        protocol = packet[9];
        return packet.subspan(header);
    }
    if (packet.size() >= 40 && packet[0] >> 4 == 6) {
        protocol = packet[6];
        return packet.subspan(40);
    }
    return {};
}

} // namespace

bool parse_gtp_payload(std::span<const std::uint8_t> datagram, GtpPayload& out) noexcept {
    out = GtpPayload{};
    const auto segment = behind_ip(behind_gtp(datagram), out.protocol);
    std::size_t header = 8;
    if (out.protocol == kProtoTcp && segment.size() >= 20) {
        header = (segment[12] >> 4) * std::size_t{4};
        if (header < 20) {
            return false;
        }
    } else if (out.protocol != kProtoUdp) {
        return false;
    }
    if (segment.size() < header) {
        return false;
    }
    out.src_port = load_be16(segment.data());
    out.dst_port = load_be16(segment.data() + 2);
    out.payload = segment.subspan(header);
    return true;
}

} // namespace foregate::dataplane
