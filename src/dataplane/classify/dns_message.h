// SPDX-License-Identifier: BSD-3-Clause
// DNS messages (RFC 1035) as a gateway sees them: the question a desktop asks, and the addresses an
// answer gives for the question's name. Pure: bytes in, struct out; bounded work for any input.
#pragma once

#include "dataplane/classify/dns_service.h"
#include "dataplane/classify/name_buffer.h"
#include "dataplane/packet/ip_address.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace foregate::dataplane {

enum class DnsResult : std::uint8_t {
    query,      ///< a question; id, question and name are set
    answer,     ///< a response; also rcode, addresses, aliases, services (possibly none)
    incomplete, ///< TCP only: more bytes are needed
    malformed,  ///< not DNS, or not usable
};

inline constexpr std::uint16_t kDnsTypeA = 1;
inline constexpr std::uint16_t kDnsTypeCname = 5;
inline constexpr std::uint16_t kDnsTypeAaaa = 28;
inline constexpr std::uint16_t kDnsTypeSvcb = 64;
inline constexpr std::uint16_t kDnsTypeHttps = 65;
inline constexpr std::uint16_t kDnsClassIn = 1;
inline constexpr std::size_t kDnsHeaderBytes = 12;

struct DnsAddress {
    IpAddress address{};
    std::uint32_t ttl_s = 0; ///< the smallest of the address's own and of the CNAMEs that led to it
};

struct DnsMessage {
    static constexpr std::size_t kMaxAddresses = 16;
    static constexpr std::size_t kMaxAliases = 4;
    static constexpr std::size_t kMaxServices = 2;

    std::uint16_t id = 0;
    std::uint16_t question_type = 0;
    std::uint16_t question_class = 0;
    std::uint16_t question_end = 0; ///< offset behind the first question
    std::uint8_t opcode = 0;
    std::uint8_t rcode = 0;
    bool truncated = false; ///< the TC bit
    std::uint8_t address_count = 0;
    NameBuffer name; ///< of the first question
    std::array<DnsAddress, kMaxAddresses> addresses;
    std::uint8_t alias_count = 0;
    std::uint8_t service_count = 0;
    std::array<NameBuffer, kMaxAliases> aliases;   ///< names the question's led to, in order
    std::array<DnsService, kMaxServices> services; ///< of its HTTPS and SVCB records
};

/// One message as in a UDP payload. Addresses are those of the question's name, CNAME chains
/// followed in any order (up to 8 links, 64 records looked at), and the hints in its HTTPS and SVCB
/// records. An answer that is cut off in its
/// records gives what came before the cut.
[[nodiscard]] DnsResult parse_dns_message(std::span<const std::uint8_t> bytes,
                                          DnsMessage& out) noexcept;

/// The first message of a TCP stream (2-byte length prefix).
[[nodiscard]] DnsResult parse_dns_tcp(std::span<const std::uint8_t> bytes,
                                      DnsMessage& out) noexcept;

/// The message at `at` of a TCP stream; moves `at` behind it when it is all there. A stream that
/// has been gathered from segments goes in as it is.
[[nodiscard]] DnsResult parse_next_dns_tcp(std::span<const std::uint8_t> bytes, std::size_t& at,
                                           DnsMessage& out) noexcept;

/// Writes the answer "this name does not exist" to a query: QR and RA set, RCODE 3, the first
/// question kept, everything else dropped. `out` may be the query itself. Returns the reply's size
/// in bytes, 0 when `query` is no query or `out` is too small.
[[nodiscard]] std::size_t build_nxdomain_reply(std::span<const std::uint8_t> query,
                                               std::span<std::uint8_t> out) noexcept;

} // namespace foregate::dataplane
