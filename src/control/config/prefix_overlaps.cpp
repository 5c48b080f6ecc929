// SPDX-License-Identifier: BSD-3-Clause
#include "control/config/prefix_overlaps.h"

#include <algorithm>
#include <tuple>

namespace foregate::control {

std::vector<Overlap> find_overlaps(std::vector<OwnedPrefix>& prefixes, bool same_owner) {
    std::ranges::stable_sort(prefixes, {}, [](const OwnedPrefix& p) {
        return std::tuple(!p.prefix.is_v4(), p.prefix.address, p.prefix.length);
    });
    std::vector<Overlap> overlaps;
    std::vector<const OwnedPrefix*>
        around; // prefixes that contain the current one, the widest first
    for (const auto& inner : prefixes) {
        while (!around.empty() && !around.back()->prefix.overlaps(inner.prefix)) {
            around.pop_back();
        }
        const auto other =
            std::find_if(around.rbegin(), around.rend(), [&](const OwnedPrefix* outer) {
                return same_owner || outer->owner != inner.owner;
            });
        if (other != around.rend()) {
            overlaps.push_back({*other, &inner});
        }
        const bool repeated = !around.empty() && around.back()->prefix == inner.prefix;
        if (!repeated) {
            around.push_back(&inner);
        }
    }
    return overlaps;
}

const OwnedPrefix* find_containing(const std::vector<OwnedPrefix>& prefixes,
                                   const IpAddress& address) {
    const auto key = std::tuple(!address.is_v4(), address);
    const auto after = std::ranges::upper_bound(prefixes, key, {}, [](const OwnedPrefix& p) {
        return std::tuple(!p.prefix.is_v4(), p.prefix.address);
    });
    if (after == prefixes.begin()) {
        return nullptr;
    }
    const auto& candidate = *std::prev(after);
    return candidate.prefix.contains(address) ? &candidate : nullptr;
}

} // namespace foregate::control
