// SPDX-License-Identifier: BSD-3-Clause
// The Splicer opens held connections in the desktops' names, keeps them, and splices a desktop's
// own TCP connection onto one when its SYN fits. One per worker; every call comes from that
// worker's core. No clock, no randomness of its own, no locks; all memory is taken at construction,
// and no call after it allocates or throws.
//
// How the worker uses it:
//  - after every call it drains out() (frames to send) and, when it likes, reports();
//  - it keeps the SpliceRef in its flow table under the held five-tuple (from open()) and under the
//    desktop's (from desktop_syn()); a reference outlives its connection harmlessly: the calls then
//    answer `stale`, and the packet is to be treated as the first of a flow that was never spliced;
//  - a desktop's TCP SYN of a new flow goes to desktop_syn() before it goes anywhere else.
//
// Methods: server's ISN handed on unchanged, one delta for the desktop's direction (after Maltz and
// Bhagwat, "TCP Splicing for Application Layer Proxy Performance", 1998); ISN by RFC 6528, ports by
// RFC 6056, resets by RFC 5961, windows and timestamps by RFC 7323.
#pragma once

#include "dataplane/packet/parse.h"
#include "dataplane/splice/banner_pool.h"
#include "dataplane/splice/bounded_queue.h"
#include "dataplane/splice/held.h"
#include "dataplane/splice/held_slot.h"
#include "dataplane/splice/sender_memory.h"
#include "dataplane/splice/slot_index.h"
#include "dataplane/splice/slot_timers.h"
#include "dataplane/splice/source_ports.h"
#include "dataplane/splice/splice_record.h"
#include "dataplane/splice/splice_ref.h"

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace foregate::dataplane {

/// Sizes, secret and timers of one Splicer. Times in nanoseconds.
struct SplicerSettings {
    std::uint32_t capacity = 16384;      ///< connections, spliced ones included
    std::uint32_t banner_buffers = 1024; ///< greetings kept at once
    std::uint32_t banner_bytes = 4096;   ///< of each, at most 65535
    std::uint32_t segment_queue = 256;
    std::uint32_t report_queue = 1024;
    std::uint32_t quarantine_entries = 65536;
    std::uint32_t timers_per_tick = 64; ///< bound of the work in one tick()
    SecretKey secret{};                 ///< random, new at each start
    std::uint16_t port_low = 16384;     ///< source ports of held connections
    std::uint16_t port_high = 32767;
    std::uint8_t window_segments = 2;            ///< receive window while held, in MSS
    std::uint16_t inner_mtu = 1500;              ///< towards the desktops, at least 1280
    std::uint64_t dial_retry_ns = 1'000'000'000; ///< doubles
    std::uint64_t dial_timeout_ns = 10'000'000'000;
    std::uint64_t probe_retry_ns = 2'000'000'000;
    std::uint8_t probe_tries = 3;
    std::uint64_t handover_margin_ns = 500'000'000; ///< no splice so near the maximum age
    std::uint64_t synack_retry_ns = 1'000'000'000;  ///< doubles
    std::uint8_t synack_tries = 5;
    std::uint64_t replay_retry_ns = 200'000'000; ///< doubles
    std::uint8_t replay_tries = 8;
    std::uint64_t fin_retry_ns = 1'000'000'000; ///< doubles
    std::uint8_t fin_tries = 4;
    std::uint64_t repeat_grace_ns = 500'000'000; ///< a SYN-ACK repeated sooner is a duplicate
    std::uint64_t linger_ns = 5'000'000'000;     ///< after the end of a splice
    std::uint64_t idle_ns = 7'440'000'000'000;   ///< spliced and silent (RFC 5382: 2 h 4 min)
    std::uint64_t half_closed_idle_ns = 240'000'000'000;
    std::uint64_t quarantine_ns = 60'000'000'000; ///< of a closed source port
    std::uint64_t move_within_ns =
        10'000'000'000; ///< of the SYN-ACK; later, a server's end is its last word
    std::uint8_t late_percent =
        65; ///< of the round trip, before a SYN that is answered late gets its answer
    std::uint64_t unwind_retry_ns = 200'000'000; ///< doubles
    std::uint8_t unwind_tries = 6;
};

/// What open() made: to be inserted into the worker's flow table.
struct OpenedHeld {
    SpliceRef ref;
    HeldTuple tuple;
};

enum class SpliceVerdict : std::uint8_t {
    consumed, ///< answered or kept; free the packet
    forward,  ///< translated in place; send it on
    drop,     ///< see `reason`
    stale,    ///< the reference does not belong to this packet (any more)
};

enum class SpliceDrop : std::uint8_t { none, bad_options, bad_flags, fragment, out_of_window };

struct SpliceAction {
    SpliceVerdict verdict = SpliceVerdict::stale;
    SpliceDrop reason = SpliceDrop::none;
};

enum class SynVerdict : std::uint8_t {
    none,     ///< nothing is held for it: an ordinary flow
    spliced,  ///< answered; insert `ref` under the desktop's five-tuple and free the packet
    fallback, ///< something is held but does not fit: an ordinary flow
    drop,     ///< its five-tuple is in use upstream by another splice
};

struct SynOutcome {
    SynVerdict verdict = SynVerdict::none;
    SpliceFallback reason = SpliceFallback::none;
    SpliceRef ref{};
    bool late = false; ///< spliced: the answer waits for a part of the round trip
};

struct SplicerCounters {
    std::uint64_t opened = 0;
    std::uint64_t established = 0;
    std::uint64_t failed = 0;
    std::uint64_t closed_unused = 0;
    std::uint64_t splices_begun = 0;
    std::uint64_t spliced = 0;
    std::uint64_t splices_undone = 0;
    std::uint64_t splices_ended = 0;
    std::uint64_t closed_at_handover = 0; ///< by the server, before the desktop's ACK
    std::uint64_t deferred_accept = 0;
    std::uint64_t challenge_acks = 0;
    std::uint64_t bad_options = 0;
    std::uint64_t moves_begun = 0;
    std::uint64_t moved = 0; ///< splices that go on over a fresh connection
    std::uint64_t move_mismatch =
        0; ///< the fresh connection's options were not what the desktop was told
    std::uint64_t late_answers = 0;
    std::uint64_t starved_senders =
        0;                         ///< uploads that were found to take the handshake for the path
    std::uint64_t taken_over = 0;  ///< splices that go on after a restart
    std::uint64_t left_behind = 0; ///< connections of before a restart that are reset
    std::uint64_t banner_pool_empty = 0;
    std::array<std::uint64_t, static_cast<std::size_t>(SpliceFallback::count_)> fallbacks{};
};

class Splicer {
public:
    /// Throws std::invalid_argument when a setting is impossible.
    explicit Splicer(const SplicerSettings& settings);
    Splicer(const Splicer&) = delete;
    Splicer& operator=(const Splicer&) = delete;

    /// Sends a SYN. nullopt: not possible; the report says why.
    std::optional<OpenedHeld> open(const OpenHeld& order, std::uint64_t now_ns,
                                   PortInUse port_in_use = {}) noexcept;

    /// Before anything else: where this Splicer keeps a record of each connection, by slot, for the
    /// process after this one. At least capacity() of them, or none.
    void keep_records(std::span<SpliceRecord> records) noexcept {
        records_ = records.size() >= settings_.capacity ? records : std::span<SpliceRecord>();
    }
    /// A usable record of the process before. With `goes_on` (and if it can), the splice is
    /// translated as before; otherwise both ends, or the server of a connection that was only held,
    /// get a reset that is exact for them. nullopt: no room.
    std::optional<OpenedHeld> take_over(const SpliceRecord& record, const OpenHeld& order,
                                        bool goes_on, std::uint64_t now_ns) noexcept;

    /// A TCP packet from the upstream port whose flow carries `ref`.
    SpliceAction from_upstream(SpliceRef ref, std::uint8_t* frame, const ParsedPacket& packet,
                               std::uint64_t now_ns) noexcept;
    /// A TCP packet from the desktop port whose flow carries `ref`.
    SpliceAction from_desktop(SpliceRef ref, std::uint8_t* frame, const ParsedPacket& packet,
                              std::uint64_t now_ns) noexcept;
    /// An ICMP error from either side that quotes a packet whose flow carries `ref`. `forward`: the
    /// quote was translated. Find the flow by parse_icmp_quote (icmp_quote.h).
    SpliceAction from_icmp_error(SpliceRef ref, std::uint8_t* frame, const ParsedPacket& packet,
                                 std::uint64_t now_ns) noexcept;
    /// The first SYN of a desktop's flow. The frame is not changed.
    SynOutcome desktop_syn(std::uint32_t desktop, const std::uint8_t* frame,
                           const ParsedPacket& packet, std::uint64_t now_ns) noexcept;

    /// Ends one connection, whatever its state; false when there is none with this id.
    bool close(std::uint64_t id, std::uint64_t now_ns) noexcept;
    /// Ends those of a desktop, or those to a server's port; returns how many.
    unsigned close_desktop(std::uint32_t desktop, CloseScope scope, std::uint64_t now_ns) noexcept;
    unsigned close_server(const IpAddress& server, std::uint16_t port, CloseScope scope,
                          std::uint64_t now_ns) noexcept;

    /// Retransmissions, probes, expiry. Bounded work; call it every few milliseconds.
    void tick(std::uint64_t now_ns) noexcept;

    BoundedQueue<SegmentSpec>& out() noexcept { return out_; }
    BoundedQueue<HeldReport>& reports() noexcept { return reports_; }
    [[nodiscard]] const SplicerCounters& counters() const noexcept { return counters_; }

    /// Copies the connections from slot `first` on into `views`; returns how many were written and
    /// moves `first` to where to go on, or to capacity() at the end.
    std::size_t view(std::uint32_t& first, std::span<HeldView> views,
                     std::uint64_t now_ns) const noexcept;
    [[nodiscard]] std::uint32_t capacity() const noexcept { return settings_.capacity; }
    [[nodiscard]] std::uint32_t in_use() const noexcept {
        return settings_.capacity - static_cast<std::uint32_t>(free_.size());
    }
    [[nodiscard]] std::size_t free_banner_buffers() const noexcept {
        return banners_.free_buffers();
    }
    [[nodiscard]] std::uint64_t quarantine_forgotten() const noexcept {
        return quarantine_.forgotten_early();
    }
    /// State of a connection, nullopt when the reference is stale.
    [[nodiscard]] std::optional<HeldState> state(SpliceRef ref) const noexcept;

private:
    // splicer.cpp: life of a slot
    HeldSlot* find(SpliceRef ref) noexcept;
    std::uint32_t index_of(const HeldSlot& s) const noexcept;
    std::uint64_t key_hash(const IpAddress& source, const IpAddress& server,
                           std::uint16_t port) const noexcept;
    std::uint64_t server_hash(const IpAddress& server, std::uint16_t port) const noexcept;
    bool port_taken(const HeldTuple& tuple, std::uint64_t now_ns,
                    const PortInUse& in_use) const noexcept;
    void occupy(std::uint32_t index, const OpenHeld& order, const HeldTuple& tuple,
                std::uint64_t now_ns) noexcept;
    void release(HeldSlot& s, std::uint64_t now_ns) noexcept;
    void refuse(const OpenHeld& order, HeldFailure why) noexcept;
    void report(const HeldSlot& s, HeldEvent event, std::uint64_t now_ns, HeldClose close,
                SpliceFallback fallback = SpliceFallback::none) noexcept;
    void fail(HeldSlot& s, HeldFailure why, std::uint64_t now_ns) noexcept;
    void arm(HeldSlot& s, std::uint64_t due_ns, std::uint64_t now_ns) noexcept;

    // splicer_restart.cpp: what outlives the process
    void record(const HeldSlot& s, RecordKind kind) noexcept;
    void hear_desktop(HeldSlot& s, const SegmentFacts& f) noexcept;
    void hear_server(HeldSlot& s, const SegmentFacts& f) noexcept;
    void unwind(HeldSlot& s, std::uint64_t now_ns) noexcept;
    void unwind_desktop(HeldSlot& s, const SegmentFacts& f) noexcept;
    void unwind_server(HeldSlot& s, const SegmentFacts& f) noexcept;
    void fire_unwinding(HeldSlot& s, std::uint64_t now_ns) noexcept;

    // splicer_close.cpp: ways to end
    bool end(HeldSlot& s, HeldClose why, std::uint64_t now_ns) noexcept;
    void close_with_fin(HeldSlot& s, HeldClose why, std::uint64_t now_ns) noexcept;
    void close_with_reset(HeldSlot& s, HeldClose why, std::uint64_t now_ns) noexcept;
    void abort_splice(HeldSlot& s, HeldClose why, std::uint64_t now_ns) noexcept;
    void send_fin(HeldSlot& s, std::uint64_t now_ns) noexcept;
    void reset_upstream(const HeldSlot& s, std::uint32_t seq) noexcept;
    void reset_desktop(const HeldSlot& s, std::uint32_t seq, bool with_ack,
                       std::uint32_t ack) noexcept;

    // splicer_upstream.cpp: the gateway as endpoint towards the server
    void upstream_dialing(HeldSlot& s, const std::uint8_t* frame, const ParsedPacket& packet,
                          std::uint64_t now_ns) noexcept;
    void establish(HeldSlot& s, const SegmentFacts& f, const std::uint8_t* tcp,
                   const ParsedPacket& packet, std::uint64_t now_ns) noexcept;
    void upstream_held(HeldSlot& s, const std::uint8_t* frame, const ParsedPacket& packet,
                       std::uint64_t now_ns) noexcept;
    void upstream_reset(HeldSlot& s, const SegmentFacts& f, std::uint64_t now_ns) noexcept;
    void upstream_syn(HeldSlot& s, const SegmentFacts& f, std::uint64_t now_ns) noexcept;
    bool acceptable(HeldSlot& s, const SegmentFacts& f, bool old_timestamp,
                    std::uint64_t now_ns) noexcept;
    void heard(HeldSlot& s, std::uint64_t now_ns) noexcept;
    void keep_banner(HeldSlot& s, const SegmentFacts& f, const std::uint8_t* payload,
                     std::uint32_t payload_length, std::uint64_t now_ns) noexcept;
    void upstream_closing(HeldSlot& s, const SegmentFacts& f, std::uint64_t now_ns) noexcept;
    void ack_upstream(HeldSlot& s, std::uint64_t now_ns) noexcept;
    void challenge_upstream(HeldSlot& s, std::uint64_t now_ns) noexcept;

    // splicer_desktop.cpp: the desktop's handshake
    /// A desktop's SYN, read once.
    struct DesktopSyn {
        const ParsedPacket& packet;
        SegmentFacts facts;
        TcpOptions options;
        std::uint32_t desktop;
    };
    HeldSlot* choose(const DesktopSyn& syn, std::uint64_t now_ns, SynOutcome& outcome) noexcept;
    SpliceFallback fits(const HeldSlot& s, const DesktopSyn& syn,
                        std::uint64_t now_ns) const noexcept;
    bool desktop_again(HeldSlot& s, const DesktopSyn& syn, std::uint64_t now_ns,
                       SynOutcome& outcome) noexcept;
    SynOutcome own_port(HeldSlot& s, const DesktopSyn& syn, std::uint64_t now_ns) noexcept;
    bool begin_splice(HeldSlot& s, const DesktopSyn& syn, std::uint64_t now_ns) noexcept;
    bool send_synack(HeldSlot& s, std::uint64_t now_ns) noexcept;
    void undo_splice(HeldSlot& s, std::uint64_t now_ns) noexcept;
    SpliceAction desktop_splicing(HeldSlot& s, std::uint8_t* frame, const ParsedPacket& packet,
                                  std::uint64_t now_ns) noexcept;
    void complete_splice(HeldSlot& s, const std::uint8_t* tcp, std::uint64_t now_ns) noexcept;

    void confirm(HeldSlot& s, std::uint64_t now_ns) noexcept;

    // splicer_move.cpp: the hand-over race
    [[nodiscard]] bool may_move(const HeldSlot& s, std::uint64_t now_ns) const noexcept;
    [[nodiscard]] SpliceVerdict server_closes_early(HeldSlot& s, const SegmentFacts& f,
                                                    std::uint64_t now_ns) noexcept;
    void begin_move(HeldSlot& s, bool reset_old, std::uint64_t now_ns) noexcept;
    void upstream_moving(HeldSlot& s, const std::uint8_t* frame, const ParsedPacket& packet,
                         std::uint64_t now_ns) noexcept;
    void finish_move(HeldSlot& s, const SegmentFacts& f, const TcpOptions& o,
                     std::uint64_t now_ns) noexcept;
    SpliceAction desktop_moving(HeldSlot& s, std::uint8_t* frame, const ParsedPacket& packet,
                                std::uint64_t now_ns) noexcept;
    void give_up_move(HeldSlot& s, HeldClose why, std::uint64_t now_ns) noexcept;
    void fire_moving(HeldSlot& s, std::uint64_t now_ns) noexcept;

    // splicer_uploads.cpp: senders that take the handshake for the path
    void look_at_upload(HeldSlot& s, std::uint64_t now_ns) noexcept;
    void remember_use(const HeldSlot& s) noexcept;
    [[nodiscard]] bool answers_late(const HeldSlot& s) const noexcept;

    // splicer_spliced.cpp: both directions of an established splice
    SpliceAction spliced_up(HeldSlot& s, std::uint8_t* frame, const ParsedPacket& packet,
                            std::uint64_t now_ns) noexcept;
    SpliceAction spliced_down(HeldSlot& s, std::uint8_t* frame, const ParsedPacket& packet,
                              std::uint64_t now_ns) noexcept;
    void track_end(HeldSlot& s, std::uint64_t now_ns) noexcept;
    void linger(HeldSlot& s, HeldClose why, std::uint64_t now_ns) noexcept;
    void replay_banner(HeldSlot& s, std::uint64_t now_ns) noexcept;
    void replay_progress(HeldSlot& s, std::uint64_t now_ns) noexcept;

    // splicer_timers.cpp
    void fire(HeldSlot& s, std::uint64_t now_ns) noexcept;
    void fire_dialing(HeldSlot& s, std::uint64_t now_ns) noexcept;
    void fire_held(HeldSlot& s, std::uint64_t now_ns) noexcept;
    void fire_splicing(HeldSlot& s, std::uint64_t now_ns) noexcept;
    void fire_spliced(HeldSlot& s, std::uint64_t now_ns) noexcept;
    void fire_closing(HeldSlot& s, std::uint64_t now_ns) noexcept;
    std::uint64_t held_due(const HeldSlot& s) const noexcept;
    std::uint64_t spliced_due(const HeldSlot& s) const noexcept;

    SplicerSettings settings_;
    std::span<SpliceRecord> records_; ///< by slot; empty: none are kept
    std::vector<HeldSlot> slots_;
    std::vector<std::uint32_t> free_;
    SlotIndex by_key_; ///< (source, server, port): all in use
    SlotIndex by_id_;
    SlotIndex by_desktop_;
    SlotIndex by_server_;
    SlotTimers timers_;
    SourcePorts ports_;
    PortQuarantine quarantine_;
    BannerPool banners_;
    SenderMemory senders_;
    BoundedQueue<SegmentSpec> out_;
    BoundedQueue<HeldReport> reports_;
    SplicerCounters counters_{};
};

} // namespace foregate::dataplane
