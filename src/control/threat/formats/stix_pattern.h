// SPDX-License-Identifier: BSD-3-Clause
// The patterns of STIX 2 indicators (OASIS STIX 2.1, section 9), as far as they name a destination:
// comparisons of one value, joined by OR. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace foregate::control {

struct StixComparison {
    std::string object;    ///< "domain-name:value"
    std::string operator_; ///< "=", "LIKE", "MATCHES", "ISSUBSET"; upper case
    std::string value;     ///< without quotes and escapes
};

struct StixPattern {
    std::vector<StixComparison> any_of; ///< alternatives
    std::string reason; ///< why it is none that can be taken apart without widening; else empty
};

[[nodiscard]] StixPattern parse_stix_pattern(std::string_view pattern);

} // namespace foregate::control
