// SPDX-License-Identifier: BSD-3-Clause
// Every reason for which a packet can end here. One row gives the enum value, its name and its help text.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace foregate::dataplane {

// clang-format off
#define FOREGATE_DROP_REASONS(X)                                                                   \
    X(truncated, "a header or length field reaches beyond the frame")                              \
    X(bad_header, "an impossible version, header length, option or address form")                  \
    X(bad_length, "length fields that contradict each other")                                      \
    X(bad_checksum, "a wrong checksum: the IPv4 header's, or the transport's as the port says")    \
    X(source_route, "a source route: IPv4 option, or IPv6 routing header of type 0")               \
    X(extension_headers, "more IPv6 extension headers than are looked at")                         \
    X(land, "an address that sends to itself")                                                     \
    X(martian_source, "a source address that nobody can have")                                     \
    X(martian_destination, "a destination address that cannot be on a wire")                       \
    X(tiny_fragment, "a first fragment without the whole transport header")                        \
    X(overlapping_fragment, "a fragment that overlaps another, or any more of that packet")        \
    X(fragment_table_full, "too many packets in fragments at once, or of one source")              \
    X(fragment_timeout, "a fragment whose first one has not come")                                 \
    X(other_vlan, "VLAN tags other than the port's")                                               \
    X(multi_segment, "a frame in several buffers that could not be joined")                        \
    X(other_host, "a frame for another machine's Ethernet address")                                \
    X(unknown_desktop, "a source on a desktop port that no class covers")                          \
    X(spoofed_source, "a source address that belongs to the other side, or to another desktop")    \
    X(threat_address, "the destination address is on the threat list")                             \
    X(threat_dns_name, "a question for a name on the threat list")                                 \
    X(threat_tls_name, "a TLS server name on the threat list")                                     \
    X(threat_http_host, "an HTTP host on the threat list")                                         \
    X(access_address, "the class's access list denies the destination by address, port or protocol")\
    X(access_name, "the class's access list denies the destination by name")                       \
    X(access_wait, "held back until DNS has had the time to name its destination")                 \
    X(blocked_flow, "a later packet of a flow that was blocked")                                   \
    X(deviation, "a connection far outside what is expected of its class")                         \
    X(secondary_cut, "the desktop's secondary interface is cut")                                   \
    X(splice_window, "a segment of a held or spliced connection that cannot belong to it")         \
    X(splice_stale, "a segment of a splice that has ended")                                        \
    X(kernel_rate, "too many packets a second for the kernel from one source")                     \
    X(kernel_queue_full, "the ring to the kernel twin is full")                                    \
    X(new_flow_rate, "too many new flows a second from one desktop")                               \
    X(flow_limit, "too many flows of one desktop")                                                 \
    X(flow_table_full, "no room for a new flow")                                                   \
    X(no_twin, "for the kernel, but the port has no twin")                                         \
    X(redirect_full, "the ring to the owning worker is full")                                      \
    X(shaper_ring_full, "the ring to the shaper is full")                                          \
    X(shaper_limit, "the queue's or the pool's limit in the shaper")                               \
    X(shaper_codel, "the queue stood too long (CoDel)")                                            \
    X(transmit_failed, "the port took no more packets")                                            \
    X(no_buffer, "no packet buffer for a packet of our own")

enum class DropReason : std::uint8_t {
#define X(name, help) name,
    FOREGATE_DROP_REASONS(X)
#undef X
    count_
};
// clang-format on

inline constexpr std::size_t kDropReasons = static_cast<std::size_t>(DropReason::count_);

struct NamedHelp {
    std::string_view name;
    std::string_view help;
};

inline constexpr std::array<NamedHelp, kDropReasons> kDropReasonNames{{
#define X(name, help) {#name, help},
    FOREGATE_DROP_REASONS(X)
#undef X
}};

[[nodiscard]] inline std::string_view drop_reason_name(DropReason reason) noexcept {
    return kDropReasonNames[static_cast<std::size_t>(reason)].name;
}

} // namespace foregate::dataplane
