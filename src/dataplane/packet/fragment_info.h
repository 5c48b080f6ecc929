// SPDX-License-Identifier: BSD-3-Clause
// What the headers of a fragment say of its place in the packet. Pure.
#pragma once

#include "dataplane/packet/parse.h"

#include <cstdint>

namespace foregate::dataplane {

struct FragmentInfo {
    std::uint32_t id = 0;
    std::uint32_t offset = 0; ///< bytes
    std::uint32_t length = 0; ///< bytes of the packet's data in this fragment
    bool last = false;
};

/// `packet` is what parse() said of `frame`, and a fragment.
[[nodiscard]] inline FragmentInfo fragment_info(const std::uint8_t* frame, const ParsedPacket& packet) noexcept {
    const std::uint32_t end = std::uint32_t{packet.l3_offset} + packet.ip_length;
    FragmentInfo info;
    if (packet.ip_version == 4) {
        const std::uint8_t* ip = frame + packet.l3_offset;
        const std::uint16_t field = load_be16(ip + 6);
        info.id = load_be16(ip + 4);
        info.offset = (field & 0x1fffU) * 8;
        info.length = end - packet.l3_offset - (ip[0] & 0x0fU) * 4;
        info.last = (field & 0x2000) == 0;
    } else {
        const std::uint8_t* header = frame + packet.fragment_at;
        const std::uint16_t field = load_be16(header + 2);
        info.id = load_be32(header + 4);
        info.offset = field & 0xfff8U;
        info.length = end - packet.fragment_at - 8;
        info.last = (field & 1) == 0;
    }
    return info;
}

} // namespace foregate::dataplane
