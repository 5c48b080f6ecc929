// SPDX-License-Identifier: BSD-3-Clause
// Which of its destination's addresses a host picks, as far as it can be told from outside: the
// family and the source address, after RFC 6724. Pure; any thread.
#pragma once

#include "control/config/config.h"

#include <optional>
#include <span>

namespace foregate::control {

/// fc00::/7 (RFC 4193).
[[nodiscard]] bool is_unique_local(const IpAddress& a) noexcept;
[[nodiscard]] bool is_link_local(const IpAddress& a) noexcept;

/// The host's address that it will use towards `server`: of the same family and scope, unique-local
/// for unique-local, then the longest common prefix (RFC 6724 section 5, rules 2, 6 and 8), then
/// the first. nullopt: none.
[[nodiscard]] std::optional<IpAddress> source_for(const IpAddress& server,
                                                  std::span<const IpAddress> own) noexcept;

/// True if a host prefers the IPv6 server to an IPv4 one, both reachable. By RFC 6724's policy
/// table IPv6 wins unless the labels of source and server differ, or the server is unique-local and
/// the host follows the newer table (Windows; the C library of Linux still gives unique-local
/// addresses the precedence of the older one).
[[nodiscard]] bool prefers_v6(const IpAddress& server_v6, const IpAddress& source_v6,
                              GuestSystem guest) noexcept;

} // namespace foregate::control
