// SPDX-License-Identifier: BSD-3-Clause
// The name in messages that hosts of a network ask each other with: multicast DNS (RFC 6762),
// LLMNR (RFC 4795) and the NetBIOS name service (RFC 1002). Pure: bytes in, struct out.
#pragma once

#include "dataplane/classify/name_buffer.h"

#include <cstdint>
#include <span>

namespace foregate::dataplane {

struct LocalName {
    NameBuffer name;        ///< of the first question, else of the first record
    std::uint16_t type = 0; ///< of that question or record
    bool response = false;
    std::uint8_t netbios_suffix = 0; ///< what the name stands for, 0x20 is a file server
};

/// A message of multicast DNS or LLMNR; false when it is none or names nothing.
[[nodiscard]] bool parse_multicast_dns(std::span<const std::uint8_t> datagram,
                                       LocalName& out) noexcept;

/// A message of the NetBIOS name service, its name decoded; false when it is none.
[[nodiscard]] bool parse_netbios_name(std::span<const std::uint8_t> datagram,
                                      LocalName& out) noexcept;

} // namespace foregate::dataplane
