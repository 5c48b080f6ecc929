// SPDX-License-Identifier: BSD-3-Clause
// Host names as feeds write them, brought to the one form that is matched. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace foregate::control {

struct FeedName {
    std::string name;          ///< normalised; empty when rejected
    bool below_only = false;   ///< it was written "*.name"
    bool single_label = false; ///< a top-level domain or a host without a domain
    std::string reason;        ///< why it is no name; empty when it is one
};

/// One word of a feed. Lower case, one trailing dot gone, Unicode in punycode (IDNA 2008); rejected
/// with a reason: URLs, paths, ports, addresses in disguise ("*.1.2.3.4"), ad-blocker rules, bytes
/// outside a-z 0-9 _ - . , empty labels, labels over 63 and names over 253 bytes. Nothing is ever
/// widened to make it fit.
[[nodiscard]] FeedName parse_feed_name(std::string_view word);

/// The host that a line of names, addresses or URLs asks about: scheme, user, port, path and
/// brackets gone, lower case, no trailing dots. nullopt when what remains is no name.
/// An address comes back as it was written.
[[nodiscard]] std::optional<std::string> host_of_query(std::string_view line);

/// True when `name` is `above` or below it, at a label boundary.
[[nodiscard]] bool is_at_or_below(std::string_view name, std::string_view above);

} // namespace foregate::control
