// SPDX-License-Identifier: BSD-3-Clause
// "Did you mean": the known word nearest to one that is not known.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace foregate::control {

/// The word of `known` with the smallest edit distance (insert, delete, replace, swap of
/// neighbours; case and `_` against `-` count for little) if it is near enough to be what was
/// meant, else empty. The first of equals wins.
[[nodiscard]] std::string_view nearest(std::string_view word,
                                       const std::vector<std::string>& known);

/// For a message: `did you mean "x"?` when one is near, else `expected one of a, b, c`.
[[nodiscard]] std::string suggestion(std::string_view word, const std::vector<std::string>& known);

} // namespace foregate::control
