// SPDX-License-Identifier: BSD-3-Clause
// A flow as the stages remember it. With ParsedPacket this is the contract between the stages of a worker.
#pragma once

#include "dataplane/app_type.h"
#include "dataplane/drop_reason.h"
#include "dataplane/packet/ip_address.h"
#include "dataplane/packet/parse.h"
#include "dataplane/splice/splicer.h"
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

/// One flow. Written by its worker only. Times are milliseconds of the worker's clock.
struct alignas(64) Flow {
    FlowKey key;
    std::uint32_t generation = 0;    ///< tables under which route, session and verdict were last decided
    std::uint32_t last_seen_ms = 0;
    std::uint32_t created_ms = 0;
    std::uint32_t desktop = 0;       ///< 0 = none known
    std::uint16_t usage_class = 0;
    FlowVerdict verdict = FlowVerdict::undecided;
    DropReason blocked_for = DropReason::blocked_flow;
    AppType app = AppType::other;
    TcpPhase tcp = TcpPhase::none;
    bool in_use = false;
    bool desktop_is_low = false;
    bool begun_by_desktop = false;
    bool has_desktop = false;        ///< one end is a desktop (numbered or not)
    bool counted_answer = false;     ///< a reply was seen: the connection did not fail
    bool counted_connection = false;
    bool fin_from_low = false;       ///< who sent the first FIN
    bool reset_sent = false;
    bool threat_noted = false;
    bool named = false;              ///< has shown a name that the access list allows
    bool pattern_checked = false;    ///< compared with what is expected of the class: once for each flow
    bool recheck = true;             ///< tables have changed since the verdict was last confirmed
    SecondaryState secondary = SecondaryState::open;
    std::uint8_t inspected = 0;      ///< payload packets looked at so far
    AllotmentRef allotment{};
    std::uint32_t usage_cell = 0xffffffff;
    std::uint32_t usage_epoch = 0;
    SpliceRef splice{};
    bool splice_upstream_side = false; ///< this key is the held connection's own five-tuple
    std::array<Hop, 2> hops{};       ///< [0] towards the high end, [1] towards the low end
    std::array<std::uint64_t, 2> packets{}; ///< [0] sent by the low end
    std::array<std::uint64_t, 2> bytes{};

    /// The end that is not the desktop: what usage, plan and pattern call the destination.
    [[nodiscard]] const IpAddress& server() const noexcept { return desktop_is_low ? key.high : key.low; }
    /// 0 for protocols without ports (the key of an ICMP echo holds its identifier there).
    [[nodiscard]] std::uint16_t server_port() const noexcept {
        const bool ports = key.protocol == kProtoTcp || key.protocol == kProtoUdp;
        return !ports ? std::uint16_t{0} : desktop_is_low ? key.high_port : key.low_port;
    }
    [[nodiscard]] const IpAddress& desktop_address() const noexcept {
        return desktop_is_low ? key.low : key.high;
    }
    [[nodiscard]] std::uint16_t desktop_port() const noexcept {
        return desktop_is_low ? key.low_port : key.high_port;
    }
    [[nodiscard]] DestinationKey destination() const noexcept {
        return {server(), server_port(), usage_class};
    }
};

} // namespace foregate::dataplane
