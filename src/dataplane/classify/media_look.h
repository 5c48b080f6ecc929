// SPDX-License-Identifier: BSD-3-Clause
// Whether a datagram looks like STUN (RFC 8489, RFC 3489), RTP or RTCP (RFC 3550, RFC 5761), and whether several of one
// flow look like one RTP stream. Pure; the track is a few bytes that the flow classifier keeps.
#pragma once

#include "dataplane/classify/name_buffer.h"

#include <cstdint>
#include <span>

namespace foregate::dataplane {

enum class StunLook : std::uint8_t {
    none,
    classic, ///< no magic cookie (RFC 3489): only lengths and attributes speak for it
    sure,
};

/// One STUN message; over TCP more may follow behind it.
[[nodiscard]] StunLook look_at_stun(std::span<const std::uint8_t> payload) noexcept;
/// The REALM attribute of a STUN message that look_at_stun() knows; empty when there is none.
void stun_realm(std::span<const std::uint8_t> payload, NameBuffer& out) noexcept;

/// A compound RTCP packet: lengths chain to the end (a trailer of SRTCP is let pass).
[[nodiscard]] bool is_rtcp(std::span<const std::uint8_t> payload) noexcept;

/// An RTP header with a payload type that is in use.
[[nodiscard]] bool has_rtp_header(std::span<const std::uint8_t> payload) noexcept;

/// The RTP packets of one sender so far.
struct RtpTrack {
    std::uint32_t ssrc = 0;
    std::uint16_t sequence = 0;
    std::uint8_t payload_type = 0;
    std::uint8_t steps = 0; ///< packets that continued the one before
    bool begun = false;

    /// Takes a packet that has_rtp_header(); false when it does not continue the stream, which then begins anew.
    bool take(std::span<const std::uint8_t> payload) noexcept;
};

} // namespace foregate::dataplane
