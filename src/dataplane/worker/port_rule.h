// SPDX-License-Identifier: BSD-3-Clause
// Which frames a port takes: what ingress needs of its settings, in one place and small.
#pragma once

#include "dataplane/device/port.h"

#include <array>
#include <cstdint>
#include <cstring>

namespace foregate::dataplane {

/// Fixed at start. A MAC address is kept as the first 48 bits of a frame load.
struct PortRule {
    static constexpr std::uint64_t kMacMask = 0xffffffffffffULL;
    static constexpr unsigned kMostMacs = 8;

    std::uint64_t mac = 0;
    std::uint16_t vlan_count = 0;
    std::array<std::uint16_t, 2> vlan{};
    bool desktop = false;
    unsigned accepted_count = 0;
    std::array<std::uint64_t, kMostMacs> accepted{}; ///< further addresses that are ours

    explicit PortRule(const Port& port) noexcept
        : mac(mac_of(port.mac().data())), desktop(port.settings().kind == PortKind::desktop) {
        const PortSettings& settings = port.settings();
        for (; vlan_count < vlan.size() && vlan_count < settings.vlan.size(); ++vlan_count) {
            vlan[vlan_count] = settings.vlan[vlan_count];
        }
        for (const auto& address : settings.accept_macs) {
            if (accepted_count < kMostMacs) {
                accepted[accepted_count++] = mac_of(address.data());
            }
        }
    }

    /// `bytes`: six of them.
    [[nodiscard]] static std::uint64_t mac_of(const std::uint8_t* bytes) noexcept {
        std::uint64_t value = 0;
        std::memcpy(&value, bytes, 6);
        return value;
    }
    [[nodiscard]] bool accepts(std::uint64_t destination) const noexcept {
        bool one = destination == mac;
        for (unsigned i = 0; i < accepted_count; ++i) {
            one = one || destination == accepted[i];
        }
        return one;
    }
};

} // namespace foregate::dataplane
