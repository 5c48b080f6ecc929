// SPDX-License-Identifier: BSD-3-Clause
// A flow as the stages remember it. With ParsedPacket this is the contract between the stages of a worker.
#pragma once

#include "dataplane/app_type.h"
#include "dataplane/drop_reason.h"
#include "dataplane/packet/ip_address.h"
#include "dataplane/packet/parse.h"
#include "dataplane/splice/splice_ref.h"
#include "dataplane/tables/desktop_table.h"
#include "dataplane/tables/plan_table.h"
#include "dataplane/tables/route_table.h"

#include <array>
#include <cstdint>

namespace foregate::dataplane {

/// A five-tuple without direction: the end with the lower (address, port) stands first.
struct FlowKey {
    IpAddress low{};
    IpAddress high{};
    std::uint16_t low_port = 0;
    std::uint16_t high_port = 0;
    std::uint8_t protocol = 0;

    bool operator==(const FlowKey&) const noexcept = default;
};

/// The key of `p`; `from_low` tells whether this packet was sent by the low end.
[[nodiscard]] inline FlowKey flow_key(const IpAddress& src, std::uint16_t src_port, const IpAddress& dst,
                                      std::uint16_t dst_port, std::uint8_t protocol, bool& from_low) noexcept {
    const auto order = src <=> dst;
    from_low = order < 0 || (order == 0 && src_port <= dst_port);
    return from_low ? FlowKey{src, dst, src_port, dst_port, protocol}
                    : FlowKey{dst, src, dst_port, src_port, protocol};
}

/// The same for both directions of any flow between two hosts: what assigns them to a worker.
[[nodiscard]] inline std::uint64_t address_pair_hash(const IpAddress& a, const IpAddress& b,
                                                     std::uint64_t seed) noexcept {
    return hash_address(a, seed) ^ hash_address(b, seed);
}

enum class FlowVerdict : std::uint8_t {
    undecided, ///< payload is still looked at
    allow,
    block,     ///< every packet is dropped with `blocked_for`
};

[[nodiscard]] inline bool is_valid(const SpliceRef& ref) noexcept { return ref.index != kNoSlot; }

/// How far a TCP connection has come, as far as ageing needs it.
enum class TcpPhase : std::uint8_t { none, opening, established, closing, closed };

/// No cell yet under the present stamp.
inline constexpr std::uint32_t kNoUsageCell = 0xffffff;

/// The hot line of a flow: all that a packet of a decided flow needs. Written by its worker only. Times are
/// milliseconds of the worker's clock. All zero (but the usage cell) is a fresh flow.
struct alignas(64) Flow {
    /// IPv4: the two addresses in host order. IPv6: two halves of the key's hash; the addresses are in Flow6.
    std::uint32_t low = 0;
    std::uint32_t high = 0;
    std::uint16_t low_port = 0;
    std::uint16_t high_port = 0;
    std::uint8_t protocol = 0;
    AppType app = AppType::other;
    bool in_use : 1 = false;
    bool ipv6 : 1 = false;
    bool desktop_is_low : 1 = false;
    bool begun_by_desktop : 1 = false;
    bool has_desktop : 1 = false;        ///< one end is a desktop (numbered or not)
    bool counted_answer : 1 = false;     ///< a reply was seen: the connection did not fail
    bool counted_connection : 1 = false;
    bool fin_from_low : 1 = false;       ///< who sent the first FIN
    bool reset_sent : 1 = false;
    bool threat_noted : 1 = false;
    bool pattern_checked : 1 = false;    ///< compared with what is expected of the class: once for each flow
    bool recheck : 1 = true;             ///< tables have changed since the verdict was last confirmed
    bool has_splice : 1 = false;         ///< the cold part's splice is meant
    bool splice_upstream_side : 1 = false; ///< this key is the held connection's own five-tuple
    std::array<std::uint64_t, 2> bytes{};   ///< [0] sent by the low end
    std::array<std::uint32_t, 2> packets{}; ///< likewise; their upper halves are in the cold part
    std::uint32_t last_seen_ms = 0;
    std::uint32_t stamp = 0;             ///< of the worker, when route, session, allotment and usage cell were looked up
    std::array<std::uint16_t, 2> hops{}; ///< numbers in the route table: [0] towards the high end, [1] the low end
    AllotmentRef allotment{};
    std::uint32_t desktop = 0;           ///< 0 = none known
    std::uint32_t usage_cell : 24 = kNoUsageCell;
    FlowVerdict verdict : 2 = FlowVerdict::undecided;
    TcpPhase tcp : 3 = TcpPhase::none;
    SecondaryState secondary : 2 = SecondaryState::open;

    [[nodiscard]] inline IpAddress low_address() const noexcept;
    [[nodiscard]] inline IpAddress high_address() const noexcept;
    [[nodiscard]] FlowKey key() const noexcept {
        return {low_address(), high_address(), low_port, high_port, protocol};
    }
    /// The end that is not the desktop: what usage, plan and pattern call the destination.
    [[nodiscard]] IpAddress server() const noexcept { return desktop_is_low ? high_address() : low_address(); }
    [[nodiscard]] IpAddress desktop_address() const noexcept {
        return desktop_is_low ? low_address() : high_address();
    }
    /// 0 for protocols without ports (the key of an ICMP echo holds its identifier there).
    [[nodiscard]] std::uint16_t server_port() const noexcept {
        const bool ports = protocol == kProtoTcp || protocol == kProtoUdp;
        return !ports ? std::uint16_t{0} : desktop_is_low ? high_port : low_port;
    }
    [[nodiscard]] std::uint16_t desktop_port() const noexcept { return desktop_is_low ? low_port : high_port; }
};
static_assert(sizeof(Flow) == 64, "one cache line");

/// The rest of a flow: what its first packets, a splice, an order or a look at it need.
struct FlowCold {
    SpliceRef splice{};
    std::uint32_t created_ms = 0;
    std::uint32_t classifier = 0;        ///< state of the classifier while the flow is undecided; 0 = none
    std::uint16_t application_protocol = 0; ///< catalogue number; 0 = unknown
    std::uint16_t application = 0;       ///< likewise
    std::uint16_t usage_class = 0;
    std::array<std::uint16_t, 2> packets_high{}; ///< bits 32 to 47 of the packet counts
    DropReason blocked_for = DropReason::blocked_flow;
    std::uint8_t inspected = 0;          ///< kWatched, kLookedAtEnough (VerdictStage), or 0
    bool named = false;                  ///< has shown a name that the access list allows
    bool client_is_low = false;          ///< who asks and who answers, as far as the first packet told
    bool beginning_seen = false;         ///< and that packet was the flow's first one, so it is certain
    bool guessed = false;                ///< application_protocol is what the port is known for, no more
};
static_assert(sizeof(FlowCold) <= 32);

/// A flow of IPv6: two lines, the second with the addresses and the cold part.
struct Flow6 : Flow {
    IpAddress low_ip{};
    IpAddress high_ip{};
    FlowCold cold{};
};
static_assert(sizeof(Flow6) == 128);

inline IpAddress Flow::low_address() const noexcept {
    return ipv6 ? static_cast<const Flow6*>(this)->low_ip : IpAddress::from_v4(low);
}
inline IpAddress Flow::high_address() const noexcept {
    return ipv6 ? static_cast<const Flow6*>(this)->high_ip : IpAddress::from_v4(high);
}

} // namespace foregate::dataplane
