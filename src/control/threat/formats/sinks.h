// SPDX-License-Identifier: BSD-3-Clause
// Addresses that lists of names give as the answer for what shall not be reached.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace foregate::control {

[[nodiscard]] inline bool is_sink_address(std::string_view text) {
    constexpr std::array<std::string_view, 5> kSinks{"0.0.0.0", "127.0.0.1", "127.0.0.0",
                                                     "::", "::1"};
    return std::find(kSinks.begin(), kSinks.end(), text) != kSinks.end();
}

} // namespace foregate::control
