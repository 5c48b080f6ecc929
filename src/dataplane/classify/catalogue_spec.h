// SPDX-License-Identifier: BSD-3-Clause
// What the catalogue file says, as plain values: protocols with ports and signatures, applications with host patterns.
// Written by the control plane, compiled by Catalogue. No YAML, no Hyperscan types.
#pragma once

#include "dataplane/app_type.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace foregate::dataplane {

/// What a port number of the catalogue belongs to.
enum class PortSpace : std::uint8_t {
    tcp,
    udp,
    ip,    ///< the number is an IP protocol
    ether, ///< the number is an EtherType (offline only: such frames never become flows)
};
inline constexpr std::size_t kPortSpaces = 4;

/// Which end's payload a signature is about. `either` also where a capture or an asymmetric path hides who began.
enum class Sender : std::uint8_t { client, server, either };

/// Parsers in code that a protocol may name, for what a pattern cannot say.
// X(enum value, name in the catalogue)
#define FOREGATE_PAYLOAD_PARSERS(X)                                                                                    \
    X(none, "none")                                                                                                    \
    X(dns, "dns")                                                                                                      \
    X(mdns, "mdns")                                                                                                    \
    X(llmnr, "llmnr")                                                                                                  \
    X(netbios_name, "netbios-name")                                                                                    \
    X(tls, "tls")                                                                                                      \
    X(dtls, "dtls")                                                                                                    \
    X(quic, "quic")                                                                                                    \
    X(http, "http")                                                                                                    \
    X(http_proxy, "http-proxy")                                                                                        \
    X(http_connect, "http-connect")                                                                                    \
    X(http2, "http2")                                                                                                  \
    X(websocket, "websocket")                                                                                          \
    X(kerberos, "kerberos")                                                                                            \
    X(ldap, "ldap")                                                                                                    \
    X(snmp, "snmp")                                                                                                    \
    X(stun, "stun")                                                                                                    \
    X(rtp, "rtp")                                                                                                      \
    X(rtcp, "rtcp")                                                                                                    \
    X(bittorrent, "bittorrent")                                                                                        \
    X(socks, "socks")                                                                                                  \
    X(gtp_user, "gtp-user")

enum class PayloadParser : std::uint8_t {
#define FOREGATE_PARSER_VALUE(value, text) value,
    FOREGATE_PAYLOAD_PARSERS(FOREGATE_PARSER_VALUE)
#undef FOREGATE_PARSER_VALUE
};
#define FOREGATE_PARSER_COUNT(value, text) +1
inline constexpr std::size_t kPayloadParsers = 0 FOREGATE_PAYLOAD_PARSERS(FOREGATE_PARSER_COUNT);
#undef FOREGATE_PARSER_COUNT

struct PortSpan {
    PortSpace space = PortSpace::tcp;
    std::uint16_t first = 0;
    std::uint16_t last = 0;
};

/// A length field that a payload must carry: value + plus == payload length (`at_most`: <=, the payload may hold more
/// messages; `at_least`: >=, the message may go on in the next segment).
struct LengthFact {
    enum class Holds : std::uint8_t { exact, at_most, at_least };
    std::uint16_t at = 0;      ///< offset of the field
    std::uint8_t bytes = 2;    ///< 1, 2, 3 or 4
    bool little_endian = false;
    std::int32_t plus = 0;
    Holds holds = Holds::exact;
};

struct SignatureSpec {
    std::string pattern;         ///< Hyperscan's syntax; bytes, `.` is any byte
    PortSpace over = PortSpace::tcp; ///< tcp or udp
    Sender from = Sender::either;
    std::vector<PortSpan> ports; ///< one end's port must be among them; empty = any
    std::uint16_t least_bytes = 1;
    std::uint16_t most_bytes = 0xffff;
    std::optional<LengthFact> length;
    std::uint8_t packets = 1;    ///< this many payload packets of the flow must match
    bool first_only = false;     ///< only the first payload packet of its sender
    bool seems = false;          ///< not final: a later payload may say better
    PayloadParser within = PayloadParser::none; ///< only in flows that this parser knows; names what they carry
    std::string application;     ///< what follows the dot when this signature decides; empty = nothing
    std::string where;           ///< `file:line`, for messages
};

struct ProtocolSpec {
    std::string name;
    AppType type = AppType::other;
    std::vector<PortSpan> ports;       ///< guessed by these when the payload says nothing
    std::vector<std::uint16_t> tls_ports; ///< TLS on these ports is this protocol
    std::string over_tls;              ///< its name once TLS begins within; empty = the same
    PayloadParser parser = PayloadParser::none;
    bool carrier = false;              ///< says how, not what (TLS, HTTP): a port's type goes before its own
    std::vector<SignatureSpec> signatures;
    std::string where;
};

struct ApplicationSpec {
    std::string name;
    AppType type = AppType::other;
    /// `teams.microsoft.com`: this name and all below it. `*` stands for any text: `*.media.*.example`.
    std::vector<std::string> hosts;
    std::vector<std::string> alpn; ///< TLS application protocols that only this application speaks
    std::string where;
};

/// Ports that tell the kind of use but no protocol.
struct PortTypeSpec {
    AppType type = AppType::other;
    std::vector<PortSpan> ports;
};

struct CatalogueSpec {
    std::vector<ProtocolSpec> protocols; ///< earlier ones go first where two signatures match
    std::vector<PortTypeSpec> port_types;
    std::vector<ApplicationSpec> applications;
};

/// DNS, TLS, QUIC and HTTP on their own ports, and the types of ports that app_type_of_port() knows.
[[nodiscard]] CatalogueSpec plain_catalogue_spec();

} // namespace foregate::dataplane
