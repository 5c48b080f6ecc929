// SPDX-License-Identifier: BSD-3-Clause
// 802.1Q and 802.1ad tags: taken out of a frame, and written into one. In place; the addresses move, the rest stays.
#pragma once

#include "dataplane/packet/parse.h"

#include <cstdint>
#include <cstring>
#include <span>

namespace foregate::dataplane {

inline constexpr unsigned kVlanTagBytes = 4;

/// Moves the addresses over `tags` tags; the frame then begins `tags * kVlanTagBytes` later. The offsets of `packet`
/// follow, and its tags are forgotten.
inline void remove_vlan_tags(std::uint8_t* frame, ParsedPacket& packet) noexcept {
    const auto bytes = static_cast<std::uint16_t>(packet.vlan_count * kVlanTagBytes);
    std::memmove(frame + bytes, frame, 12);
    for (std::uint16_t* offset : {&packet.l3_offset, &packet.l4_offset, &packet.payload_offset, &packet.fragment_at}) {
        *offset = static_cast<std::uint16_t>(*offset >= bytes ? *offset - bytes : 0);
    }
    packet.vlan_count = 0;
}

/// `frame` has `ids.size() * kVlanTagBytes` free bytes in front of the addresses of the frame as it was. Of two tags the
/// outer one is a provider's (802.1ad). Priority 0.
inline void write_vlan_tags(std::uint8_t* frame, std::span<const std::uint16_t> ids) noexcept {
    std::memmove(frame, frame + ids.size() * kVlanTagBytes, 12);
    std::uint8_t* tag = frame + 12;
    for (std::size_t i = 0; i < ids.size(); ++i, tag += kVlanTagBytes) {
        store_be16(tag, i + 1 < ids.size() ? 0x88a8 : 0x8100);
        store_be16(tag + 2, ids[i]);
    }
}

} // namespace foregate::dataplane
