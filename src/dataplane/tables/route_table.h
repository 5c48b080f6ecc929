// SPDX-License-Identifier: BSD-3-Clause
// Where a packet goes: the kernel's routes and neighbours as the workers see them. Immutable once published.
#pragma once

#include "dataplane/packet/address_rules.h"
#include "dataplane/packet/frozen_map.h"
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
struct alignas(16) Hop {
    enum class Kind : std::uint8_t {
        forward, ///< out of `port` to `mac`
        kernel,  ///< own address, multicast, no route, or a neighbour the kernel has yet to resolve
    };
    Kind kind = Kind::kernel;
    std::uint16_t port = kNoPort; ///< also set for an unresolved neighbour
    MacAddress mac{};
    static constexpr std::uint16_t kNoPort = 0xffff;
};

/// Answers are numbered, so that a flow can keep one in two bytes. Number 0 is "to the kernel, no port".
class RouteTable {
public:
    RouteTable() : hops_(1) {}
    /// `own`: addresses of the twins. `neighbours`: address to MAC; addresses are unique over the ports. A neighbour
    /// beyond number 65,535 counts as unresolved: its packets go by the kernel.
    RouteTable(const std::vector<std::pair<IpPrefix, Route>>& routes, const std::vector<IpAddress>& own,
               const std::unordered_map<IpAddress, MacAddress, IpAddressHash>& neighbours);

    /// One of the twins' own addresses: for nearly all others a bit answers.
    [[nodiscard]] bool is_own(const IpAddress& a) const noexcept {
        const unsigned bit = own_bit(a);
        return ((own_bits_[bit / 64] >> (bit % 64)) & 1) != 0 && std::binary_search(own_.begin(), own_.end(), a);
    }

    /// The kernel's, whatever the routes say: the twins' own, and all that is no single host's.
    [[nodiscard]] bool is_local(const IpAddress& a) const noexcept {
        return !is_host(a, a.is_v4() ? 4 : 6) || is_own(a);
    }

    /// The number of the answer for `destination`; only good for this table.
    [[nodiscard]] std::uint16_t lookup_number(const IpAddress& destination) const noexcept {
        if (is_local(destination)) {
            return 0;
        }
        const RouteEntry* route = routes_.find(destination);
        if (route == nullptr) {
            return 0;
        }
        if (route->has_gateway) {
            return route->hop;
        }
        const Neighbour* found = neighbours_.find(destination);
        return found != nullptr && found->port == route->port ? found->hop : route->hop;
    }
    [[nodiscard]] const Hop& hop(std::uint16_t number) const noexcept { return hops_[number]; }
    [[nodiscard]] const Hop& lookup(const IpAddress& destination) const noexcept {
        return hops_[lookup_number(destination)];
    }

    /// Fetches what lookup_number(a) and on_link(a) will read, as far as it is known ahead.
    void prefetch(const IpAddress& a) const noexcept { neighbours_.prefetch(a); }

    /// Where a resolved neighbour on a connected network is; nullptr: none, or behind a gateway.
    [[nodiscard]] const Hop* on_link(const IpAddress& a) const noexcept {
        const Neighbour* found = neighbours_.find(a);
        return found != nullptr ? &hops_[found->hop] : nullptr;
    }

    [[nodiscard]] std::size_t neighbour_count() const noexcept { return neighbours_.size(); }

private:
    static unsigned own_bit(const IpAddress& a) noexcept {
        std::uint32_t last;
        std::memcpy(&last, a.bytes.data() + 12, sizeof last);
        return (last * 0x9e3779b1U) >> 22;
    }

    struct RouteEntry {
        std::uint16_t port = 0;
        bool has_gateway = false;
        std::uint16_t hop = 0; ///< to the gateway, or where neighbours are unresolved
    };

    /// The port is its hop's too: here it spares a look at the hop.
    struct Neighbour {
        std::uint16_t hop = 0;
        std::uint16_t port = 0;
    };

    PrefixMap<RouteEntry> routes_;
    FrozenMap<IpAddress, Neighbour, IpAddressHash> neighbours_; ///< those on a connected network
    std::vector<Hop> hops_;
    std::vector<IpAddress> own_;               ///< sorted
    std::array<std::uint64_t, 16> own_bits_{}; ///< by own_bit()
};

} // namespace foregate::dataplane
