// SPDX-License-Identifier: BSD-3-Clause
// Everything one worker knows about one held or spliced connection, and the segments it can send in
// that connection's name. Owned by a Splicer, one thread.
// Number spaces: "upstream" = the gateway's own sequence numbers towards the server; "desktop" =
// the desktop's; the server's own numbers are the same on both sides.
#pragma once

#include "dataplane/packet/build.h"
#include "dataplane/splice/held.h"
#include "dataplane/splice/option_match.h"
#include "dataplane/splice/slot_index.h"
#include "dataplane/splice/source_ports.h"
#include "dataplane/splice/translate.h"

#include <cstdint>

namespace foregate::dataplane {

/// What a slot in state `closing` waits for.
enum class ClosingKind : std::uint8_t {
    fins,      ///< the gateway's own FIN exchange with the server
    linger,    ///< a splice is over; late retransmissions are still translated
    unwinding, ///< of before a restart, and cannot go on: each end is asked where it stands, and
               ///< reset there
};

struct alignas(64) HeldSlot {
    // --- read or written for every packet of a splice ---
    SpliceTerms terms{};
    std::uint32_t epoch = 0; ///< changes at each release, so that old references are noticed
    HeldState state = HeldState::dialing;
    bool in_use = false;
    bool desktop_fin = false; ///< unwinding: the desktop knows
    bool server_fin = false;  ///< likewise
    bool replaying = false;   ///< the banner is not yet acknowledged by the desktop
    ClosingKind closing = ClosingKind::fins;
    HeldClose close_reason = HeldClose::none;
    std::uint8_t tries = 0; ///< of whatever is being retransmitted
    std::uint64_t last_active_ns = 0;
    std::uint64_t bytes_up = 0;
    std::uint64_t bytes_down = 0;
    std::uint32_t desktop_seen = 0;        ///< highest end of a desktop segment; desktop space
    std::uint32_t desktop_acked = 0;       ///< highest ACK of the desktop; server space
    std::uint32_t server_seen = 0;         ///< highest end of a server segment; server space
    std::uint32_t server_acked = 0;        ///< highest ACK of the server; upstream space
    std::uint32_t desktop_fin_end = 0;     ///< desktop space
    std::uint32_t server_fin_end = 0;      ///< server space
    std::uint32_t desktop_ts = 0;          ///< the desktop's last TSval
    std::uint32_t ts_recent = 0;           ///< the server's last TSval
    std::uint16_t server_window_field = 0; ///< as last advertised, scaled, after the handshake

    // --- handshakes, waiting, replay ---
    std::uint32_t iss = 0;        ///< upstream ISN
    std::uint32_t snd_nxt = 0;    ///< upstream space, while the gateway is the endpoint
    std::uint32_t irs = 0;        ///< the server's ISN
    std::uint32_t rcv_nxt = 0;    ///< acknowledged upstream by the gateway
    std::uint32_t right_edge = 0; ///< of the window advertised upstream; never moves left
    std::uint32_t desktop_isn = 0;
    std::uint32_t ts_offset = 0;     ///< of our own timestamp clock
    std::uint32_t server_window = 0; ///< bytes, as last advertised before the splice
    std::uint32_t rtt_us = 0;
    std::uint16_t first_window = 0; ///< bytes promised in the SYN upstream
    std::uint8_t server_ttl = 64;
    std::uint8_t syn_tries = 0;
    bool desktop_heard = false; ///< since a restart
    bool server_heard = false;  ///< likewise
    bool confirmed = false;     ///< the desktop has acknowledged the SYN-ACK
    bool moved = false;         ///< to a fresh connection, or that was tried: once
    bool answer_waits = false;  ///< the SYN-ACK is not sent yet: see sender_memory.h
    std::uint8_t starved = 0;   ///< looks in a row that found little on the way
    bool probe_outstanding = false;
    bool probe_repeated = false;
    AgreedOptions agreed{};
    std::uint32_t banner = kNoSlot; ///< number of its buffer
    std::uint16_t banner_kept = 0;
    std::uint64_t opened_ns = 0;
    std::uint64_t established_ns = 0;
    std::uint64_t sent_ns = 0; ///< last SYN, probe, SYN-ACK, FIN or replay
    std::uint64_t due_ns = 0;  ///< next thing to do; spliced: only while replaying
    std::uint64_t challenge_ns = 0;
    std::uint64_t looked_ns = 0; ///< at the upload's pace: the last time
    HeldTuple tuple{};
    OpenHeld order{};
};

/// Our timestamp clock for this slot (milliseconds plus a secret offset per pair of addresses).
[[nodiscard]] inline std::uint32_t ts_clock(const HeldSlot& s, std::uint64_t now_ns) noexcept {
    return static_cast<std::uint32_t>(now_ns / 1'000'000) + s.ts_offset;
}

/// Window that a held connection promises in its SYN: `segments` MSS, a multiple of 1 << scale, so
/// that later scaled windows can name the same right edge.
[[nodiscard]] std::uint16_t held_window(const SynTemplate& syn, unsigned segments) noexcept;

/// Window field for an ACK upstream; keeps the right edge, or moves it right by less than one unit.
[[nodiscard]] std::uint16_t advance_window(HeldSlot& s) noexcept;

/// Segments towards the server. `flags` decide what the rest looks like.
void fill_upstream_syn(const HeldSlot& s, std::uint64_t now_ns, SegmentSpec& out) noexcept;
void fill_upstream(HeldSlot& s, std::uint8_t flags, std::uint32_t seq, std::uint64_t now_ns,
                   SegmentSpec& out) noexcept;
void fill_upstream_reset(const HeldSlot& s, std::uint32_t seq, SegmentSpec& out) noexcept;

/// Segments towards the desktop, in the server's name.
void fill_desktop_synack(const HeldSlot& s, std::uint16_t inner_mtu, SegmentSpec& out) noexcept;
/// A part of the banner; the caller copies the payload.
void fill_desktop_data(const HeldSlot& s, std::uint32_t seq, SegmentSpec& out) noexcept;
/// After a restart: an ACK that cannot be acceptable, so that its receiver answers with where it
/// stands.
void fill_upstream_question(const HeldSlot& s, SegmentSpec& out) noexcept;
void fill_desktop_question(const HeldSlot& s, SegmentSpec& out) noexcept;
/// RST; with ACK of `ack` when `with_ack`.
void fill_desktop_reset(const HeldSlot& s, std::uint32_t seq, bool with_ack, std::uint32_t ack,
                        SegmentSpec& out) noexcept;

} // namespace foregate::dataplane
