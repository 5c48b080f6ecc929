// SPDX-License-Identifier: BSD-3-Clause
// What the flow classifier is given for one packet, and what it says. Plain values.
#pragma once

#include "dataplane/app_type.h"
#include "dataplane/classify/dns_message.h"
#include "dataplane/classify/name_buffer.h"

#include <array>
#include <cstdint>
#include <span>

namespace foregate::dataplane {

/// One packet of a flow. Ports in host order; for protocols without ports 0.
struct ClassifyPacket {
    std::span<const std::uint8_t> payload; ///< behind the transport header
    std::uint16_t client_port = 0;
    std::uint16_t server_port = 0;
    std::uint8_t protocol = 0;   ///< of IP, after extension headers
    std::uint8_t tcp_flags = 0;
    std::uint32_t tcp_seq = 0;
    bool from_client = true;     ///< sent by whoever began the flow, as far as that is known
    bool beginning_seen = false; ///< a SYN was seen, or this is the flow's first datagram: from_client is certain
};

/// Where a name stood.
enum class NameSpot : std::uint8_t { dns_question, dns_answer, tls, quic, http, http_connect, other };

struct SeenName {
    NameSpot spot = NameSpot::other;
    NameBuffer name;
};

/// What one packet told. `protocol` and `application` are numbers of the catalogue; protocol 0 is "not known yet", or
/// after the last look "Unknown".
struct ClassifyResult {
    static constexpr std::size_t kMostNames = 2;

    bool decided = false;  ///< protocol and application stay as they are
    bool watch = false;    ///< decided, yet later packets may carry names (DNS questions, kept-alive HTTP)
    bool guessed = false;  ///< by port alone
    std::uint16_t protocol = 0;
    std::uint16_t application = 0;
    AppType type = AppType::other;
    std::uint8_t name_count = 0;
    std::array<SeenName, kMostNames> names;
    DnsResult dns_result = DnsResult::malformed;
    const DnsMessage* dns = nullptr; ///< the message in this packet, if any; the classifier's, until its next call

    void clear() noexcept {
        decided = watch = guessed = false;
        protocol = application = 0;
        type = AppType::other;
        name_count = 0;
        dns_result = DnsResult::malformed;
        dns = nullptr;
    }
    /// Room for one more name, or nullptr; counted at once.
    [[nodiscard]] SeenName* add_name(NameSpot spot) noexcept {
        if (name_count == kMostNames) {
            return nullptr;
        }
        SeenName& seen = names[name_count++];
        seen.spot = spot;
        return &seen;
    }
};

} // namespace foregate::dataplane
