// SPDX-License-Identifier: BSD-3-Clause
// The part of the plan that workers and shapers follow: which destination of which class has an allotment.
#pragma once

#include "dataplane/packet/frozen_map.h"
#include "dataplane/packet/ip_address.h"

#include <cstdint>
#include <unordered_map>

namespace foregate::dataplane {

struct DestinationKey {
    IpAddress server{};
    std::uint16_t port = 0;
    std::uint16_t usage_class = 0;
    bool operator==(const DestinationKey&) const noexcept = default;
};

struct DestinationKeyHash {
    std::size_t operator()(const DestinationKey& k) const noexcept {
        return hash_address(k.server, 0x632be59bd9b4e019ULL + (static_cast<std::uint64_t>(k.usage_class) << 16) +
                                          k.port);
    }
};

/// Allotment numbers as the shaper knows them; 0 = none in that direction.
struct AllotmentRef {
    std::uint16_t up = 0;
    std::uint16_t down = 0;
};

class PlanTable {
public:
    using Map = std::unordered_map<DestinationKey, AllotmentRef, DestinationKeyHash>;
    PlanTable() = default;
    explicit PlanTable(const Map& allotments) : allotments_(allotments) {}

    [[nodiscard]] AllotmentRef find(const DestinationKey& key) const noexcept {
        const AllotmentRef* found = allotments_.find(key);
        return found == nullptr ? AllotmentRef{} : *found;
    }
    [[nodiscard]] std::size_t size() const noexcept { return allotments_.size(); }

private:
    FrozenMap<DestinationKey, AllotmentRef, DestinationKeyHash> allotments_;
};

} // namespace foregate::dataplane
