// SPDX-License-Identifier: BSD-3-Clause
#include "dataplane/tables/route_table.h"

namespace foregate::dataplane {

namespace {

constexpr std::size_t kMostHops = 65'536;

} // namespace

RouteTable::RouteTable(const std::vector<std::pair<IpPrefix, Route>>& routes, const std::vector<IpAddress>& own,
                       const std::unordered_map<IpAddress, MacAddress, IpAddressHash>& neighbours)
    : hops_(1), own_(own) {
    std::sort(own_.begin(), own_.end());
    for (const IpAddress& a : own_) {
        own_bits_[own_bit(a) / 64] |= std::uint64_t{1} << (own_bit(a) % 64);
    }
    const auto add = [this](const Hop& hop) {
        if (hops_.size() >= kMostHops) {
            return std::uint16_t{0};
        }
        hops_.push_back(hop);
        return static_cast<std::uint16_t>(hops_.size() - 1);
    };
    std::vector<std::pair<IpPrefix, RouteEntry>> entries;
    std::unordered_map<std::uint16_t, std::uint16_t> unresolved; ///< by port
    for (const auto& [prefix, route] : routes) {
        RouteEntry entry{route.port, route.has_gateway, 0};
        const auto gateway = route.has_gateway ? neighbours.find(route.gateway) : neighbours.end();
        if (gateway != neighbours.end()) {
            entry.hop = add(Hop{Hop::Kind::forward, route.port, gateway->second});
        } else {
            auto [known, fresh] = unresolved.try_emplace(route.port, std::uint16_t{0});
            if (fresh) {
                known->second = add(Hop{Hop::Kind::kernel, route.port, {}});
            }
            entry.hop = known->second;
        }
        entries.emplace_back(prefix, entry);
    }
    routes_ = PrefixMap<RouteEntry>(entries);
    std::vector<std::pair<IpAddress, Neighbour>> resolved;
    for (const auto& [address, mac] : neighbours) {
        const RouteEntry* route = routes_.find(address);
        if (route != nullptr && !route->has_gateway) {
            if (const std::uint16_t number = add(Hop{Hop::Kind::forward, route->port, mac}); number != 0) {
                resolved.emplace_back(address, Neighbour{number, route->port});
            }
        }
    }
    neighbours_ = FrozenMap<IpAddress, Neighbour, IpAddressHash>(resolved);
}

} // namespace foregate::dataplane
