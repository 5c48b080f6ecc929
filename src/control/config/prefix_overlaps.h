// SPDX-License-Identifier: BSD-3-Clause
// Prefixes of several owners that should be disjoint, in n log n.
#pragma once

#include "control/config/config.h"

#include <string>
#include <vector>

namespace foregate::control {

struct OwnedPrefix {
    IpPrefix prefix{}; ///< host bits clear
    std::size_t owner = 0;
    std::string path; ///< where it stands in the config
};

struct Overlap {
    const OwnedPrefix* outer; ///< the wider, or the earlier of equals
    const OwnedPrefix* inner;
};

/// Sorts `prefixes` (family, address, length, path) and returns one overlap for each prefix that
/// lies in another one; with `same_owner` false, those of one owner may overlap. Pointers are into
/// `prefixes`.
[[nodiscard]] std::vector<Overlap> find_overlaps(std::vector<OwnedPrefix>& prefixes,
                                                 bool same_owner);

/// The prefix that contains `address`, of `prefixes` sorted by find_overlaps() and disjoint; else
/// nullptr.
[[nodiscard]] const OwnedPrefix* find_containing(const std::vector<OwnedPrefix>& prefixes,
                                                 const IpAddress& address);

} // namespace foregate::control
