// SPDX-License-Identifier: BSD-3-Clause
// Which addresses are desktops, of which class, and whether their secondary may be used. Immutable once published.
#pragma once

#include "dataplane/packet/prefix_map.h"

#include <cstdint>
#include <utility>
#include <vector>

namespace foregate::dataplane {

enum class SecondaryState : std::uint8_t {
    no_session, ///< known, not logged in: forwarded, and reported so that a session begins
    open,
    idle_cut,   ///< cut for inactivity: real activity of the desktop reopens it
    cut,        ///< cut for any other reason: only the control core reopens it
};

struct DesktopRecord {
    std::uint32_t desktop = 0;       ///< dense number; 0 = an address of the class that has no number yet
    std::uint16_t usage_class = 0;
    SecondaryState state = SecondaryState::no_session;
};

class DesktopTable {
public:
    DesktopTable() = default;
    /// Full-length prefixes are desktops, shorter ones are classes' networks. `allow_unknown`: sources of no class
    /// are forwarded as class 0 rather than dropped.
    DesktopTable(const std::vector<std::pair<IpPrefix, DesktopRecord>>& entries, bool allow_unknown)
        : map_(entries), allow_unknown_(allow_unknown) {}

    [[nodiscard]] const DesktopRecord* find(const IpAddress& a) const noexcept { return map_.find(a); }
    /// Fetches what find(a) will read, as far as it is known ahead.
    void prefetch(const IpAddress& a) const noexcept { map_.prefetch(a); }
    [[nodiscard]] bool allow_unknown() const noexcept { return allow_unknown_; }

private:
    PrefixMap<DesktopRecord> map_;
    bool allow_unknown_ = false;
};

} // namespace foregate::dataplane
