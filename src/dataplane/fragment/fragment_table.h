// SPDX-License-Identifier: BSD-3-Clause
// Which flow the fragments of a packet belong to, without putting the packet together (VPP calls it shallow virtual
// reassembly): the first fragment's ports are remembered for the later ones; what comes before it is held. A fragment
// that overlaps another spoils the whole packet (RFC 5722, RFC 8200 4.5). Everything is bounded: packets in progress,
// those of one source, fragments held, time.
#pragma once

#include "dataplane/drop_reason.h"
#include "dataplane/packet/ip_address.h"

#include <array>
#include <cstdint>
#include <vector>

namespace foregate::dataplane {

/// What all fragments of a packet have in common (RFC 791, RFC 8200).
struct FragmentKey {
    IpAddress src{};
    IpAddress dst{};
    std::uint32_t id = 0;
    std::uint8_t protocol = 0; ///< IPv4 only; 0 for IPv6
    bool operator==(const FragmentKey&) const noexcept = default;
};

/// Which part of the packet's data a fragment carries, in bytes; the offset is a multiple of 8.
struct FragmentPiece {
    std::uint32_t offset = 0;
    std::uint32_t length = 0; ///< at least 1; offset + length at most 65535
    bool last = false;
};

/// What only the first fragment tells.
struct FragmentPorts {
    std::uint16_t src_port = 0;
    std::uint16_t dst_port = 0;
    std::uint8_t protocol = 0; ///< after all extension headers
};

struct FragmentLimits {
    unsigned packets = 2048;           ///< in progress
    unsigned packets_per_source = 256; ///< two sources may share one count
    unsigned held = 512;
    unsigned held_per_packet = 64;
    std::uint32_t life_ms = 2000;      ///< of a packet's record, from its first fragment seen; also how long one is held
};

enum class FragmentFate : std::uint8_t {
    pass,    ///< goes on; the ports are known
    held,    ///< kept until its first fragment comes, or its time is up
    overlap, ///< to be dropped
    full,    ///< to be dropped
};

/// Packets are the caller's opaque pointers. One thread. Times are milliseconds and may wrap.
class FragmentTable {
public:
    /// Where a held packet ends that will not go on.
    using Sink = void (*)(void* context, void* packet, DropReason reason);

    FragmentTable(const FragmentLimits& limits, std::uint64_t seed, Sink sink, void* context);
    /// Gives all held packets to the sink.
    ~FragmentTable();
    FragmentTable(const FragmentTable&) = delete;
    FragmentTable& operator=(const FragmentTable&) = delete;

    /// The first fragment: its ports serve the later ones, and what was held for it is released.
    [[nodiscard]] FragmentFate first(const FragmentKey& key, const FragmentPiece& piece, const FragmentPorts& ports,
                                     std::uint32_t now_ms) noexcept;
    /// A later fragment. Where the first one is known the ports are in `ports`, so on `pass` always; on `held` the table
    /// owns `packet`.
    [[nodiscard]] FragmentFate later(const FragmentKey& key, const FragmentPiece& piece, void* packet,
                                     FragmentPorts& ports, std::uint32_t now_ms) noexcept;

    [[nodiscard]] bool has_released() const noexcept { return released_.head != kNone; }
    /// The next packet that was held and may go on, in the order they came; nullptr when there is none.
    [[nodiscard]] void* take_released(FragmentPorts& ports) noexcept;

    /// Forgets what has outlived its time, a bounded part in each call.
    void expire(std::uint32_t now_ms) noexcept;

    [[nodiscard]] unsigned packets() const noexcept { return in_progress_; }
    [[nodiscard]] unsigned held() const noexcept { return held_count_; }

private:
    static constexpr std::uint32_t kNone = 0xffffffff;
    static constexpr unsigned kWords = 128;  ///< 8192 blocks of 8 bytes
    static constexpr unsigned kSources = 1024;

    struct Queue {
        std::uint32_t head = kNone;
        std::uint32_t tail = kNone;
    };
    struct Held {
        void* packet = nullptr;
        FragmentPorts ports{};
        std::uint32_t next = kNone;
    };
    struct Entry {
        FragmentKey key{};
        std::uint32_t chain = kNone;  ///< next of the same bucket; next free one
        std::uint32_t older = kNone;  ///< by creation
        std::uint32_t newer = kNone;
        std::uint32_t created_ms = 0;
        std::uint32_t covered = 0;    ///< blocks seen
        std::uint32_t blocks = 0;     ///< of the whole packet; 0 = the last fragment has not come
        std::uint32_t top = 0;        ///< one past the highest block seen
        Queue held{};
        std::uint16_t held_count = 0;
        bool known = false;           ///< the first fragment has come
        bool spoiled = false;
        FragmentPorts ports{};
        std::array<std::uint64_t, kWords> seen{}; ///< bit by block; only words below top are ever set
    };
    enum class Cover : std::uint8_t { fresh, repeated, clash };

    [[nodiscard]] std::uint32_t bucket_of(const FragmentKey& key) const noexcept;
    [[nodiscard]] std::uint16_t& source_count(const FragmentKey& key) noexcept;
    [[nodiscard]] Entry* find_or_add(const FragmentKey& key, std::uint32_t now_ms) noexcept;
    [[nodiscard]] Entry* add(const FragmentKey& key, std::uint32_t bucket, std::uint32_t now_ms) noexcept;
    /// Marks the piece as seen; `clash`: the packet is spoiled.
    [[nodiscard]] Cover cover(Entry& entry, const FragmentPiece& piece) noexcept;
    [[nodiscard]] FragmentFate judge(Entry& entry, const FragmentPiece& piece) noexcept;
    void remove(Entry& entry) noexcept;
    void discard(Entry& entry, DropReason reason) noexcept;
    void append(Queue& to, std::uint32_t held) noexcept;

    FragmentLimits limits_;
    std::uint64_t seed_;
    Sink sink_;
    void* context_;
    std::vector<Entry> entries_;
    std::vector<std::uint32_t> buckets_;
    std::vector<Held> held_;
    std::array<std::uint16_t, kSources> by_source_{};
    std::uint32_t free_entry_ = kNone;
    std::uint32_t free_held_ = kNone;
    std::uint32_t oldest_ = kNone;
    std::uint32_t newest_ = kNone;
    Queue released_{};
    unsigned in_progress_ = 0;
    unsigned held_count_ = 0;
};

} // namespace foregate::dataplane
