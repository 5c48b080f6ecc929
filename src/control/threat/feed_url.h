// SPDX-License-Identifier: BSD-3-Clause
// URLs and hosts with ports as feeds write them. Pure.
#pragma once

#include "control/threat/feed_content.h"

#include <string>
#include <string_view>

namespace foregate::control {

struct FeedUrl {
    UnmatchedKind kind = UnmatchedKind::url;
    std::string text;        ///< as UnmatchedEntry::text; empty when rejected
    std::string host;        ///< normalised name or address
    bool is_address = false; ///< what `host` is
    std::string reason;      ///< why it is none; empty when it is one
    bool bad_name = false;   ///< it would be one, but for the host
};

/// "evil[.]example", "hxxp://evil.example": indicators are written so that nobody opens them by
/// accident. As they are meant.
[[nodiscard]] std::string refanged(std::string_view word);

/// "scheme://user@host:port/path", "host:port", "host/path", "[v6]:port", "[v6]/path". With a path,
/// or with a scheme, it is a URL ("http://evil.example" is its root, never the host); without it is
/// an endpoint. The path is kept as it is written, without the fragment; a port that is the
/// scheme's own is left out of a URL.
[[nodiscard]] FeedUrl parse_feed_url(std::string_view word);

} // namespace foregate::control
