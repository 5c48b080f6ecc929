// SPDX-License-Identifier: BSD-3-Clause
// Ranges of addresses, as peer-to-peer block lists write them. Pure.
#pragma once

#include "dataplane/packet/ip_address.h"

#include <optional>
#include <string_view>
#include <vector>

namespace foregate::control {

struct AddressRange {
    dataplane::IpAddress first;
    dataplane::IpAddress last;
};

/// An address; IPv4 also with leading zeros ("001.002.003.004"), read as decimal, as lists for
/// peer-to-peer clients write it.
[[nodiscard]] std::optional<dataplane::IpAddress> parse_padded_address(std::string_view text);

/// "a-b", also with blanks around the dash. nullopt unless both ends are addresses of one family
/// and the first is not above the last.
[[nodiscard]] std::optional<AddressRange> parse_range(std::string_view text);

/// The fewest prefixes that cover exactly the range, ascending: at most 62 (IPv4) or 254 (IPv6).
[[nodiscard]] std::vector<dataplane::IpPrefix> prefixes_of(const AddressRange& range);

} // namespace foregate::control
