// SPDX-License-Identifier: BSD-3-Clause
// How a destination is written in records, plan and console, and read back. Pure; any thread.
#pragma once

#include "control/config/config.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace foregate::control {

struct DestinationParts {
    enum class Kind : std::uint8_t { name, address, prefix } kind = Kind::name;
    std::string name;  ///< Kind::name only, lower case
    IpPrefix prefix{}; ///< Kind::address: full length
    std::uint16_t port = 0;
};

/// "db.lab:5432", "10.0.0.5:443", "[2001:db8::1]:443", "10.0.0.0/24:443", "[2001:db8::/64]:443".
/// nullopt for "other" and for anything else. Port 0 stands for a protocol without ports.
[[nodiscard]] std::optional<DestinationParts> parse_destination(std::string_view text);
[[nodiscard]] std::string format_destination(std::string_view name, std::uint16_t port);
[[nodiscard]] std::string format_destination(const IpAddress& address, std::uint16_t port);
[[nodiscard]] std::string format_destination(const IpPrefix& prefix, std::uint16_t port);
/// As the records write what the config names.
[[nodiscard]] std::string format_destination(const DestinationSpec& spec);

} // namespace foregate::control
