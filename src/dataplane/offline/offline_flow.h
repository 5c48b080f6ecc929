// SPDX-License-Identifier: BSD-3-Clause
// A flow of a capture, as a gateway would have seen it. Plain data.
#pragma once

#include "dataplane/app_type.h"
#include "dataplane/drop_reason.h"
#include "dataplane/packet/ip_address.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace foregate::dataplane {

/// What the threat list says; a later value is stronger.
enum class OfflineVerdict : std::uint8_t { allow, note, block };

struct OfflineFlow {
    IpAddress client{}, server{};
    std::uint16_t client_port = 0, server_port = 0; ///< 0 where the protocol has none; ICMP echo: the identifier in both
    std::uint8_t protocol = 0;    ///< of IP; 0 with ether_type 0: what could not be read
    std::uint16_t ether_type = 0; ///< of what is no IP; 0 for IP
    std::uint64_t packets = 0;    ///< whatever became of them
    std::uint64_t bytes = 0;      ///< of IP packets, or of frames that are none
    std::uint16_t app = 0;        ///< number in the catalogue
    std::uint16_t application = 0;
    AppType type = AppType::other;
    bool guessed = false;         ///< `app` is what the port is known for
    OfflineVerdict verdict = OfflineVerdict::allow;
    std::vector<std::string> hosts;              ///< distinct names, in the order they were seen
    std::map<DropReason, std::uint64_t> dropped; ///< packets that a gateway would not have forwarded
    std::uint64_t to_kernel = 0;                 ///< packets that it would have left to the kernel
};

} // namespace foregate::dataplane
