// SPDX-License-Identifier: BSD-3-Clause
// Tries one regular expression alone, so that a bad one can be left out of a list without harm.
#pragma once

#include <string>
#include <string_view>

namespace foregate::dataplane {

/// Why `regex`, over lower-case host names, cannot or must not be used; empty when it can:
/// Hyperscan rejects it, its compiled form is larger than 256 KiB, its repeats are larger than 255,
/// or it matches every name. Milliseconds; not on a polling core.
[[nodiscard]] std::string pattern_fault(std::string_view regex);

} // namespace foregate::dataplane
