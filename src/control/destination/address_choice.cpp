// SPDX-License-Identifier: BSD-3-Clause
#include "control/destination/address_choice.h"

#include <bit>
#include <tuple>

namespace foregate::control {

namespace {

unsigned common_bits(const IpAddress& a, const IpAddress& b) noexcept {
    for (unsigned i = 0; i < a.bytes.size(); ++i) {
        const auto differ = static_cast<std::uint8_t>(a.bytes[i] ^ b.bytes[i]);
        if (differ != 0) {
            return i * 8 + static_cast<unsigned>(std::countl_zero(differ));
        }
    }
    return 128;
}

} // namespace

bool is_unique_local(const IpAddress& a) noexcept {
    return (a.bytes[0] & 0xfe) == 0xfc;
}

bool is_link_local(const IpAddress& a) noexcept {
    if (a.is_v4()) {
        return a.bytes[12] == 169 && a.bytes[13] == 254;
    }
    return a.bytes[0] == 0xfe && (a.bytes[1] & 0xc0) == 0x80;
}

std::optional<IpAddress> source_for(const IpAddress& server,
                                    std::span<const IpAddress> own) noexcept {
    std::optional<IpAddress> best;
    std::tuple<bool, unsigned> best_rank;
    for (const IpAddress& a : own) {
        if (a.is_v4() != server.is_v4() || is_link_local(a) != is_link_local(server)) {
            continue;
        }
        const std::tuple<bool, unsigned> rank{is_unique_local(a) == is_unique_local(server),
                                              common_bits(a, server)};
        if (!best || rank > best_rank) {
            best = a;
            best_rank = rank;
        }
    }
    return best;
}

bool prefers_v6(const IpAddress& server_v6, const IpAddress& source_v6,
                GuestSystem guest) noexcept {
    if (is_unique_local(server_v6) != is_unique_local(source_v6)) {
        return false; // rule 5: the labels match for IPv4 and not for IPv6
    }
    return !(guest == GuestSystem::windows_guest && is_unique_local(server_v6)); // rule 6
}

} // namespace foregate::control
