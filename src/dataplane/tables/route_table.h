// SPDX-License-Identifier: BSD-3-Clause
// Where a packet goes: the kernel's routes and neighbours as the workers see them. Immutable once published.
#pragma once

#include "dataplane/packet/prefix_map.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace foregate::dataplane {

using MacAddress = std::array<std::uint8_t, 6>;

/// One route: out of `port`, to `gateway` or, without one, to the destination itself.
struct Route {
    std::uint16_t port = 0;
    bool has_gateway = false;
    IpAddress gateway{};
};

/// The answer for one destination.
struct Hop {
    enum class Kind : std::uint8_t {
        forward, ///< out of `port` to `mac`
        kernel,  ///< own address, multicast, no route, or a neighbour the kernel has yet to resolve
    };
    Kind kind = Kind::kernel;
    std::uint16_t port = kNoPort; ///< also set for an unresolved neighbour
    MacAddress mac{};
    static constexpr std::uint16_t kNoPort = 0xffff;
};

class RouteTable {
public:
    RouteTable() = default;
    /// `own`: addresses of the twins. `neighbours`: address to MAC; addresses are unique over the ports.
    RouteTable(const std::vector<std::pair<IpPrefix, Route>>& routes, const std::vector<IpAddress>& own,
               std::unordered_map<IpAddress, MacAddress, IpAddressHash> neighbours)
        : routes_(routes), neighbours_(std::move(neighbours)), own_(own) {
        std::sort(own_.begin(), own_.end());
        for (const IpAddress& a : own_) {
            own_bits_[own_bit(a) / 64] |= std::uint64_t{1} << (own_bit(a) % 64);
        }
        std::vector<std::pair<IpPrefix, bool>> local;
        for (const auto& a : own) {
            local.emplace_back(IpPrefix{a, static_cast<std::uint8_t>(a.is_v4() ? 32 : 128)}, true);
        }
        for (const char* text : {"224.0.0.0/4", "255.255.255.255/32", "127.0.0.0/8", "0.0.0.0/8", "ff00::/8",
                                 "fe80::/10", "::/127", "169.254.0.0/16"}) {
            local.emplace_back(*IpPrefix::parse(text), true);
        }
        local_ = PrefixMap<bool>(local);
    }

    [[nodiscard]] bool is_local(const IpAddress& a) const noexcept { return local_.find(a) != nullptr; }

    /// One of the twins' own addresses. Asked of every packet: for nearly all others a bit answers.
    [[nodiscard]] bool is_own(const IpAddress& a) const noexcept {
        const unsigned bit = own_bit(a);
        return ((own_bits_[bit / 64] >> (bit % 64)) & 1) != 0 && std::binary_search(own_.begin(), own_.end(), a);
    }

    [[nodiscard]] Hop lookup(const IpAddress& destination) const noexcept {
        Hop hop;
        if (is_local(destination)) {
            return hop;
        }
        const Route* route = routes_.find(destination);
        if (route == nullptr) {
            return hop;
        }
        hop.port = route->port;
        const auto found = neighbours_.find(route->has_gateway ? route->gateway : destination);
        if (found != neighbours_.end()) {
            hop.kind = Hop::Kind::forward;
            hop.mac = found->second;
        }
        return hop;
    }

    [[nodiscard]] std::size_t neighbour_count() const noexcept { return neighbours_.size(); }

private:
    static unsigned own_bit(const IpAddress& a) noexcept {
        std::uint32_t last;
        std::memcpy(&last, a.bytes.data() + 12, sizeof last);
        return (last * 0x9e3779b1U) >> 22;
    }

    PrefixMap<Route> routes_;
    PrefixMap<bool> local_;
    std::unordered_map<IpAddress, MacAddress, IpAddressHash> neighbours_;
    std::vector<IpAddress> own_;                 ///< sorted
    std::array<std::uint64_t, 16> own_bits_{};   ///< by own_bit()
};

} // namespace foregate::dataplane
