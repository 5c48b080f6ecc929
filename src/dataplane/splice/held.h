// SPDX-License-Identifier: BSD-3-Clause
// Held connections as both planes see them: orders, reports and views. Plain data, copied by value
// through the mailboxes; no pointers, no ownership.
#pragma once

#include "dataplane/packet/build.h"
#include "dataplane/packet/ip_address.h"

#include <cstdint>
#include <string_view>

namespace foregate::dataplane {

enum class HeldState : std::uint8_t {
    dialing,  ///< SYN sent upstream
    held,     ///< established upstream, waiting for the desktop
    splicing, ///< SYN-ACK sent to the desktop, waiting for its ACK
    spliced,  ///< every packet is translated
    closing,  ///< FINs and retransmissions are being waited for
    resumed,  ///< spliced before a restart; one side or both have not been heard since
    moving, ///< spliced; a fresh connection to the server is opened in place of one that it closed
            ///< too early
};

enum class HeldPurpose : std::uint8_t { predicted, monitor, ordered };

enum class HeldEvent : std::uint8_t {
    established,
    failed,        ///< was never established: see `fail`
    closed,        ///< was held and is gone without being used: see `close`
    probe,         ///< keepalive answered: `rtt_us`
    splice_begun,  ///< SYN-ACK sent to the desktop
    spliced,       ///< the desktop's ACK has come
    splice_undone, ///< the desktop took its SYN back: the connection is held again
    splice_ended,  ///< a splice is over: see `close`; bytes are final
    fallback,      ///< a desktop SYN did not fit: see `fallback`; the connection stays held
    replayed, ///< the server closed at the hand-over; the splice goes on over a fresh connection
};

enum class HeldFailure : std::uint8_t {
    none,
    refused,
    timeout,
    icmp,
    no_port,
    pool_full,
    impossible, ///< the order itself: mixed address families, port 0, window scale over 14, tiny
                ///< MSS
    ordered,    ///< closed by order while dialing
};

enum class HeldClose : std::uint8_t {
    none,
    server_fin,
    server_rst,
    desktop_rst,
    finished, ///< both FINs of a splice acknowledged
    expired,  ///< maximum age
    ordered,
    deferred_accept, ///< the server repeats its SYN-ACK: do not pre-open there
    banner_too_long,
    keepalive_lost,
    icmp,
    idle,           ///< spliced and silent for too long
    desktop_silent, ///< SYN-ACK or banner was never acknowledged
    port_taken,     ///< the desktop itself took the source port
};

/// Why a desktop's SYN went through as its own connection although one was held for it.
enum class SpliceFallback : std::uint8_t {
    none,
    too_old,        ///< all held ones are too near their maximum age
    mss_small,      ///< smaller than what was announced upstream
    window_scale,   ///< differs from what was announced upstream
    no_timestamps,  ///< upstream has them, the desktop does not
    no_sack,        ///< likewise
    window_small,   ///< would move the receive window's right edge left
    authentication, ///< MD5 or TCP-AO
    malformed_options,
    bad_flags,  ///< SYN together with FIN, RST or ACK, or a fragment
    port_taken, ///< its source port is that of a held connection that does not fit
    queue_full, ///< no room for the SYN-ACK
    count_
};

/// What the SYN sent upstream looks like; learned per fleet.
struct SynTemplate {
    std::uint16_t mss = 1460;
    std::uint8_t window_scale = 8; ///< kNoWindowScale: do not offer; at most 14
    bool sack_permitted = true;
    bool timestamps = false;
    OptionOrder order = OptionOrder::windows_like;
    std::uint8_t ttl = 127; ///< TTL or hop limit on the wire upstream
    bool dont_fragment = true;
};

/// Order: open one held connection. `id` is the control core's, unique per worker and not 0.
struct OpenHeld {
    std::uint64_t id = 0;
    std::uint32_t desktop = 0; ///< number of the desktop (its session)
    std::uint16_t usage_class = 0;
    HeldPurpose purpose = HeldPurpose::predicted;
    IpAddress source{}; ///< the desktop's own secondary address
    IpAddress server{};
    std::uint16_t port = 0; ///< of the server
    SynTemplate syn{};
    std::uint64_t max_age_ns = 25'000'000'000;  ///< from establishment
    std::uint64_t keepalive_ns = 8'000'000'000; ///< 0: no probes
};

/// What an order to close what a desktop or a server has take with them.
enum class CloseScope : std::uint8_t {
    held_only, ///< dialing and held
    all,       ///< splices too, by RST to both ends
};

/// Report: something happened to a held connection.
struct HeldReport {
    HeldEvent event = HeldEvent::established;
    HeldFailure fail = HeldFailure::none;
    HeldClose close = HeldClose::none;
    SpliceFallback fallback = SpliceFallback::none;
    HeldPurpose purpose = HeldPurpose::predicted;
    std::uint64_t id = 0;
    std::uint32_t desktop = 0;
    std::uint16_t usage_class = 0;
    IpAddress server{};
    std::uint16_t port = 0;
    std::uint32_t rtt_us = 0;   ///< 0: not measured (a retransmission makes it ambiguous)
    std::uint64_t age_ns = 0;   ///< since establishment
    std::uint64_t bytes_up = 0; ///< payload, after the splice
    std::uint64_t bytes_down = 0;
    std::uint32_t banner_bytes = 0;
};

/// One line of `show held`.
struct HeldView {
    std::uint64_t id = 0;
    std::uint32_t desktop = 0;
    std::uint16_t usage_class = 0;
    HeldPurpose purpose = HeldPurpose::predicted;
    HeldState state = HeldState::dialing;
    IpAddress source{};
    IpAddress server{};
    std::uint16_t port = 0;
    std::uint16_t held_port = 0;    ///< source port upstream
    std::uint16_t desktop_port = 0; ///< 0 before the splice
    std::uint64_t age_ns = 0;       ///< since establishment; 0 while dialing
    std::uint32_t rtt_us = 0;
    std::uint32_t banner_bytes = 0;
    std::uint64_t bytes_up = 0;
    std::uint64_t bytes_down = 0;
};

[[nodiscard]] std::string_view to_string(HeldState v) noexcept;
[[nodiscard]] std::string_view to_string(HeldPurpose v) noexcept;
[[nodiscard]] std::string_view to_string(HeldEvent v) noexcept;
[[nodiscard]] std::string_view to_string(HeldFailure v) noexcept;
[[nodiscard]] std::string_view to_string(HeldClose v) noexcept;
[[nodiscard]] std::string_view to_string(SpliceFallback v) noexcept;

} // namespace foregate::dataplane
